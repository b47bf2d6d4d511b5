//! A small Llama for tests: its config, and the names and shapes of its tensors.

use serde_json::{Value, json};

/// One layer, 2 heads of 4, 4 tokens.
pub(crate) fn small_config(tied: bool) -> Value {
    json!({"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "vocab_size": 4, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": tied})
}

/// Its tensors, with `prefix` before their names; no head.
pub(crate) fn small_tensors(prefix: &str) -> Vec<(String, Vec<usize>)> {
    let plain = |name: &str, shape: &[usize]| (format!("{prefix}{name}.weight"), shape.to_vec());
    let layer = |name: &str, shape: &[usize]| plain(&format!("layers.0.{name}"), shape);
    vec![
        plain("embed_tokens", &[4, 8]),
        plain("norm", &[8]),
        layer("input_layernorm", &[8]),
        layer("post_attention_layernorm", &[8]),
        layer("self_attn.q_proj", &[8, 8]),
        layer("self_attn.k_proj", &[8, 8]),
        layer("self_attn.v_proj", &[8, 8]),
        layer("self_attn.o_proj", &[8, 8]),
        layer("mlp.gate_proj", &[16, 8]),
        layer("mlp.up_proj", &[16, 8]),
        layer("mlp.down_proj", &[8, 16]),
    ]
}
