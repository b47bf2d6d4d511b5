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
    assert!(mamba.contains("`mamba`") && mamba.contains("gemma3, gemma4, gpt2, gpt-oss"), "{mamba}");
    assert!(problem(minimal("llama").string("llama.rope.freq_base", "x")).contains("found text `x`"));
    assert!(problem(minimal("llama").u32("llama.attention.key_length", 3)).contains("an even number"));
    assert!(problem(minimal("phi3")).contains("`phi3.attention.sliding_window`"));
    assert!(problem(minimal("gemma2")).contains("`gemma2.attention.sliding_window`"));
}

#[test]
fn what_would_be_another_model_is_refused() {
    for (builder, expected) in [
        (minimal("qwen2").u32("qwen2.expert_count", 8), "without experts"),
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
fn one_name_is_several_architectures() {
    let model = |builder: Builder| config(builder)["model_type"].clone();
    let mixtral = || minimal("llama").u32("llama.expert_count", 8).u32("llama.expert_used_count", 2);
    assert_eq!(model(mixtral()), "mixtral");
    assert_eq!(model(minimal("llama").u32("llama.expert_count", 0)), "llama");
    assert_eq!(model(minimal("mistral3")), "mistral");
    assert_eq!(model(minimal("mistral3").f32("mistral3.attention.temperature_scale", 0.1)), "ministral3");
    assert_eq!(model(minimal("olmo2")), "olmo2");
    assert_eq!(model(minimal("olmo2").u32("olmo2.attention.sliding_window", 9)), "olmo3");
    let unnormalised = problem(mixtral().bool("llama.expert_weights_norm", false));
    assert!(unnormalised.contains("`llama.expert_weights_norm` is `false`"), "{unnormalised}");
    let sigmoid = problem(mixtral().u32("llama.expert_gating_func", 2));
    assert!(
        sigmoid.contains("`llama.expert_gating_func` is `2`, which is not supported; supported: 1"),
        "{sigmoid}"
    );
    let grouped = problem(mixtral().u32("llama.expert_group_count", 4));
    assert!(grouped.contains("`llama.expert_group_count` is `4`"), "{grouped}");
}

#[test]
fn exaone_has_windows_where_its_file_or_its_size_says_so() {
    let windows = |builder: Builder| {
        let config = config(builder);
        (
            config["sliding_window"].clone(),
            config.get("layer_types").map(|types| types.as_array().unwrap().len()),
        )
    };
    assert_eq!(windows(minimal("exaone4")), (Json::Null, None));
    assert_eq!(windows(minimal("exaone4").u32("exaone4.attention.sliding_window", 5)), (json!(5), Some(3)));
    let large = || minimal("exaone4").without("exaone4.block_count").u32("exaone4.block_count", 64);
    assert_eq!(windows(large()), (json!(4096), Some(64)));
}

#[test]
fn layers_of_the_delta_rule_must_fit() {
    let qwen = || {
        minimal("qwen35")
            .u32("qwen35.ssm.group_count", 2)
            .u32("qwen35.ssm.time_step_rank", 4)
            .u32("qwen35.ssm.inner_size", 12)
            .u32("qwen35.ssm.state_size", 5)
            .u32("qwen35.ssm.conv_kernel", 4)
    };
    let read = config(qwen());
    assert_eq!([&read["linear_value_head_dim"], &read["linear_key_head_dim"]], [3, 5]);
    let types = |builder: Builder| config(builder)["layer_types"].clone();
    assert_eq!(
        types(qwen().u32("qwen35.full_attention_interval", 2)),
        json!(["linear_attention", "full_attention", "linear_attention"])
    );
    let listed = qwen().bools("qwen35.attention.recurrent_layers", &[false, true, true, false]);
    // The last one predicts further tokens.
    let listed = listed
        .without("qwen35.block_count")
        .u32("qwen35.block_count", 4)
        .u32("qwen35.nextn_predict_layers", 1);
    assert_eq!(types(listed), json!(["full_attention", "linear_attention", "linear_attention"]));
    for (key, value, expected) in [
        ("qwen35.ssm.time_step_rank", 3, "a multiple of ssm.group_count, 2"),
        ("qwen35.ssm.inner_size", 13, "a multiple of ssm.time_step_rank, 4"),
        ("qwen35.ssm.conv_kernel", 0, "a whole number above 0"),
        ("qwen35.nextn_predict_layers", 3, "fewer than the 3 of block_count"),
    ] {
        let problem = problem(qwen().without(key).u32(key, value));
        assert!(problem.contains(key) && problem.contains(expected), "{problem}");
    }
    let short = problem(qwen().bools("qwen35.attention.recurrent_layers", &[true]));
    assert!(short.contains("for each of the 3 layers"), "{short}");
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

/// Three layers, of which the first has a window and the last reads the keys of the one before.
fn gemma4() -> Builder {
    let key = |name: &str| format!("gemma4.{name}");
    let ones: Vec<u8> = [1.0_f32; 4].iter().flat_map(|value| value.to_le_bytes()).collect();
    minimal("gemma4")
        .u32(&key("attention.key_length"), 8)
        .u32(&key("attention.key_length_swa"), 4)
        .u32(&key("attention.sliding_window"), 5)
        .u32(&key("attention.shared_kv_layers"), 1)
        .bools(&key("attention.sliding_window_pattern"), &[true, false, false])
        .f32(&key("rope.freq_base"), 1e6)
        .f32(&key("rope.freq_base_swa"), 1e4)
        .tensor("rope_freqs.weight", 0, &[4], &ones)
}

/// The same without what it says of `key`.
fn other(key: &str) -> Builder {
    gemma4().without(key)
}

#[test]
fn layers_of_gemma_4_differ() {
    let wide = "gemma4.feed_forward_length";
    let read = config(other(wide).i32s(wide, &[32, 32, 64]));
    for (key, expected) in [
        ("head_dim", json!(4)),
        ("per_layer_config", json!({ "1": { "head_dim": 8 }, "2": { "head_dim": 8 } })),
        ("layer_types", json!(["sliding_attention", "full_attention", "full_attention"])),
        ("intermediate_size", json!(32)),
        ("use_double_wide_mlp", json!(true)),
        // No layer without a window has values.
        ("attention_k_eq_v", json!(true)),
        ("enable_moe_block", json!(false)),
    ] {
        assert_eq!(read[key], expected, "{key}");
    }
    let values = gemma4().tensor("blk.1.attn_v.weight", 0, &[1], &[0; 4]);
    assert_eq!(config(values)["attention_k_eq_v"], false);
    let share = config(gemma4().u32("gemma4.rope.dimension_count_swa", 2));
    assert_eq!(share["rope_parameters"]["sliding_attention"]["partial_rotary_factor"], 0.5);
}

#[test]
fn what_gemma_4_does_not_have_is_named() {
    let heads = "gemma4.attention.head_count_kv";
    let shared = "gemma4.attention.shared_kv_layers";
    let pattern = "gemma4.attention.sliding_window_pattern";
    let wide = "gemma4.feed_forward_length";
    for (builder, expected) in [
        (other(pattern).bools(pattern, &[true, false, true]), "false for the last layer"),
        (gemma4().without(pattern), "true or false for each of the 3 layers, found nothing"),
        (other(shared).u32(shared, 3), "fewer than the 3 layers"),
        (other(wide).i32s(wide, &[32, 64, 64]), "32 in layer 1, as layer 0 has 32, found 64"),
        (other(wide).i32s(wide, &[32, 32]), "or one for each of the 3 layers, found an array of 2"),
        (other(heads).i32s(heads, &[2, 3, 1]), "divisors of the 4 query heads, found 3"),
        (other(heads).i32s(heads, &[2, 2, 1]), "2 in all layers of type full_attention, found 1"),
        (gemma4().string("gemma4.rope.scaling.type", "linear"), "`gemma4.rope.scaling.type` is `linear`"),
        (gemma4().u32("gemma4.rope.dimension_count", 4), "attention.key_length, 8"),
        (gemma4().u32("gemma4.attention.value_length_swa", 6), "the length of a key, 4"),
        (gemma4().without("gemma4.rope.freq_base_swa"), "`gemma4.rope.freq_base_swa`: expected a number"),
        (gemma4().u32("gemma4.expert_count", 2), "`gemma4.expert_used_count`"),
    ] {
        let problem = problem(builder);
        assert!(problem.contains(expected), "{problem}");
    }
}
