//! Whole checkpoints: small ones made here, and the built-in default model where it has been fetched.

use std::path::PathBuf;

use serde_json::{Value, json};
use tch::{Device, Kind};

use super::*;
use crate::hf::json;
use crate::weights::gguf::testing::Builder;

/// The default model, where `cargo xtask setup` puts it.
fn default_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
}

fn own(checkpoint: &Checkpoint) -> &OwnLayers {
    match &checkpoint.layers {
        Layers::Own(own) => own,
        Layers::External(_) => panic!("it is ours"),
    }
}

fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file)
}

#[test]
#[ignore = "needs the default model (cargo xtask setup)"]
fn the_default_model_opens() {
    let checkpoint = Checkpoint::open(&ModelSource::Gguf(default_model()), &ModelOptions::default()).unwrap();
    assert_eq!(checkpoint.eos_token_ids, [2]);
    assert_eq!(checkpoint.tokenizer.bos_to_prepend(), None);
    assert_eq!(own(&checkpoint).spec.positions(), 8192);
    let (before, after) = checkpoint.chat_template.as_ref().unwrap().split("Context.\n", "What?").unwrap();
    assert!(
        before.starts_with("<|im_start|>system\n") && before.ends_with("<|im_start|>user\nContext.\n"),
        "{before}"
    );
    assert_eq!(after, "What?<|im_end|>\n<|im_start|>assistant\n");
    let golden = json::read(&reference("smollm2.json")).unwrap();
    assert_eq!(golden["file_sha256"], checkpoint.origin.identity().unwrap().sha256);
    for golden in golden["tokens"].as_array().unwrap() {
        let text = golden["text"].as_str().unwrap();
        assert_eq!(json!(checkpoint.tokenizer.encode(text).unwrap()), golden["ids"], "{text:?}");
    }
    for golden in golden["templates"].as_array().unwrap() {
        let rendered =
            checkpoint.chat_template.as_ref().unwrap().render(golden["user"].as_str().unwrap()).unwrap();
        assert_eq!(rendered, golden["rendered"].as_str().unwrap());
    }
    let placement = Device::Cpu.into();
    let root = own(&checkpoint).weights.root(&placement, Kind::Float.into());
    let embeddings = root.pp("model.embed_tokens").tensor("weight", &[49152, 576]).unwrap();
    assert_eq!(embeddings.size(), [49152, 576]);
}

/// Writes a small Llama checkpoint: one tensor in bf16, a tokenizer of two letters.
fn folder(config: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |file: &str, json: &Value| std::fs::write(folder.path().join(file), json.to_string()).unwrap();
    write("config.json", config);
    write(
        "tokenizer.json",
        &json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
            "post_processor": null, "decoder": null,
            "added_tokens": [{"id": 2, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true}],
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}),
    );
    write(
        "tokenizer_config.json",
        &json!({"eos_token": "</s>", "chat_template": "{{ messages[0].content }}{{ eos_token }}"}),
    );
    let data = [1.0_f32, -2.0].map(|value| half::bf16::from_f32(value).to_le_bytes()).concat();
    let view = ::safetensors::tensor::TensorView::new(::safetensors::Dtype::BF16, vec![2, 1], &data).unwrap();
    let view64 = ::safetensors::tensor::TensorView::new(::safetensors::Dtype::I16, vec![2], &data).unwrap();
    let bytes = ::safetensors::serialize([("model.norm.weight", view), ("model.ids", view64)], None).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    folder
}

fn open(folder: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::open(&ModelSource::Folder(folder.to_owned()), &ModelOptions::default())
}

#[test]
fn a_folder_gives_tensors_text_and_an_identity() {
    let folder = folder(&json!({"model_type": "llama", "eos_token_id": 7}));
    let checkpoint = open(folder.path()).unwrap();
    assert_eq!(checkpoint.eos_token_ids, [7]);
    assert_eq!(checkpoint.origin.architecture, "llama");
    assert_eq!(checkpoint.origin.format, WeightFormat::Safetensors);
    let (before, after) = checkpoint.chat_template.as_ref().unwrap().split("a", "b").unwrap();
    assert_eq!((before.as_str(), after.as_str()), ("a", "b</s>"));

    let placement = Device::Cpu.into();

    let norm = own(&checkpoint).weights.root(&placement, Kind::Float.into()).pp("model").pp("norm");
    let tensor = norm.tensor("weight", &[2, 1]).unwrap();
    assert_eq!(Vec::<f32>::try_from(tensor.reshape([2])).unwrap(), [1.0, -2.0]);
    let wrong = norm.tensor("weight", &[3]).unwrap_err().to_string();
    assert!(
        wrong.contains("model.safetensors") && wrong.contains("[2, 1], but the config implies [3]"),
        "{wrong}"
    );
    let missing = norm.tensor("bias", &[1]).unwrap_err().to_string();
    assert!(missing.contains("model.safetensors: has no tensor `model.norm.bias`"), "{missing}");
    let placement = Device::Cpu.into();
    let root = own(&checkpoint).weights.root(&placement, Kind::Float.into());
    let unreadable = root.tensor("model.ids", &[2]).unwrap_err().to_string();
    assert!(unreadable.contains("stored as I16"), "{unreadable}");
}

