//! A model over several devices gives what it gives on one.

use std::path::{Path, PathBuf};

use sah_adapter::{Network, Placement};
use sah_attention::AttentionPolicy;
use tch::{Device, Kind};

fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models").join(name)
}

/// Logits after a prompt and after each of some tokens.
fn logits(name: &str, placement: Placement) -> Vec<Vec<f32>> {
    tch::set_num_threads(1);
    let network = Network::load(&checkpoint(name), placement, Kind::Float).unwrap();
    let mut sequence = network.sequence(24).unwrap();
    let prompt: Vec<u32> = (1..20).collect();
    [prompt.as_slice(), &[3], &[5]]
        .map(|ids| sequence.feed(ids, &mut AttentionPolicy::dense()).unwrap())
        .to_vec()
}

fn compare(second: Device, bound: f32) {
    // Tied and untied heads, learned positions, several rotary embeddings, layers of experts behind one of a single network.
    for name in ["llama", "gpt2", "gemma3", "phi3", "glm4-moe"] {
        let one = logits(name, Device::Cpu.into());
        let two = logits(name, Placement::over(Device::Cpu, vec![second]));
        for (one, two) in one.iter().flatten().zip(two.iter().flatten()) {
            assert!((one - two).abs() <= bound, "{name}: {one} {two}");
        }
    }
}

#[test]
fn layers_on_two_places_of_one_device_give_the_same_logits() {
    compare(Device::Cpu, 0.0);
}

#[test]
#[ignore = "needs a CUDA device"]
fn layers_on_cpu_and_cuda_give_the_same_logits() {
    compare(Device::Cuda(0), 1e-3);
}
