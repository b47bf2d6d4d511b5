//! Every architecture against transformers, on tiny random checkpoints, and one of them through the command line.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sah_adapter::{Network, VERIFIED_AGAINST, families};
use sah_attention::{AttentionConfig, AttentionPolicy, RequestState, ResearchAttention, Size};
use sah_tests::model_table::{check, measure};
use sah_tests::tiny::{self, Against, BF16_BOUND, BF16_RATIO, F32_BOUND, TinyModel};
use serde_json::{Value, json};
use tch::{Device, Kind};

use crate::command::{run, xtask};

#[test]
fn logits_are_those_of_transformers_and_the_table_says_so() {
    let rows = measure().unwrap();
    for row in &rows {
        let name = &row.checkpoint;
        assert!(row.f32 < F32_BOUND, "{name}: {} in f32", row.f32);
        assert!(row.bf16 < BF16_BOUND, "{name}: {} in bf16", row.bf16);
        let own = row.bf16_of_transformers;
        assert!(row.bf16_to_f32 < BF16_RATIO * own, "{name}: {}, transformers {own}", row.bf16_to_f32);
        assert!(row.same_tokens, "{name}: other tokens");
        assert_eq!(format!("transformers {}", row.versions.transformers), VERIFIED_AGAINST, "{name}");
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

/// A copy of the checkpoint `name` with another `config.json`.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(tiny::folder(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(&path, config.to_string()).unwrap();
    folder
}

fn remove(config: &mut Value, field: &str) -> Value {
    config.as_object_mut().unwrap().shift_remove(field).unwrap_or_else(|| panic!("no {field}"))
}

#[test]
fn configs_of_newer_versions_of_transformers_give_the_same_logits() {
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
    same("gemma3-linear", |config| {
        let mut full = remove(config, "rope_scaling");
        full["rope_theta"] = remove(config, "rope_theta");
        let local = json!({"rope_type": "default", "rope_theta": remove(config, "rope_local_base_freq")});
        config["rope_parameters"] = json!({"full_attention": full, "sliding_attention": local});
    });
}

/// Without what it is there for, each checkpoint gives other logits: the goldens would notice.
#[test]
fn every_option_of_a_checkpoint_matters() {
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

fn problem(folder: &Path) -> String {
    let text = Network::load(folder, Device::Cpu, Kind::Float).unwrap_err().to_string();
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
        ("gemma3", "model_type", json!("gemma3"), "gemma3_text does not"),
        ("llama", "quantization_config", json!({"quant_method": "gptq"}), "`quantization_config`"),
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
    ] {
        let folder = changed(name, |config| config[field] = value);
        let found = problem(folder.path());
        assert!(found.contains(part), "{name}, {field}: {found}");
        assert!(found.contains("config.json") || found.contains("model.safetensors"), "{found}");
    }
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
        // One layer is enough, and fast.
        for field in ["num_hidden_layers", "n_layer"] {
            if whole.get(field).is_some() {
                whole[field] = json!(1);
            }
        }
        if let Some(types) = whole.get_mut("layer_types").and_then(Value::as_array_mut) {
            types.truncate(1);
        }
        let folder = changed(name, |_| ());
        let write =
            |config: &Value| fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let run = || {
            let network = Network::load(folder.path(), Device::Cpu, Kind::Float)?;
            network.sequence(3)?.feed(&[1, 2, 3], &mut AttentionPolicy::Dense)
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

/// In every architecture: a selection of everything is dense attention, and a small one reads less.
#[test]
fn every_architecture_runs_with_sparse_attention() {
    let prompt: Vec<u32> = (0..40).map(|id| id * 7 % 96).collect();
    for name in families().iter().flat_map(|family| family.checkpoints) {
        let network = Network::load(&tiny::folder(name), Device::Cpu, Kind::Float).unwrap();
        let run = |window: Option<usize>| {
            let mut sequence = network.sequence(prompt.len()).unwrap();
            sequence.feed(&prompt[..30], &mut AttentionPolicy::Dense).unwrap();
            let Some(window) = window else {
                return sequence.feed(&prompt[30..], &mut AttentionPolicy::Dense).unwrap();
            };
            let config = AttentionConfig::streaming_llm(Size::Count(2), Size::Count(window));
            let attention = ResearchAttention::from_config(&config).unwrap();
            let mut state = RequestState::new(0);
            let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state };
            sequence.feed(&prompt[30..], &mut policy).unwrap()
        };
        let far = |left: &[f32], right: &[f32]| {
            left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        let dense = run(None);
        assert!(far(&run(Some(40)), &dense) < 1e-5, "{name}");
        assert!(far(&run(Some(3)), &dense) > 1e-3, "{name}");
    }
}

/// A prompt in pieces that was announced is a prompt in one piece, also where rotary embeddings depend on its length.
#[test]
fn an_announced_prompt_may_come_in_pieces() {
    let prompt: Vec<u32> = (0..40).map(|id| id * 7 % 96).collect();
    for (name, depends) in [("llama", false), ("llama-dynamic", true), ("phi3-longrope", true)] {
        let network = Network::load(&tiny::folder(name), Device::Cpu, Kind::Float).unwrap();
        let whole = network.sequence(40).unwrap().feed(&prompt, &mut AttentionPolicy::Dense).unwrap();
        let far_in_pieces = |announced: bool| {
            let mut sequence = network.sequence(40).unwrap();
            if announced {
                sequence.expect(40);
            }
            sequence.feed(&prompt[..20], &mut AttentionPolicy::Dense).unwrap();
            let logits = sequence.feed(&prompt[20..], &mut AttentionPolicy::Dense).unwrap();
            logits.iter().zip(&whole).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        assert!(far_in_pieces(true) < 1e-5, "{name}");
        assert_eq!(far_in_pieces(false) > 1e-3, depends, "{name}: as in transformers' forward pass");
    }
}

#[test]
fn a_folder_of_qwen3_layout_runs_longbench_dense_and_sparse() {
    let results = tempfile::tempdir().unwrap();
    let model = tiny::folder("qwen3");
    let mut command = xtask(&["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "2"]);
    command.args(["--max-context-length", "600", "--max-new-tokens", "5", "--run-name", "tiny"]);
    command.arg("--model").arg(&model).arg("--result-dir").arg(results.path());
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("qwen3"), "{log}");
    for word in ["qasper", "trec", "dense", "streaming_llm", "overall"] {
        assert!(tables.contains(word), "{word} is not in\n{tables}");
    }
    let read = |file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(results.path().join("tiny").join(file)).unwrap()).unwrap()
    };
    for attention in ["dense", "streaming_llm"] {
        assert_eq!(read(&format!("{attention}/config.json"))["model"]["architecture"], "qwen3");
        assert_eq!(read(&format!("{attention}/metrics.json"))["summary"]["total_samples"], 4);
    }
    let comparison = read("comparison.json");
    assert_eq!(comparison["attentions"]["dense"]["density"].as_f64(), Some(1.0));
    assert!(comparison["attentions"]["streaming_llm"]["density"].as_f64().unwrap() < 0.5);
}

#[test]
fn the_models_command_lists_every_architecture() {
    let (code, list, log) = run(&mut xtask(&["models"]));
    assert_eq!(code, 0, "{log}");
    for family in families() {
        assert!(list.contains(family.model_type) && list.contains(family.examples[0]), "{list}");
    }
    for word in [VERIFIED_AGAINST, "smollm2-135m-instruct", "docs/models.md"] {
        assert!(list.contains(word), "{word} is not in\n{list}");
    }
}
