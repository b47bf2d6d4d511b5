//! Small Llama checkpoints with names, tensors and ties as they occur.

use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::*;
use crate::model::{ConfigOverrides, ModelSpec};
use crate::weights::gguf::{Gguf, hf_config};
use crate::weights::testing::{small_config as config, small_tensors};

const HEAD: &str = "lm_head.weight";

/// The tensors with `prefix` before their names, all of the same value; no head.
fn tensors(prefix: &str) -> Vec<(String, Vec<usize>, f32)> {
    small_tensors(prefix).into_iter().map(|(name, shape)| (name, shape, 0.5)).collect()
}

fn write(path: &Path, tensors: &[(String, Vec<usize>, f32)]) {
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape, value)| value.to_le_bytes().repeat(shape.iter().product::<usize>()))
        .collect();
    let views = tensors.iter().zip(&data).map(|((name, shape, _), data)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
    });
    std::fs::write(path, ::safetensors::serialize(views, None).unwrap()).unwrap();
}

/// The notes of a checkpoint with these tensors, once checked and once loaded, or what is wrong with it.
fn check(config: &Value, tensors: &[(String, Vec<usize>, f32)]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), tensors);
    let weights = Weights::Safetensors(Safetensors::open(folder.path()).unwrap());
    let spec = ModelSpec::read(config, Path::new("config.json"), &ConfigOverrides::default()).unwrap();
    let checked = spec.check(&weights, Kind::Float.into()).map(|checked| checked.notes);
    let loaded = spec.load(&weights, &Device::Cpu.into(), Kind::Float.into());
    let loaded = loaded.map(|(_, checked)| checked.notes);
    let text = |error: Error| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    let (checked, loaded) = (checked.map_err(text), loaded.map_err(text));
    assert_eq!(checked, loaded, "a check and loading say the same");
    checked
}

fn with(
    mut tensors: Vec<(String, Vec<usize>, f32)>,
    name: &str,
    shape: &[usize],
    value: f32,
) -> Vec<(String, Vec<usize>, f32)> {
    tensors.push((name.to_owned(), shape.to_vec(), value));
    tensors
}

#[test]
fn a_checkpoint_as_its_architecture_names_it_has_nothing_to_note() {
    assert_eq!(check(&config(true), &tensors("model.")).unwrap(), [""; 0]);
    let head = with(tensors("model."), HEAD, &[4, 8], 2.0);
    assert_eq!(check(&config(false), &head).unwrap(), [""; 0]);
    let buffer = with(head, "model.layers.0.self_attn.rotary_emb.inv_freq", &[2], 1.0);
    assert_eq!(check(&config(false), &buffer).unwrap(), [""; 0], "it is computed anew");
}

#[test]
fn other_prefixes_are_found_and_said() {
    for prefix in ["language_model.model.", "model.language_model.", "language_model.", "model.text_model."] {
        let notes = check(&config(true), &tensors(prefix)).unwrap();
        assert_eq!(notes, [format!("names of tensors begin with `{prefix}`: only these are read")]);
    }
    let notes = check(&config(true), &tensors("")).unwrap();
    assert!(notes.len() == 1 && notes[0].contains("have no prefix"), "{notes:?}");
    let head = with(tensors("language_model.model."), "language_model.lm_head.weight", &[4, 8], 2.0);
    assert_eq!(check(&config(false), &head).unwrap().len(), 1);
    let unknown = check(&config(true), &tensors("_orig_mod.model.")).unwrap_err();
    let expected = "model.safetensors: has no tensor `model.embed_tokens.weight` (but \
                    `_orig_mod.model.embed_tokens.weight`); is this";
    assert!(unknown.starts_with(expected), "{unknown}");
}

