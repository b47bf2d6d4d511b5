//! A random model of one layer that takes any text for one unknown token: fast, and its answers are never looked at.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Writes it to `folder`; models of different `kind`s have different weights.
pub(crate) fn write(folder: &Path, kind: usize) {
    fs::create_dir_all(folder).unwrap();
    let write = |file: &str, json: Value| fs::write(folder.join(file), json.to_string()).unwrap();
    write(
        "config.json",
        json!({"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": 4, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": true}),
    );
    write(
        "tokenizer.json",
        json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
            "post_processor": null, "decoder": null, "added_tokens": [],
            "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "unk_token": "a"}}),
    );
    let layer = |name: &str, rows: usize, columns: usize| {
        (format!("model.layers.0.{name}.weight"), rows * columns, vec![rows, columns])
    };
    let norm = |name: &str| (format!("model.{name}.weight"), 8, vec![8]);
    let tensors = [
        ("model.embed_tokens.weight".to_owned(), 32, vec![4, 8]),
        norm("norm"),
        norm("layers.0.input_layernorm"),
        norm("layers.0.post_attention_layernorm"),
        layer("self_attn.q_proj", 8, 8),
        layer("self_attn.k_proj", 8, 8),
        layer("self_attn.v_proj", 8, 8),
        layer("self_attn.o_proj", 8, 8),
        layer("mlp.gate_proj", 16, 8),
        layer("mlp.up_proj", 16, 8),
        layer("mlp.down_proj", 8, 16),
    ];
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, count, shape) in tensors {
        let start = data.len();
        // Anything that is no zero and no pattern of two.
        data.extend(
            (0..count).flat_map(|n| (0.1 * ((n * 7 + start + kind) % 11) as f32 - 0.5).to_le_bytes()),
        );
        header.insert(name, json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
}
