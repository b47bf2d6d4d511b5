//! Logits and tokens of transformers.

use std::collections::BTreeSet;
use std::fs;

use sah_adapter::families;
use sah_tests::model_table::{check, measure};
use sah_tests::tiny::{self, Against, BF16_BOUND, BF16_RATIO, F32_BOUND, TinyModel};
use serde_json::{Value, json};
use tch::Kind;

use crate::changed::{changed, remove};

#[test]
fn logits_are_those_of_transformers_and_the_table_says_so() {
    tch::set_num_threads(1);
    let rows = measure().unwrap();
    for row in &rows {
        let name = &row.checkpoint;
        assert!(row.f32 < F32_BOUND, "{name}: {} in f32", row.f32);
        assert!(row.bf16 < BF16_BOUND, "{name}: {} in bf16", row.bf16);
        let own = row.bf16_of_transformers;
        assert!(row.bf16_to_f32 < BF16_RATIO * own, "{name}: {}, transformers {own}", row.bf16_to_f32);
        assert!(row.same_tokens, "{name}: other tokens");
    }
    for family in families() {
        for name in family.checkpoints {
            let of_checkpoint = rows.iter().filter(|row| row.checkpoint == *name);
            let found: Vec<String> =
                of_checkpoint.map(|row| format!("transformers {}", row.versions.transformers)).collect();
            assert_eq!(found, family.verified_against, "{name}");
        }
    }
    check(&rows).unwrap();
}

#[test]
fn every_checkpoint_belongs_to_an_architecture() {
    let entries = fs::read_dir(tiny::folder("")).unwrap();
    let found: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<String> =
        families().iter().flat_map(|family| family.checkpoints).map(|&name| name.to_owned()).collect();
    assert_eq!(found, listed);
    for family in families() {
        assert!(!family.checkpoints.is_empty() && !family.examples.is_empty(), "{}", family.model_type);
    }
}

#[test]
fn configs_of_newer_versions_of_transformers_give_the_same_logits() {
    tch::set_num_threads(1);
    let same = |name: &str, change: fn(&mut Value)| {
        let model = TinyModel::read(name).unwrap();
        let compared = model.compare(changed(name, change).path(), Kind::Float, Against::F32).unwrap();
        assert!(compared.largest() < F32_BOUND && compared.same_tokens, "{name}: {compared:?}");
    };
    same("llama-llama3", |config| {
        let mut parameters = remove(config, "rope_scaling");
        parameters["rope_theta"] = remove(config, "rope_theta");
        config["rope_parameters"] = parameters;
    });
    same("phi3-longrope", |config| {
        let mut parameters = remove(config, "rope_scaling");
        parameters["rope_type"] = remove(&mut parameters, "type");
        parameters["rope_theta"] = remove(config, "rope_theta");
        parameters["partial_rotary_factor"] = remove(config, "partial_rotary_factor");
        config["rope_parameters"] = parameters;
    });
    // As the published ones.
    same("gemma4-e2b", |config| {
        remove(config, "per_layer_config");
        config["global_head_dim"] = json!(16);
    });
    same("gemma4-experts", |config| {
        remove(config, "per_layer_config");
        config["global_head_dim"] = json!(20);
        config["num_global_key_value_heads"] = json!(1);
    });
    same("gemma3-linear", |config| {
        let mut full = remove(config, "rope_scaling");
        full["rope_theta"] = remove(config, "rope_theta");
        let local = json!({"rope_type": "default", "rope_theta": remove(config, "rope_local_base_freq")});
        config["rope_parameters"] = json!({"full_attention": full, "sliding_attention": local});
    });
}

fn deepseek_rope(mscale_all_dim: f64) -> Value {
    json!({"type": "yarn", "factor": 4.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": mscale_all_dim,
           "original_max_position_embeddings": 32})
}

fn gemma4_rope(kind: &str, share: f64) -> Value {
    json!({
        "full_attention": {"rope_type": kind, "rope_theta": 1000.0, "partial_rotary_factor": share},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
    })
}

