//! GGUF models of every architecture against the Hugging Face models that they were made from.

use std::path::Path;

use sah_adapter::{Error, Network, Precision, WeightStorage, gguf_forms};
use sah_attention::AttentionPolicy;
use tch::{Device, Kind};

/// Those of `tests/reference/architectures.py`, and those of `converted.py` beside it.
fn models() -> impl Iterator<Item = &'static str> {
    gguf_forms().files.iter().flat_map(|files| files.names).copied()
}

/// The largest distance of a logit behind the golden's prompt, which is longer than every window, from that of transformers.
fn apart(name: &str, precision: Precision) -> Result<f32, Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let golden: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let ids: Vec<u32> = serde_json::from_value(golden["prompt"].clone()).unwrap();
    let expected: Vec<f32> = serde_json::from_value(golden["logits"].clone()).unwrap();
    let network = Network::load(&folder.join(format!("{name}.gguf")), Device::Cpu, precision)?;
    let found = network.sequence(ids.len())?.feed(&ids, &mut AttentionPolicy::dense())?;
    assert_eq!(found.len(), expected.len());
    Ok(found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max))
}

#[test]
fn gguf_models_have_the_logits_of_transformers() {
    tch::set_num_threads(1);
    let mut problems = vec![];
    for name in models() {
        match apart(name, Kind::Float.into()) {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(apart) if apart.is_nan() || apart > 1e-4 => {
                problems.push(format!("{name}: logits {apart} apart"));
            }
            Ok(_) => {}
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Products of `Q8_0` round what a matrix is multiplied with to 8 bits; the converted files have BF16, which loses nothing.
#[test]
fn gguf_models_keep_what_is_stored() {
    tch::set_num_threads(1);
    let stored = Precision::from(Kind::Float).with_weights(WeightStorage::Stored);
    let mut problems = vec![];
    for name in models() {
        let most = if name.starts_with("converted-") { 1e-4 } else { 0.1 };
        match apart(name, stored) {
            Err(error) => {
                let text = error.to_string();
                let is_expected = text.contains("is stored as MXFP4, which cannot be kept as it is");
                if name != "converted-gpt-oss-mxfp4" || !is_expected {
                    problems.push(format!("{name}: {text}"));
                }
            }
            Ok(apart) if apart.is_nan() || apart > most => {
                problems.push(format!("{name}: logits {apart} apart"));
            }
            Ok(_) => {}
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
