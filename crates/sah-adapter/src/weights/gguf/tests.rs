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

/// The folder goes with the first value.
fn qwen35(builder: Builder) -> (tempfile::TempDir, GgufWeights) {
    let (folder, file) = open(builder.string("general.architecture", "qwen35"));
    (folder, GgufWeights::new(file, &delta_config()).unwrap())
}

/// 2 key heads of 32, 4 value heads of 32.
fn delta_config() -> serde_json::Value {
    json!({
        "head_dim": 2, "num_hidden_layers": 1, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
        "linear_key_head_dim": 32, "linear_value_head_dim": 32,
    })
}

/// `Q8_0` blocks of which the n-th is full of `numbers[n]`.
fn q8_0(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| [0x00, 0x3C].into_iter().chain([number; 32])).collect()
}

#[test]
fn columns_of_value_heads_come_back_as_values_and_as_blocks() {
    // Two rows; heads 0 2 1 3 in the file, as 2 and 3 are those of the second key head.
    let stored = q8_0(&[0, 2, 1, 3, 10, 12, 11, 13]);
    let (_folder, weights) = qwen35(Builder::new().tensor("blk.0.ssm_out.weight", 8, &[2, 128], &stored));
    let name = "model.layers.0.linear_attn.out_proj.weight";
    let expected: Vec<f32> =
        [0, 1, 2, 3, 10, 11, 12, 13].iter().flat_map(|&value| [value as f32; 32]).collect();
    assert_eq!(weights.read(name).unwrap().unwrap(), expected);
    assert_eq!(weights.storage(name).unwrap().unwrap(), GgmlType::Q8_0);
    assert_eq!(weights.blocks(name).unwrap(), q8_0(&[0, 1, 2, 3, 10, 11, 12, 13]));
    let (_folder, wide) = qwen35(Builder::new().tensor("blk.0.ssm_out.weight", 12, &[2, 256], &[0; 2 * 144]));
    let text = wide.storage(name).unwrap().unwrap_err().to_string();
    assert!(text.contains("Q4_K in blocks of 256 inputs, which lie across value heads of 32"), "{text}");
    let text = wide.read(name).unwrap_err().to_string();
    assert!(text.contains("`blk.0.ssm_out.weight` has 256 columns, not 128"), "{text}");
}

#[test]
fn decays_come_back_as_the_logarithms_that_they_were() {
    let name = "model.layers.0.linear_attn.A_log";
    let read = |values: [f32; 4]| {
        let (_folder, weights) = qwen35(Builder::new().tensor("blk.0.ssm_a", 0, &[4], &floats(values)));
        weights.read(name)
    };
    let values = [-2.0_f32, 0.5, 1.25, -0.75];
    let stored = values.map(|value| -value.exp());
    // Heads 0 2 1 3 in the file.
    let found = read([stored[0], stored[2], stored[1], stored[3]]).unwrap().unwrap();
    assert!(found.iter().zip(values).all(|(found, value)| (found - value).abs() <= 1.2e-7), "{found:?}");
    let text = read([-1.0, -1.0, 0.5, -1.0]).unwrap_err().to_string();
    assert!(text.contains("`blk.0.ssm_a` has values that are not below 0"), "{text}");
}

#[test]
fn inputs_of_qwen3_next_are_two_tensors_of_one_type_to_stay_blocks() {
    let qwen3_next = |gate: Option<(u32, &[u64], usize)>| {
        let builder = Builder::new().string("general.architecture", "qwen3next");
        let builder = builder.tensor("blk.0.attn_qkv.weight", 8, &[256, 32], &q8_0(&[1; 256]));
        let builder = match gate {
            None => builder,
            Some((ty, shape, bytes)) => builder.tensor("blk.0.attn_gate.weight", ty, shape, &vec![0; bytes]),
        };
        let (folder, file) = open(builder);
        GgufWeights::new(file, &delta_config()).map(|weights| (folder, weights))
    };
    let name = "model.layers.0.linear_attn.in_proj_qkvz.weight";
    let (_folder, same) = qwen3_next(Some((8, &[128, 32], 128 * 34))).unwrap();
    assert_eq!(same.shape(name), Some(&[384, 32][..]));
    assert_eq!(same.storage(name).unwrap().unwrap(), GgmlType::Q8_0);
    // Of each key head 32 queries, 32 keys, 64 values, 64 gates, which are 0 here.
    let blocks = same.blocks(name).unwrap();
    let zero: Vec<bool> = blocks.chunks(34).map(|block| block.iter().all(|&byte| byte == 0)).collect();
    let expected: Vec<bool> = (0..384).map(|row| row % 192 >= 128).collect();
    assert_eq!(zero, expected);
    let (_folder, other) = qwen3_next(Some((2, &[128, 32], 128 * 18))).unwrap();
    let text = other.storage(name).unwrap().unwrap_err().to_string();
    assert!(text.contains("Q8_0 in `blk.0.attn_qkv.weight` and Q4_0 in `blk.0.attn_gate.weight`"), "{text}");
    assert_eq!(other.read(name).unwrap().unwrap().len(), 384 * 32);
    let text = qwen3_next(None).unwrap_err().to_string();
    assert!(text.contains("has no tensor `blk.0.attn_gate.weight`"), "{text}");
    let text = qwen3_next(Some((0, &[128, 8], 128 * 32))).unwrap_err().to_string();
    assert!(
        text.contains("`blk.0.attn_gate.weight` has shape [128, 8]") && text.contains("[128, 32]"),
        "{text}"
    );
}