/// Without what it is there for, each checkpoint gives other logits: the goldens would notice.
#[test]
fn every_option_of_a_checkpoint_matters() {
    tch::set_num_threads(1);
    let default = json!({"rope_type": "default"});
    for (name, field, value) in [
        ("llama", "rope_theta", json!(10_000.0)),
        ("llama-linear", "rope_scaling", default.clone()),
        ("llama-dynamic", "rope_scaling", default.clone()),
        ("llama-llama3", "rope_scaling", default.clone()),
        ("llama-yarn", "rope_scaling", default.clone()),
        ("mistral-window", "sliding_window", json!(null)),
        ("qwen2-window", "layer_types", json!(vec!["full_attention"; 3])),
        ("qwen3-yarn", "rope_scaling", default.clone()),
        ("phi3", "sliding_window", json!(null)),
        ("phi3", "partial_rotary_factor", json!(1.0)),
        ("phi3-longrope", "original_max_position_embeddings", json!(64)),
        ("mixtral", "num_experts_per_tok", json!(1)),
        ("mixtral", "sliding_window", json!(null)),
        ("qwen2-moe", "num_experts_per_tok", json!(2)),
        ("qwen2-moe", "norm_topk_prob", json!(true)),
        ("qwen3-moe", "num_experts_per_tok", json!(4)),
        ("qwen3-moe", "norm_topk_prob", json!(false)),
        ("granite", "embedding_multiplier", json!(1.0)),
        ("granite", "attention_multiplier", json!(0.35)),
        ("granite", "residual_multiplier", json!(1.0)),
        ("granite", "logits_scaling", json!(1.0)),
        ("olmo2", "rope_theta", json!(10_000.0)),
        ("smollm3", "no_rope_layers", json!([1, 1, 1, 1])),
        ("smollm3-window", "no_rope_layers", json!([1, 1, 0])),
        ("smollm3-window", "sliding_window", json!(4096)),
        ("olmo3", "rope_scaling", default.clone()),
        ("olmo3", "layer_types", json!(vec!["full_attention"; 4])),
        ("glm4", "partial_rotary_factor", json!(1.0)),
        ("glm4-moe", "n_group", json!(2)),
        ("glm4-moe", "topk_group", json!(3)),
        ("glm4-moe", "routed_scaling_factor", json!(1.0)),
        ("glm4-moe", "norm_topk_prob", json!(false)),
        ("hunyuan-v1-dense", "rope_scaling", default.clone()),
        (
            "ministral3",
            "rope_parameters",
            json!({"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 16,
                   "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 1e-9}),
        ),
        ("qwen3-next", "norm_topk_prob", json!(false)),
        ("qwen3-next", "num_experts_per_tok", json!(1)),
        (
            "qwen3-next",
            "rope_parameters",
            json!({"rope_type": "default", "rope_theta": 300.0, "partial_rotary_factor": 0.5}),
        ),
        (
            "qwen3-5",
            "rope_parameters",
            json!({"rope_type": "default", "rope_theta": 300.0, "partial_rotary_factor": 0.5}),
        ),
        ("qwen3-5-moe", "num_experts_per_tok", json!(3)),
        ("deepseek-v3", "rope_scaling", default.clone()),
        ("deepseek-v3", "rope_scaling", deepseek_rope(0.4)),
        ("deepseek-v3", "rope_interleave", json!(false)),
        ("deepseek-v3", "topk_group", json!(2)),
        ("deepseek-v3", "routed_scaling_factor", json!(1.0)),
        ("deepseek-v3", "norm_topk_prob", json!(false)),
        ("deepseek-v3-direct", "num_experts_per_tok", json!(1)),
        ("gemma4-e2b", "sliding_window", json!(40)),
        ("gemma4-e2b", "final_logit_softcapping", json!(null)),
        ("gemma4-e2b", "rope_parameters", gemma4_rope("default", 0.5)),
        ("gemma4-e2b", "rope_parameters", gemma4_rope("proportional", 1.0)),
        ("gemma4-e2b", "hidden_activation", json!("silu")),
        ("gemma4-experts", "top_k_experts", json!(1)),
        ("gemma4-experts", "sliding_window", json!(40)),
        ("gpt-oss", "num_experts_per_tok", json!(2)),
        ("gpt-oss", "sliding_window", json!(40)),
        ("gpt-oss", "layer_types", json!(vec!["full_attention"; 3])),
        ("gpt-oss", "rope_scaling", default.clone()),
        ("gpt-oss", "swiglu_limit", json!(0.2)),
        ("gpt-oss", "swiglu_alpha", json!(1.0)),
        ("cohere2", "logit_scale", json!(0.0625)),
        ("cohere2", "layer_types", json!(vec!["full_attention"; 3])),
        ("cohere2", "sliding_window", json!(40)),
        ("exaone4", "sliding_window", json!(40)),
        ("exaone4", "layer_types", json!(["sliding_attention", "sliding_attention", "sliding_attention"])),
        ("ernie4-5", "rope_theta", json!(10_000.0)),
        ("gpt2", "layer_norm_epsilon", json!(0.1)),
        ("gpt2-options", "scale_attn_by_inverse_layer_idx", json!(false)),
        ("gpt2-options", "activation_function", json!("gelu_new")),
        ("gemma2", "attn_logit_softcapping", json!(null)),
        ("gemma2", "final_logit_softcapping", json!(null)),
        ("gemma2", "sliding_window", json!(4096)),
        ("gemma2", "query_pre_attn_scalar", json!(12)),
        ("gemma3", "rope_local_base_freq", json!(1000.0)),
        ("gemma3", "layer_types", json!(vec!["full_attention"; 4])),
        ("gemma3-linear", "rope_scaling", default.clone()),
    ] {
        let model = TinyModel::read(name).unwrap();
        let folder = changed(name, |config| config[field] = value);
        let compared = model.compare(folder.path(), Kind::Float, Against::F32).unwrap();
        assert!(compared.largest() > 3.0 * F32_BOUND, "{name} without {field}: {compared:?}");
    }
}
