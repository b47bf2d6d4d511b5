//! Single keys; whole files of every architecture are in `../tests.rs`.

use super::*;
use crate::weights::gguf::testing::{Builder, open};

/// The keys that every model with rotary positions has.
fn minimal(architecture: &str) -> Builder {
    let key = |name: &str| format!("{architecture}.{name}");
    Builder::new()
        .string("general.architecture", architecture)
        .u32(&key("block_count"), 3)
        .u32(&key("context_length"), 128)
        .u32(&key("embedding_length"), 16)
        .u32(&key("feed_forward_length"), 32)
        .u32(&key("attention.head_count"), 4)
        .u32(&key("attention.head_count_kv"), 2)
        .f32(&key("attention.layer_norm_rms_epsilon"), 1e-5)
        .u32(&key("vocab_size"), 7)
}

fn config(builder: Builder) -> Json {
    hf_config(&open(builder).1).unwrap()
}

fn problem(builder: Builder) -> String {
    hf_config(&open(builder).1).unwrap_err().to_string()
}

#[test]
fn the_metadata_reads_like_a_config_json() {
    let config = config(minimal("llama").f32("llama.rope.freq_base", 1e5));
    for (key, expected) in [
        ("model_type", json!("llama")),
        ("head_dim", json!(4)),
        ("num_key_value_heads", json!(2)),
        ("rms_norm_eps", json!(1e-5)),
        ("rope_theta", json!(1e5)),
        ("rope_scaling", Json::Null),
        ("vocab_size", json!(7)),
        ("tie_word_embeddings", json!(true)),
        ("attention_bias", json!(false)),
    ] {
        assert_eq!(config[key], expected, "{key}");
    }
    assert!(config.get("partial_rotary_factor").is_none());
}

#[test]
fn what_is_missing_or_wrong_names_its_key() {
    assert!(problem(Builder::new()).contains("`general.architecture`: expected the name"));
    let bare = Builder::new().string("general.architecture", "llama");
    assert!(
        problem(bare).contains("`llama.embedding_length`: expected a whole number above 0, found nothing")
    );
    let mamba = problem(Builder::new().string("general.architecture", "mamba"));
    assert!(mamba.contains("`mamba`") && mamba.contains("gemma3, gpt2"), "{mamba}");
    assert!(problem(minimal("llama").string("llama.rope.freq_base", "x")).contains("found text `x`"));
    assert!(problem(minimal("llama").u32("llama.attention.key_length", 3)).contains("an even number"));
    assert!(problem(minimal("phi3")).contains("`phi3.attention.sliding_window`"));
    assert!(problem(minimal("gemma2")).contains("`gemma2.attention.sliding_window`"));
}

#[test]
fn what_would_be_another_model_is_refused() {
    for (builder, expected) in [
        (minimal("llama").u32("llama.expert_count", 8), "without experts"),
        (minimal("qwen2").bool("qwen2.attention.causal", false), "causal attention"),
        (minimal("llama").f32("llama.logit_scale", 0.5), "`llama.logit_scale` is `0.5`"),
        (minimal("llama").u32("llama.attention.sliding_window", 4096), "full attention in this architecture"),
    ] {
        let problem = problem(builder);
        assert!(problem.contains(expected), "{problem}");
    }
    config(minimal("llama").f32("llama.logit_scale", 1.0).u32("llama.attention.sliding_window", 0));
}

#[test]
fn gemma_layers_alternate_as_the_file_or_its_generation_says() {
    let types = |builder: Builder| {
        let types = config(builder)["layer_types"].clone();
        let sliding = |value: &Json| value == "sliding_attention";
        types.as_array().unwrap().iter().map(sliding).collect::<Vec<bool>>()
    };
    let gemma = |name: &str| minimal(name).u32(&format!("{name}.attention.sliding_window"), 8);
    let pattern = "gemma3.attention.sliding_window_pattern";
    assert_eq!(types(gemma("gemma2")), [true, false, true]);
    assert_eq!(types(gemma("gemma3")), [true, true, true]);
    assert_eq!(types(gemma("gemma3").u32(pattern, 3)), [true, true, false]);
    assert_eq!(types(gemma("gemma3").bools(pattern, &[false, true, false])), [false, true, false]);
    assert!(problem(gemma("gemma3").bools(pattern, &[true])).contains("for each of the 3 layers"));
    assert!(problem(gemma("gemma3").u32(pattern, 0)).contains("a number above 0"));
}

#[test]
fn queries_of_the_largest_gemma_models_are_scaled_by_another_size() {
    let scalar = |name: &str, layers: u32| {
        let key = |key: &str| format!("{name}.{key}");
        let builder = Builder::new()
            .string("general.architecture", name)
            .u32(&key("block_count"), layers)
            .u32(&key("context_length"), 128)
            .u32(&key("embedding_length"), 48)
            .u32(&key("feed_forward_length"), 32)
            .u32(&key("attention.head_count"), 4)
            .u32(&key("attention.key_length"), 8)
            .u32(&key("attention.sliding_window"), 8)
            .f32(&key("attention.layer_norm_rms_epsilon"), 1e-6)
            .u32(&key("vocab_size"), 7);
        config(builder)["query_pre_attn_scalar"].clone()
    };
    assert_eq!([scalar("gemma2", 42), scalar("gemma2", 46)], [8, 12]);
    assert_eq!([scalar("gemma3", 46), scalar("gemma3", 62)], [8, 12]);
}
