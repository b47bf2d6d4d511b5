//! Files made here, and files made by the `gguf` Python package.

use super::testing::{Builder, open};
use super::value::Value;
use super::*;
use serde_json::json;

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

#[test]
fn query_rows_come_back_in_the_order_of_rotate_half() {
    // Two heads of four rows; row r holds r. Stored order of a head: 0, 2, 1, 3.
    let stored = floats([0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0].map(|row: f32| [row; 2]).concat());
    let builder = Builder::new()
        .string("general.architecture", "llama")
        .tensor("blk.0.attn_q.weight", 0, &[8, 2], &stored)
        .tensor("blk.0.attn_v.weight", 0, &[8, 2], &stored)
        .tensor("blk.0.attn_k.bias", 0, &[4], &floats([0.0, 2.0, 1.0, 3.0]));
    let (_folder, file) = open(builder);
    let weights = GgufWeights::new(file, &json!({ "head_dim": 4 })).unwrap();
    let read = |name: &str| weights.read(name).unwrap().unwrap();
    let ascending = (0..8).flat_map(|row| [row as f32; 2]).collect::<Vec<_>>();
    assert_eq!(read("model.layers.0.self_attn.q_proj.weight"), ascending);
    assert_eq!(read("model.layers.0.self_attn.k_proj.bias"), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(read("model.layers.0.self_attn.v_proj.weight")[2..4], [2.0, 2.0]);
    assert_eq!(weights.shape("model.layers.0.self_attn.q_proj.weight"), Some(&[8, 2][..]));
    assert!(weights.read("lm_head.weight").unwrap().is_none());
}

#[test]
fn a_type_that_cannot_be_read_is_named_with_its_tensor() {
    let llama = || Builder::new().string("general.architecture", "llama");
    let weights = |builder: Builder| GgufWeights::new(open(builder).1, &json!({ "head_dim": 2 }));
    let stored = weights(llama().tensor("output.weight", 28, &[1, 256], &[0; 2048])).unwrap();
    let text = stored.read("lm_head.weight").unwrap_err().to_string();
    assert!(text.contains("`output.weight` is stored as F64; supported: F32, F16"), "{text}");
    let text = weights(llama().tensor("blk.0.other.weight", 0, &[1], &[0; 4])).unwrap_err().to_string();
    assert!(text.contains("`blk.0.other.weight`") && text.contains("the tensors of llama"), "{text}");
}

/// Models of every architecture, made by `tests/reference/architectures.py` from Hugging Face models: the file must give
/// back the configuration and the bits of every tensor.
#[test]
fn every_architecture_comes_back_as_it_was() {
    use sha2::{Digest, Sha256};

    for architecture in
        ["llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "phi3", "gemma2", "gemma3", "gpt2"]
    {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let file = Gguf::open(&folder.join(format!("model-{architecture}.gguf"))).unwrap();
        let golden = crate::hf::json::read(&folder.join(format!("model-{architecture}.json"))).unwrap();
        let config = hf_config(&file).unwrap();
        for (field, found) in config.as_object().unwrap() {
            // Hugging Face derives the size of a head where the configuration has none.
            if field == "head_dim" && golden["config"].get(field).is_none_or(serde_json::Value::is_null) {
                assert_eq!(*found, json!(8), "{architecture}");
            } else {
                assert!(same(found, &golden["config"][field]), "{architecture}: {field} is {found}");
            }
        }
        let weights = GgufWeights::new(file, &config).unwrap();
        let tensors = golden["tensors"].as_object().unwrap();
        assert!(weights.tensors.keys().all(|name| tensors.contains_key(name)), "{architecture}");
        for (name, tensor) in tensors {
            assert_eq!(json!(weights.shape(name)), tensor["shape"], "{architecture}: {name}");
            let values = weights.read(name).unwrap().unwrap();
            let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<_>>();
            let digest =
                Sha256::digest(bytes).iter().fold(String::new(), |t, byte| t + &format!("{byte:02x}"));
            assert_eq!(tensor["sha256"], digest, "{architecture}: {name}");
        }
    }
}

/// Equal, where 8 and 8.0 are, and f32 numbers up to their last digit.
fn same(found: &serde_json::Value, expected: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (found, expected) {
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Object(a), Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| same(a, &b[key])),
        _ => match (found.as_f64(), expected.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-7 * b.abs(),
            _ => found == expected,
        },
    }
}

/// The file and its values were made by the `gguf` Python package, see `tests/reference/make_goldens.py`.
#[test]
fn every_type_gives_the_bits_of_the_python_package() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let file = Gguf::open(&folder.join("every_type.gguf")).unwrap();
    let expected = std::fs::read(folder.join("every_type.safetensors")).unwrap();
    let expected = safetensors::SafeTensors::deserialize(&expected).unwrap();
    assert_eq!(expected.len(), GgmlType::SUPPORTED.split(", ").count());
    for (name, tensor) in expected.iter() {
        let info = &file.tensors[name];
        let shape: Vec<usize> = info.shape.iter().map(|&size| size as usize).collect();
        assert!(shape == tensor.shape() && shape[0] == 3 && shape[1] >= 512, "{name}: {shape:?}");
        let found: Vec<u8> =
            values(&file, name, info).unwrap().into_iter().flat_map(f32::to_le_bytes).collect();
        assert_eq!(found, tensor.data(), "{name}");
    }
}

#[test]
fn every_type_of_metadata_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/every_type.gguf");
    let metadata = Gguf::open(&path).unwrap().metadata;
    for (key, expected) in [
        ("t.u8", Value::Unsigned(200)),
        ("t.i8", Value::Signed(-5)),
        ("t.u16", Value::Unsigned(60_000)),
        ("t.i16", Value::Signed(-300)),
        ("t.i32", Value::Signed(-70_000)),
        ("t.f32", Value::F32(1e-5)),
        ("t.u64", Value::Unsigned(1 << 40)),
        ("t.i64", Value::Signed(-(1 << 40))),
        ("t.f64", Value::F64(0.1)),
        ("t.bool", Value::Bool(true)),
        ("t.strings", Value::Array(["a", "ü", ""].map(|text| Value::String(text.into())).to_vec())),
    ] {
        assert_eq!(metadata[key], expected, "{key}");
    }
}

/// One hash over all tensors of the default model, by name, as `tests/reference/make_goldens.py` takes it.
#[test]
#[ignore = "needs the default model (cargo xtask setup)"]
fn the_default_model_gives_the_bits_of_the_python_package() {
    use sha2::{Digest, Sha256};

    let crate_folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = crate::hf::json::read(&crate_folder.join("tests/reference/smollm2.json")).unwrap();
    let path = crate_folder.join("../../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
    let file = Gguf::open(&path).unwrap();
    let mut digest = Sha256::new();
    for (name, info) in &file.tensors {
        digest.update(name);
        for value in values(&file, name, info).unwrap() {
            digest.update(value.to_le_bytes());
        }
    }
    let found = digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    assert_eq!(found, golden["tensors_sha256"]);
}