#[test]
fn all_tensors_that_are_missing_or_of_another_shape_are_named() {
    let mut some = tensors("model.");
    some.retain(|(name, ..)| !name.contains("norm.weight"));
    some[0].1 = vec![5, 8];
    let error = check(&config(true), &some).unwrap_err();
    for part in [
        "tensor `model.embed_tokens.weight` has shape [5, 8], but the config implies [4, 8]; also ",
        "has no tensor `model.norm.weight`",
        "has no tensor `model.layers.0.input_layernorm.weight`",
        "has no tensor `model.layers.0.post_attention_layernorm.weight`",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    let mut many = config(true);
    many["num_hidden_layers"] = json!(9);
    let error = check(&many, &tensors("model.")).unwrap_err();
    assert!(error.contains("`model.layers.1.") && error.ends_with("; and 60 more"), "{error}");
}

#[test]
fn ties_that_disagree_are_an_error_with_the_remedy() {
    let same = with(tensors("model."), HEAD, &[4, 8], 0.5);
    assert_eq!(check(&config(true), &same).unwrap(), [""; 0]);
    let other = with(tensors("model."), HEAD, &[4, 8], 2.0);
    let error = check(&config(true), &other).unwrap_err();
    assert!(
        error.starts_with(
            "model.safetensors: `lm_head.weight` is not the same as `model.embed_tokens.weight`"
        ) && error.contains("set tie_word_embeddings to false in config.json"),
        "{error}"
    );
    let error = check(&config(false), &tensors("model.")).unwrap_err();
    assert!(
        error.starts_with(
            "model.safetensors: has no tensor `lm_head.weight`, and tie_word_embeddings is false"
        ) && error.contains("set tie_word_embeddings to true"),
        "{error}"
    );
}

#[test]
fn tensors_that_nothing_asks_for_are_said() {
    let bias = with(tensors("model."), "model.layers.0.self_attn.q_proj.bias", &[8], 1.0);
    let notes = check(&config(true), &bias).unwrap();
    assert_eq!(
        notes,
        ["tensors that the config asks nothing of are not read: model.layers.0.self_attn.q_proj.bias"]
    );
    let mut many = tensors("model.");
    for layer in 1..8 {
        many = with(many, &format!("model.layers.{layer}.eh_proj.weight"), &[2], 1.0);
    }
    let notes = check(&config(true), &many).unwrap();
    assert!(notes[0].ends_with("model.layers.4.eh_proj.weight and 3 more"), "{notes:?}");
}

#[test]
fn the_other_parts_of_a_wrapper_are_left_out_and_named() {
    let mut wrapper = json!({"model_type": "llava", "vision_config": {"model_type": "clip_vision_model"}});
    wrapper["text_config"] = config(false);
    let mut all = with(tensors("language_model.model."), "language_model.lm_head.weight", &[4, 8], 2.0);
    all = with(all, "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight", &[2], 1.0);
    all = with(all, "vision_tower.vision_model.embeddings.class_embedding", &[2], 1.0);
    all = with(all, "multi_modal_projector.linear_1.weight", &[2], 1.0);
    let expected = ["left out: multi_modal_projector (1 tensors), vision_tower (2 tensors)"];
    assert_eq!(check(&wrapper, &all).unwrap(), expected);
    // As transformers 5 names them; the file says nothing of its head.
    wrapper["text_config"].as_object_mut().unwrap().remove("tie_word_embeddings");
    let mut all = with(tensors("model.language_model."), "model.vision_tower.x", &[2], 1.0);
    assert_eq!(
        check(&wrapper, &all).unwrap(),
        ["left out: vision_tower (1 tensors)"],
        "the embedding is the head"
    );
    all = with(all, HEAD, &[4, 8], 2.0);
    assert_eq!(check(&wrapper, &all).unwrap(), ["left out: vision_tower (1 tensors)"]);
}

#[test]
fn tensors_that_an_index_does_not_list_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let all = with(tensors("model."), "model.layers.0.extra", &[2], 1.0);
    write(&folder.path().join("a.safetensors"), &all);
    let map: serde_json::Map<_, _> =
        tensors("model.").into_iter().map(|(name, ..)| (name, json!("a.safetensors"))).collect();
    let index = json!({"weight_map": map}).to_string();
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    let weights = Weights::Safetensors(Safetensors::open(folder.path()).unwrap());
    let spec = ModelSpec::read(&config(true), Path::new("c"), &ConfigOverrides::default()).unwrap();
    let notes = spec.check(&weights, Kind::Float.into()).unwrap().notes;
    assert_eq!(notes, ["tensors that the index does not list are not read: model.layers.0.extra"]);
}

/// The notes of the tiny GLM-4.5 of `tests/reference/converted.py` after `change`, or what is wrong with it.
fn check_gguf(change: impl FnOnce(&mut Gguf)) -> Result<Vec<String>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let mut file = Gguf::open(&folder.join("converted-glm4moe.gguf")).unwrap();
    change(&mut file);
    let config = hf_config(&file).unwrap();
    let spec = ModelSpec::read(&config, Path::new("config.json"), &ConfigOverrides::default()).unwrap();
    let weights = GgufWeights::new(file, &config).map(Weights::Gguf);
    let checked = weights.and_then(|weights| spec.check(&weights, Kind::Float.into()));
    checked.map(|checked| checked.notes).map_err(|error| error.to_string())
}

