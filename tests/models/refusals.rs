//! What cannot be run: one line that names the field, never a panic.

use std::fs;
use std::path::Path;

use sah_adapter::families;
use sah_attention::AttentionPolicy;
use sah_tests::tiny;
use serde_json::{Value, json};

use crate::changed::changed;
use crate::load;

fn problem(folder: &Path) -> String {
    let text = load(folder).unwrap_err().to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn what_a_config_asks_for_and_we_do_not_do_names_the_field() {
    for (name, field, value, part) in [
        (
            "llama",
            "model_type",
            json!("mamba"),
            "`model_type` is `mamba`, which is not supported; supported: llama, ",
        ),
        ("gemma3", "model_type", json!("gemma3"), "`text_config`: expected the config of the language model"),
        ("mistral", "num_local_experts", json!(8), "`num_local_experts` is `8`"),
        (
            "llama",
            "rope_scaling",
            json!({"rope_type": "spiral", "factor": 2}),
            "`rope_scaling.rope_type` is `spiral`",
        ),
        (
            "qwen2",
            "rope_scaling",
            json!({"type": "default", "mrope_section": [4]}),
            "`rope_scaling.mrope_section`",
        ),
        ("llama", "hidden_act", json!("relu"), "`hidden_act` is `relu`"),
        ("gpt2", "activation_function", json!("relu"), "`activation_function` is `relu`"),
        ("gpt2", "add_cross_attention", json!(true), "`add_cross_attention`"),
        ("llama", "num_key_value_heads", json!(3), "`num_key_value_heads`: expected a divisor of 4, found 3"),
        ("llama", "hidden_size", json!(1i64 << 40), "`hidden_size`: expected 1 to"),
        ("llama", "num_hidden_layers", json!(3), "has no tensor `model.layers.2."),
        ("llama", "intermediate_size", json!(64), "has shape [48, 32], but the config implies [64, 32]"),
        ("mistral-window", "sliding_window", json!(0), "`sliding_window`"),
        ("qwen2-window", "layer_types", json!(["full_attention"]), "`layer_types`"),
        ("qwen2-window", "use_sliding_window", json!(false), "`use_sliding_window`"),
        ("gemma2", "attn_logit_softcapping", json!(-1.0), "`attn_logit_softcapping`"),
        ("gemma2", "sliding_window", json!(null), "`sliding_window`: expected at least 1, found null"),
        ("gemma3", "use_bidirectional_attention", json!(true), "`use_bidirectional_attention`"),
        ("gemma3", "query_pre_attn_scalar", json!(0), "`query_pre_attn_scalar`"),
        (
            "phi3-longrope",
            "original_max_position_embeddings",
            json!(1000),
            "`original_max_position_embeddings`",
        ),
        ("phi3", "partial_rotary_factor", json!(0.4), "`partial_rotary_factor`"),
        (
            "mixtral",
            "num_experts_per_tok",
            json!(9),
            "`num_experts_per_tok`: expected at most num_local_experts, 5, found 9",
        ),
        ("gpt-oss", "rope_scaling", json!(null), "`rope_parameters`: expected an object"),
        ("mixtral", "num_local_experts", json!(6), "`model.layers.0.block_sparse_moe.experts.5.w1.weight`"),
        ("qwen3-moe", "mlp_only_layers", json!([0, 1]), "`model.layers.0.mlp.gate_proj.weight`"),
        (
            "qwen3-moe",
            "mlp_only_layers",
            json!("all"),
            "`mlp_only_layers`: expected a list of numbers of layers",
        ),
        ("qwen2-moe", "use_sliding_window", json!(true), "`use_sliding_window` is `true`"),
        ("smollm3", "no_rope_layers", json!([1]), "`no_rope_layers`: expected 0 or 1 for each of 4 layers"),
        ("glm4-moe", "n_group", json!(3), "`n_group`: expected groups of two or more of 8 experts, found 3"),
        (
            "glm4-moe",
            "topk_group",
            json!(1),
            "`topk_group`: expected at most n_group, 4, and enough for 3 experts",
        ),
        ("glm4-moe", "first_k_dense_replace", json!("x"), "`first_k_dense_replace`: expected 0 to"),
        ("qwen3", "num_experts", json!(8), "`num_experts` is `8`"),
    ] {
        assert_refused((name, field, value), part);
    }
}

#[test]
fn what_gemma_4_and_deepseek_do_not_do_names_the_field() {
    for (name, field, value, part) in [
        ("gemma4-e2b", "use_bidirectional_attention", json!("all"), "`use_bidirectional_attention` is `all`"),
        (
            "gemma4-e2b",
            "num_kv_shared_layers",
            json!(5),
            "`num_kv_shared_layers`: expected fewer: a layer of each type in layer_types with keys of its own",
        ),
        ("gemma4-e2b", "num_kv_shared_layers", json!(6), "expected less than num_hidden_layers, 6, found 6"),
        ("gemma4-e2b", "num_kv_shared_layers", json!(2), "`model.layers.3.self_attn.k_proj.weight`"),
        (
            "gemma4-e2b",
            "use_double_wide_mlp",
            json!(false),
            "has shape [96, 32], but the config implies [48, 32]",
        ),
        (
            "gemma4-e2b",
            "per_layer_config",
            json!({"1": {"head_dim": 16}}),
            "`per_layer_config`: expected the same",
        ),
        ("gemma4-e2b", "per_layer_config", json!({"9": {"head_dim": 16}}), "`per_layer_config.9`"),
        (
            "gemma4-experts",
            "per_layer_config",
            json!({"0": {"num_key_value_heads": 3}}),
            "a divisor of 4, found 3",
        ),
        ("gemma4-experts", "num_experts", json!(null), "`num_experts`: expected a number"),
        ("gemma4-experts", "num_experts", json!(5), "`model.layers.0.experts.gate_up_proj`"),
        ("gemma4-experts", "top_k_experts", json!(7), "expected at most num_experts, 6, found 7"),
        ("deepseek-v3", "kv_lora_rank", json!(24), "`model.layers.0.self_attn.kv_a_proj_with_mqa.weight`"),
        ("deepseek-v3", "q_lora_rank", json!(null), "`model.layers.0.self_attn.q_proj.weight`"),
        (
            "deepseek-v3",
            "qk_rope_head_dim",
            json!(7),
            "`partial_rotary_factor`: expected a share of the head's 7",
        ),
        ("llama", "kv_lora_rank", json!(512), "`kv_lora_rank` is `512`"),
    ] {
        assert_refused((name, field, value), part);
    }
}

/// That a checkpoint with another value in a field of its config is an error that says `part`.
fn assert_refused((name, field, value): (&str, &str, Value), part: &str) {
    let folder = changed(name, |config| config[field] = value);
    let found = problem(folder.path());
    assert!(found.contains(part), "{name}, {field}: {found}");
    assert!(found.contains("config.json") || found.contains("model.safetensors"), "{found}");
}

/// The config fields of each architecture, one by one replaced by values that no model has: an error or a model, never a
/// panic.
#[test]
fn nonsense_in_a_config_never_panics() {
    let nonsense = [json!(null), json!(-1), json!(0), json!(1e300), json!("x"), json!([1]), json!({})];
    for family in families() {
        let name = family.checkpoints.last().unwrap();
        let text = fs::read_to_string(tiny::folder(name).join("config.json")).unwrap();
        let mut whole: Value = serde_json::from_str(&text).unwrap();
        // One layer is enough, and fast, or so many that one has attention.
        let types = whole.get("layer_types").and_then(Value::as_array).cloned().unwrap_or_default();
        let layers = types.iter().take_while(|name| *name == "linear_attention").count() + 1;
        for field in ["num_hidden_layers", "n_layer"] {
            if whole.get(field).is_some() {
                whole[field] = json!(layers);
            }
        }
        if let Some(types) = whole.get_mut("layer_types").and_then(Value::as_array_mut) {
            types.truncate(layers);
        }
        if let Some(own) = whole.get_mut("per_layer_config").and_then(Value::as_object_mut) {
            own.retain(|layer, _| layer.parse::<usize>().is_ok_and(|layer| layer < layers));
        }
        let folder = changed(name, |_| ());
        let write =
            |config: &Value| fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let run = || {
            let network = load(folder.path())?;
            network.sequence(3)?.feed(&[1, 2, 3], &mut AttentionPolicy::dense())
        };
        write(&whole);
        run().unwrap();
        let fields: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
        for (field, value) in fields.iter().flat_map(|field| nonsense.iter().map(move |value| (field, value)))
        {
            let mut config = whole.clone();
            config[field] = value.clone();
            write(&config);
            let _ = run();
        }
    }
}

#[test]
fn weights_in_pytorch_files_only_say_how_to_convert_them() {
    let folder = changed("llama", |_| ());
    fs::rename(folder.path().join("model.safetensors"), folder.path().join("pytorch_model.bin")).unwrap();
    let found = problem(folder.path());
    assert!(
        found.contains("has no model.safetensors") && found.contains("safe_serialization=True"),
        "{found}"
    );
}

#[test]
fn all_that_is_wrong_with_a_config_is_one_line() {
    let folder = changed("llama", |config| {
        config["num_local_experts"] = json!(8);
        config["hidden_act"] = json!("relu");
        config["rope_scaling"] = json!({"rope_type": "yarn", "factor": -1, "spiral": true});
        config["num_key_value_heads"] = json!(3);
    });
    let found = problem(folder.path());
    for part in [
        "`num_local_experts` is `8`",
        "`hidden_act` is `relu`",
        "`rope_scaling.factor`: expected a number above 0, found -1",
        "`rope_scaling.spiral` is `true`",
        "`num_key_value_heads`: expected a divisor of 4, found 3",
    ] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
}
