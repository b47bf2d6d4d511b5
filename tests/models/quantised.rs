//! Quantised checkpoints: expanded as the libraries do that wrote them, and what is wrong with one is said.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use sah_adapter::{Network, Precision, WeightStorage, quantised_forms};
use sah_attention::AttentionPolicy;
use sah_tests::project_root;
use serde_json::{Value, json};
use tch::{Device, Kind};

fn folder(name: &str) -> PathBuf {
    project_root().join("tests/fixtures/quantised").join(name)
}

fn logits(folder: &Path, precision: impl Into<Precision>) -> Vec<f32> {
    tch::set_num_threads(1);
    let network = Network::load(folder, Device::Cpu, precision)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let ids: Vec<u32> = (0..40).map(|number| number * 37 % 61).collect();
    let logits = network.sequence(ids.len()).unwrap().feed(&ids, &mut AttentionPolicy::dense()).unwrap();
    assert!(logits.iter().all(|logit| logit.is_finite()), "{}", folder.display());
    logits
}

fn stored(kind: Kind) -> Precision {
    Precision::from(kind).with_weights(WeightStorage::Stored)
}

fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

/// Where libraries round products of numbers and scales to the kind of these, packed weights are not rounded.
#[test]
fn packed_weights_give_what_expanded_ones_do_but_for_the_rounding() {
    for (name, bound) in [
        ("fp8", 1e-4),
        ("fp8-tensor", 1e-4),
        ("compressed-fp8-tensor", 0.1),
        ("compressed-fp8-channel", 0.1),
        ("compressed-int4", 0.1),
        ("compressed-int4-channel", 0.1),
        ("awq", 0.05),
        ("gptq", 0.05),
        ("gptq-v2", 0.05),
    ] {
        let packed = logits(&folder(name), stored(Kind::Float));
        let largest = largest_difference(&logits(&folder(name), Kind::Float), &packed);
        // FP8 in blocks is multiplied by scales in f32, and nothing is rounded on either side.
        let is_rounded = !name.starts_with("fp8");
        assert!(largest < bound && (largest > 0.0 || !is_rounded), "{name}: {largest}");
    }
    for name in [
        "compressed-int4-zero-points",
        "compressed-int8",
        "compressed-int4-act-order",
        "gptq-act-order",
        "gptq-3",
        "nf4",
        "int8",
    ] {
        let error = Network::load(&folder(name), Device::Cpu, stored(Kind::Float)).unwrap_err().to_string();
        assert!(
            error.contains("cannot be kept as it is; those that can: E4M3, MXFP4, and 4 bits"),
            "{name}: {error}"
        );
    }
}

/// Numbers of 4 bits times powers of 2 are bf16 numbers: nothing is rounded but sums, which are in f32. A prompt, which expands the experts,
/// and single tokens, which do not.
#[test]
fn packed_experts_give_what_expanded_ones_do() {
    let ids: Vec<u32> = (0..40).map(|number| number * 37 % 61).collect();
    for (kind, bound) in [(Kind::Float, 1e-4), (Kind::BFloat16, 0.05), (Kind::Half, 0.01)] {
        let [expanded, packed] = [Precision::from(kind), stored(kind)].map(|precision| {
            let network = Network::load(&folder("mxfp4"), Device::Cpu, precision).unwrap();
            let mut sequence = network.sequence(ids.len()).unwrap();
            [&ids[..30], &ids[30..31], &ids[31..32], &ids[32..]]
                .map(|part| sequence.feed(part, &mut AttentionPolicy::dense()).unwrap())
                .concat()
        });
        let largest = largest_difference(&expanded, &packed);
        assert!(largest < bound && expanded.iter().any(|logit| logit.abs() > 0.1), "{kind:?}: {largest}");
    }
    let sizes = |precision| Network::load(&folder("mxfp4"), Device::Cpu, precision).unwrap().sizes();
    let (expanded, packed) = (sizes(Precision::from(Kind::Float)), sizes(stored(Kind::Float)));
    assert_eq!(expanded.products, packed.products);
    assert!(2 * packed.weight_bytes < expanded.weight_bytes, "{packed:?}");
}

