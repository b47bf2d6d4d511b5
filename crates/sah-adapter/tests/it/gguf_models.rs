//! GGUF models of every architecture against the Hugging Face models that they were made from.

use std::path::Path;

use sah_adapter::Network;
use sah_attention::AttentionPolicy;
use tch::{Device, Kind};

/// The logits behind a prompt longer than every window in it, see `tests/reference/architectures.py`.
#[test]
fn gguf_models_have_the_logits_of_transformers() {
    tch::set_num_threads(1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let mut problems = vec![];
    for name in ["llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "phi3", "gemma2", "gemma3", "gpt2"] {
        let golden: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join(format!("model-{name}.json"))).unwrap())
                .unwrap();
        let ids: Vec<u32> = serde_json::from_value(golden["prompt"].clone()).unwrap();
        let expected: Vec<f32> = serde_json::from_value(golden["logits"].clone()).unwrap();
        let path = folder.join(format!("model-{name}.gguf"));
        let found = Network::load(&path, Device::Cpu, Kind::Float)
            .and_then(|network| network.sequence(ids.len())?.feed(&ids, &mut AttentionPolicy::dense()));
        match found {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(found) => {
                assert_eq!(found.len(), expected.len());
                let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                if apart.is_nan() || apart > 1e-4 {
                    problems.push(format!("{name}: logits {apart} apart"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