#[test]
fn experts_must_be_as_many_as_the_metadata_say() {
    let weights = |builder: Builder, experts: i64| {
        let builder = builder.string("general.architecture", "qwen35moe");
        let (folder, file) = open(builder);
        let config = json!({ "head_dim": 2, "num_experts": experts });
        GgufWeights::new(file, &config).map(|weights| (folder, weights))
    };
    let down = || {
        Builder::new().tensor(
            "blk.0.ffn_down_exps.weight",
            0,
            &[3, 1, 2],
            &floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        )
    };
    let read = |weights: &GgufWeights, name: &str| {
        weights.read(&format!("model.layers.0.mlp.experts.{name}.weight"))
    };
    let (_folder, three) = weights(down(), 3).unwrap();
    assert_eq!(read(&three, "2.down_proj").unwrap().unwrap(), [4.0, 5.0]);
    let text = weights(down(), 4).unwrap_err().to_string();
    assert!(
        text.contains("`blk.0.ffn_down_exps.weight` has shape [3, 1, 2]") && text.contains("[4, 1, 2]"),
        "{text}"
    );
    let both =
        Builder::new().tensor("blk.0.ffn_gate_up_exps.weight", 0, &[2, 2, 1], &floats([0.0, 1.0, 2.0, 3.0]));
    let (_folder, both) = weights(both, 2).unwrap();
    assert_eq!(read(&both, "1.gate_proj").unwrap().unwrap(), [2.0]);
    assert_eq!(read(&both, "0.up_proj").unwrap().unwrap(), [1.0]);
    let odd = Builder::new().tensor("blk.0.ffn_gate_up_exps.weight", 0, &[2, 3, 1], &floats([0.0; 6]));
    assert!(weights(odd, 2).is_err());
}

#[test]
fn layers_that_predict_further_tokens_are_left_out() {
    let builder = Builder::new()
        .string("general.architecture", "qwen35")
        .tensor("blk.0.attn_norm.weight", 0, &[1], &floats([1.0]))
        .tensor("blk.1.attn_norm.weight", 0, &[1], &floats([1.0]))
        .tensor("blk.1.nextn.enorm.weight", 0, &[1], &floats([1.0]));
    let weights = GgufWeights::new(open(builder).1, &delta_config()).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["model.layers.0.input_layernorm.weight"]);
    assert_eq!(weights.left_out(), ["blk.1.attn_norm.weight", "blk.1.nextn.enorm.weight"]);
}

#[test]
fn a_tensor_of_a_layer_that_the_metadata_do_not_have_is_an_error() {
    let builder = Builder::new().string("general.architecture", "llama").u32("llama.block_count", 2).tensor(
        "blk.2.attn_norm.weight",
        0,
        &[1],
        &floats([1.0]),
    );
    let text = GgufWeights::new(open(builder).1, &json!({ "head_dim": 2 })).unwrap_err().to_string();
    assert!(text.contains("`llama.block_count`: expected more than 2") && text.contains("found 2"), "{text}");
}

/// Models of every architecture, made from Hugging Face models (`tests/reference/architectures.py`, `converted.py`): the file must give back the configuration and the bits of every tensor.
#[test]
fn every_architecture_comes_back_as_it_was() {
    let mut problems = vec![];
    for name in gguf_forms().files.iter().flat_map(|files| files.names) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let file = Gguf::open(&folder.join(format!("{name}.gguf"))).unwrap();
        let golden = crate::hf::json::read(&folder.join(format!("{name}.json"))).unwrap();
        let weights = hf_config(&file).and_then(|config| {
            let differing = differing_fields(&config, &golden["config"]);
            problems.extend(differing.into_iter().map(|problem| format!("{name}: {problem}")));
            GgufWeights::new(file, &config)
        });
        match weights {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(weights) => {
                let differing = differing_tensors(&weights, golden["tensors"].as_object().unwrap());
                problems.extend(differing.into_iter().map(|problem| format!("{name}: {problem}")));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

fn differing_fields(found: &serde_json::Value, expected: &serde_json::Value) -> Vec<String> {
    let mut problems = vec![];
    for (field, found) in found.as_object().unwrap() {
        // Hugging Face derives the size of a head where the configuration has none.
        let own = &expected[field];
        let is_derived = field == "head_dim" && own.is_null();
        let is_same = if is_derived { *found == json!(8) } else { same(found, own) };
        if !is_same {
            problems.push(format!("{field} is {found}, not {own}"));
        }
    }
    problems
}

fn differing_tensors(
    weights: &GgufWeights,
    expected: &serde_json::Map<String, serde_json::Value>,
) -> Vec<String> {
    use sha2::{Digest, Sha256};

    let others = weights.names().filter(|name| !expected.contains_key(*name));
    let mut problems: Vec<String> = others.map(|name| format!("{name} is no tensor of the model")).collect();
    for (name, tensor) in expected {
        if json!(weights.shape(name)) != tensor["shape"] {
            problems.push(format!("{name} has shape {:?}, not {}", weights.shape(name), tensor["shape"]));
            continue;
        }
        let bytes = match weights.read(name) {
            Ok(values) => {
                values.unwrap_or_default().into_iter().flat_map(f32::to_le_bytes).collect::<Vec<_>>()
            }
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let digest =
            Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        if tensor["sha256"] != digest {
            problems.push(format!("{name} has other values"));
        }
    }
    problems
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