#[test]
fn the_identity_changes_with_every_file_that_decides_answers() {
    let folder = folder(&json!({"model_type": "llama"}));
    let identity = || open(folder.path()).unwrap().origin.identity().unwrap();
    let before = identity();
    let names: Vec<&str> = before.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["config.json", "tokenizer.json", "tokenizer_config.json"]);
    assert_eq!(identity(), before);
    let weights = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    let changed = [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat();
    std::fs::write(&weights, changed).unwrap();
    let after = identity();
    assert!(after.sha256 != before.sha256 && after.files == before.files);
    std::fs::write(folder.path().join("generation_config.json"), "{}").unwrap();
    std::fs::write(folder.path().join("README.md"), "a model").unwrap();
    let more = identity().files;
    assert!(more.contains_key("generation_config.json") && more.len() == 4, "{more:?}");
}

#[test]
fn the_end_of_an_answer_is_taken_from_the_most_specific_file() {
    let folder = folder(&json!({"model_type": "llama"}));
    assert_eq!(open(folder.path()).unwrap().eos_token_ids, [2]);
    let generation = folder.path().join("generation_config.json");
    std::fs::write(&generation, r#"{"eos_token_id": [5, 2]}"#).unwrap();
    assert_eq!(open(folder.path()).unwrap().eos_token_ids, [5, 2]);
    std::fs::write(&generation, r#"{"eos_token_id": "x"}"#).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("generation_config.json: field `eos_token_id`"), "{error}");
}

#[test]
fn a_jinja_file_wins_over_the_configuration() {
    let folder = folder(&json!({"model_type": "llama"}));
    std::fs::write(folder.path().join("chat_template.jinja"), "J{{ messages[0].content }}").unwrap();
    assert_eq!(open(folder.path()).unwrap().chat_template.unwrap().render("x").unwrap(), "Jx");
}

#[test]
fn what_a_folder_lacks_is_named() {
    let folder = folder(&json!({"model_type": "llama"}));
    for (file, expected) in [
        ("tokenizer.json", "AutoTokenizer"),
        ("model.safetensors", "model.safetensors or model.safetensors.index.json"),
        ("config.json", "has no config.json"),
    ] {
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(&folder.path().display().to_string()), "{error}");
    }
}

#[test]
fn a_gguf_file_is_a_whole_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.Q8.gguf");
    let builder = Builder::new()
        .string("general.architecture", "llama")
        .u32("llama.block_count", 1)
        .u32("llama.context_length", 128)
        .u32("llama.embedding_length", 4)
        .u32("llama.feed_forward_length", 8)
        .u32("llama.attention.head_count", 2)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-6)
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "smollm")
        .strings("tokenizer.ggml.tokens", &["a", "b", "<|im_end|>", "<|endoftext|>"])
        .strings("tokenizer.ggml.merges", &[])
        .i32s("tokenizer.ggml.token_type", &[1, 1, 3, 3])
        .u32("tokenizer.ggml.eos_token_id", 3)
        .string("tokenizer.chat_template", "{{ messages[0].content }}<|im_end|>")
        .tensor("token_embd.weight", 0, &[5, 4], &[0; 80])
        .tensor("output_norm.weight", 0, &[4], &1.5_f32.to_le_bytes().repeat(4));
    std::fs::write(&path, builder.bytes()).unwrap();
    let checkpoint = Checkpoint::open(&ModelSource::Gguf(path), &ModelOptions::default()).unwrap();
    assert_eq!(checkpoint.origin.name, "tiny.Q8");
    assert_eq!(checkpoint.eos_token_ids, [2, 3]);
    assert_eq!(own(&checkpoint).spec.positions(), 128);
    assert_eq!(checkpoint.chat_template.as_ref().unwrap().render("a").unwrap(), "a<|im_end|>");
    let norm = own(&checkpoint)
        .weights
        .root(&Device::Cpu.into(), Kind::BFloat16.into())
        .tensor("model.norm.weight", &[4])
        .unwrap();
    assert_eq!(norm.kind(), Kind::BFloat16);
    assert_eq!(Vec::<f32>::try_from(norm.to_kind(Kind::Float)).unwrap(), [1.5; 4]);
    let missing = own(&checkpoint)
        .weights
        .root(&Device::Cpu.into(), Kind::Float.into())
        .tensor("lm_head.weight", &[5, 4])
        .unwrap_err();
    assert!(missing.to_string().contains("tiny.Q8.gguf: has no tensor `output.weight`"), "{missing}");
}