/// The weights are the same bit for bit, so that the logits are.
#[test]
fn every_form_is_expanded_as_its_library_does() {
    let (mut folders, mut different) = (BTreeSet::new(), vec![]);
    for entry in fs::read_dir(folder("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (stored, expanded) = (folder(&name), folder(&name).join("expanded"));
        for kind in [Kind::Float, Kind::BFloat16, Kind::Half] {
            if logits(&stored, kind) != logits(&expanded, kind) {
                different.push(format!("{name} in {kind:?}"));
            }
        }
        let config: Value = serde_json::from_slice(&fs::read(stored.join("config.json")).unwrap()).unwrap();
        let method = config["quantization_config"]["quant_method"].as_str().unwrap().to_owned();
        folders.insert((method, name));
    }
    assert!(different.is_empty(), "{different:?}");
    let listed = quantised_forms()
        .iter()
        .flat_map(|form| form.checkpoints.iter().map(|name| (form.method.to_owned(), (*name).to_owned())));
    assert_eq!(folders, listed.collect());
}

#[test]
fn forms_that_cannot_be_read_are_named() {
    for (said, part) in [
        (
            json!({"quant_method": "eetq"}),
            "`quantization_config.quant_method` is `eetq`, which is not supported; supported: fp8, compressed-tensors, awq",
        ),
        (
            json!({"quant_method": "awq", "bits": 4, "version": "gemv"}),
            "`quantization_config.version` is `gemv`",
        ),
        (
            json!({"quant_method": "gptq", "bits": 5}),
            "`quantization_config.bits` is `5`, which is not supported; supported: 2, 3, 4, 8",
        ),
        (
            json!({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"}),
            "`quantization_config.checkpoint_format` is `marlin`",
        ),
        (
            json!({"quant_method": "fp8"}),
            "`quantization_config.weight_block_size`: expected two numbers above 0, found nothing",
        ),
        (
            json!({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}),
            "`quantization_config.format` is `nvfp4-pack-quantized`",
        ),
        (
            json!({"quant_method": "compressed-tensors", "format": "pack-quantized",
                   "config_groups": {"group_0": {"weights": {"num_bits": 16}}}}),
            "`quantization_config.config_groups.group_0.weights.num_bits` is `16`",
        ),
    ] {
        let found = problem("fp8", |config| config["quantization_config"] = said, None);
        assert!(found.contains(part), "{found}");
    }
}

type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;

/// What is wrong with the checkpoint `name` where its config and tensors are changed: a tensor that ends as said is left out.
fn problem(name: &str, change: impl FnOnce(&mut Value), left_out: Option<&str>) -> String {
    let copy = tempfile::tempdir().unwrap();
    let (from, to) = (folder(name), copy.path());
    let mut config: Value = serde_json::from_slice(&fs::read(from.join("config.json")).unwrap()).unwrap();
    change(&mut config);
    fs::write(to.join("config.json"), config.to_string()).unwrap();
    let bytes = fs::read(from.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let kept: Vec<(String, TensorView<'_>)> = tensors
        .tensors()
        .into_iter()
        .filter(|(name, _)| left_out.is_none_or(|end| !name.ends_with(end)))
        .collect();
    fs::write(to.join("model.safetensors"), safetensors::serialize(kept, None).unwrap()).unwrap();
    Network::load(to, Device::Cpu, Kind::Float).unwrap_err().to_string()
}

#[test]
fn a_config_that_contradicts_its_tensors_names_them() {
    let said = |config: &mut Value, field: &str, value: Value| config["quantization_config"][field] = value;
    let group = |config: &mut Value, field: &str, value: Value| {
        config["quantization_config"]["config_groups"]["group_0"]["weights"][field] = value;
    };
    let cases: [(&str, Change<'_>, &str); 8] = [
        (
            "fp8",
            Box::new(|config| said(config, "weight_block_size", json!([16, 16]))),
            "q_proj.weight_scale_inv` has shape [2, 1], but the config implies [4, 4]",
        ),
        (
            "gptq",
            Box::new(|config| said(config, "bits", json!(8))),
            "q_proj.qweight` has shape [8, 64], but the config implies [16, 64]",
        ),
        (
            "gptq",
            Box::new(|config| said(config, "group_size", json!(16))),
            "q_proj.qzeros` has shape [2, 8], but the config implies [4, 8]",
        ),
        (
            "awq",
            Box::new(|config| said(config, "group_size", json!(64))),
            "q_proj.qzeros` has shape [2, 8], but the config implies [1, 8]",
        ),
        (
            "compressed-int4",
            Box::new(|config| group(config, "num_bits", json!(8))),
            "q_proj.weight_packed` has shape [64, 8], but the config implies [64, 16]",
        ),
        (
            "compressed-fp8-channel",
            Box::new(|config| group(config, "strategy", json!("tensor"))),
            "q_proj.weight_scale` has shape [64, 1], but the config implies [1]",
        ),
        (
            "compressed-fp8-channel",
            Box::new(|config| group(config, "type", json!("int"))),
            "`form of model.layers.0.self_attn.q_proj` is `E4M3`, which is not supported",
        ),
        (
            "fp8",
            Box::new(|config| config["quantization_config"] = Value::Null),
            "q_proj.weight` is stored as F8_E4M3; supported: F32, F16, BF16",
        ),
    ];
    for (name, change, part) in cases {
        let found = problem(name, change, None);
        assert!(found.contains(part) && found.contains("model.safetensors"), "{name}: {found}");
    }
}

#[test]
fn a_tensor_that_is_missing_is_named() {
    for (name, missing) in [
        ("fp8", "k_proj.weight_scale_inv"),
        ("awq", "k_proj.qzeros"),
        ("awq", "k_proj.scales"),
        ("gptq", "k_proj.scales"),
        ("compressed-int4", "k_proj.weight_scale"),
        ("compressed-int4-zero-points", "k_proj.weight_zero_point"),
        ("compressed-int3-act-order", "k_proj.weight_zero_point"),
        ("nf4", "k_proj.weight.absmax"),
        ("nf4", "k_proj.weight.quant_state.bitsandbytes__nf4"),
        ("nf4-nested", "k_proj.weight.nested_absmax"),
        ("int8", "k_proj.SCB"),
        ("mxfp4", "down_proj_scales"),
        ("mxfp4", "down_proj_bias"),
        ("mxfp4", "self_attn.sinks"),
    ] {
        let found = problem(name, |_| {}, Some(missing));
        assert!(found.contains("has no tensor") && found.contains(missing), "{name}: {found}");
    }
}