#[test]
fn tensors_of_a_gguf_file_that_are_missing_or_not_read_are_named_as_it_has_them() {
    let further = "layers that predict further tokens are not read: blk.3.attn_k.bias, blk.3.attn_k.weight, \
                   blk.3.attn_k_norm.weight, blk.3.attn_norm.weight and 19 more";
    assert_eq!(check_gguf(|_| ()).unwrap(), [further]);
    let norm = "blk.0.attn_norm.weight";
    let unread = check_gguf(|file| {
        file.tensors.insert("blk.0.ffn_gate_inp.weight".into(), file.tensors[norm].clone());
    });
    let unread = unread.unwrap();
    let expected = "tensors that the config asks nothing of are not read: model.layers.0.mlp.gate.weight";
    assert_eq!(unread, [further, expected]);
    // One line for all eight experts.
    let missing = check_gguf(|file| {
        file.tensors.remove("blk.1.ffn_up_exps.weight");
    });
    let missing = missing.unwrap_err();
    assert_eq!(missing.matches("has no tensor").count(), 1, "{missing}");
    assert!(
        missing.contains("converted-glm4moe.gguf: has no tensor `blk.1.ffn_up_exps.weight`"),
        "{missing}"
    );
}

/// A Qwen3 mixture of four experts whose first three layers have one network each.
#[test]
fn bytes_are_counted_by_layer_with_all_experts() {
    let config = json!({
        "model_type": "qwen3_moe", "vocab_size": 4, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 4,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "max_position_embeddings": 16, "tie_word_embeddings": true,
        "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "decoder_sparse_step": 1, "mlp_only_layers": [0, 1, 2],
        "norm_topk_prob": true, "rms_norm_eps": 1e-6, "rope_theta": 10_000.0,
    });
    let mut all =
        vec![("model.embed_tokens.weight".to_owned(), vec![4, 8]), ("model.norm.weight".to_owned(), vec![8])];
    for layer in 0..4 {
        let mut add = |name: &str, shape: &[usize]| {
            all.push((format!("model.layers.{layer}.{name}.weight"), shape.to_vec()));
        };
        add("input_layernorm", &[8]);
        add("post_attention_layernorm", &[8]);
        add("self_attn.q_norm", &[4]);
        add("self_attn.k_norm", &[4]);
        add("self_attn.q_proj", &[8, 8]);
        add("self_attn.k_proj", &[4, 8]);
        add("self_attn.v_proj", &[4, 8]);
        add("self_attn.o_proj", &[8, 8]);
        let mut network = |name: &str, width: usize| {
            add(&format!("{name}.gate_proj"), &[width, 8]);
            add(&format!("{name}.up_proj"), &[width, 8]);
            add(&format!("{name}.down_proj"), &[8, width]);
        };
        if layer < 3 {
            network("mlp", 8);
        } else {
            (0..4).for_each(|expert| network(&format!("mlp.experts.{expert}"), 16));
            add("mlp.gate", &[4, 8]);
        }
    }
    let tensors: Vec<_> = all.into_iter().map(|(name, shape)| (name, shape, 0.5)).collect();
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), &tensors);
    let weights = Weights::Safetensors(Safetensors::open(folder.path()).unwrap());
    let spec = ModelSpec::read(&config, Path::new("config.json"), &ConfigOverrides::default()).unwrap();
    let bytes_in = |kind: Kind| spec.check(&weights, kind.into()).unwrap().bytes;
    // Norms and attention, 216 values, and three matrices of 8 x 8; or four times three of 16 x 8, and the router.
    let (dense, experts) = (216 + 3 * 64, 216 + 4 * 3 * 128 + 32);
    // The head is the embedding.
    let values = WeightBytes { first: 32, layers: vec![dense, dense, dense, experts], last: 8 + 32 };
    let times = |size: u64| WeightBytes {
        first: size * values.first,
        layers: values.layers.iter().map(|values| size * values).collect(),
        last: size * values.last,
    };
    assert_eq!(bytes_in(Kind::Float), times(4));
    assert_eq!(bytes_in(Kind::BFloat16), times(2));
    let (cpu, cuda) = (Device::Cpu, Device::Cuda(0));
    let places = Placement::over(cpu, vec![cuda]).of_layers(&bytes_in(Kind::BFloat16));
    assert_eq!(places, [cpu, cpu, cpu, cuda], "not two and two");
}
