//! Folders that transformers 4 and 5 saved: of every architecture, and of models that read images too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sah_adapter::{Network, families};
use sah_attention::AttentionPolicy;
use sah_tests::project_root;
use sah_tests::tiny::F32_BOUND;
use serde::Deserialize;
use tch::{Device, Kind};

#[derive(Debug, Deserialize)]
struct Golden {
    prompt: Vec<u32>,
    /// Logits in f32 after the prompt.
    whole: Vec<f32>,
}

fn folders(version: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(project_root().join("tests/fixtures/saved").join(version)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn check(folder: &Path) -> f32 {
    let golden = fs::read_to_string(folder.join("golden.json")).unwrap();
    let Golden { prompt, whole } = serde_json::from_str(&golden).unwrap();
    let network = Network::load(folder, Device::Cpu, Kind::Float)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let logits =
        network.sequence(prompt.len()).unwrap().feed(&prompt, &mut AttentionPolicy::dense()).unwrap();
    assert_eq!(logits.len(), whole.len(), "{}", folder.display());
    logits.iter().zip(&whole).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max)
}

#[test]
fn what_both_versions_save_gives_their_logits() {
    tch::set_num_threads(1);
    for version in ["transformers-4", "transformers-5"] {
        let folders = folders(version);
        assert!(folders.iter().filter(|folder| folder.to_string_lossy().contains("wrapped-")).count() >= 5);
        for folder in folders {
            let largest = check(&folder);
            assert!(largest < F32_BOUND, "{}: {largest}", folder.display());
        }
    }
}

/// Those of version 4 are `tests/fixtures/models`.
#[test]
fn version_5_saved_every_architecture() {
    let saved = folders("transformers-5").into_iter().filter_map(|folder| {
        let config = fs::read_to_string(folder.join("config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["model_type"].as_str().map(str::to_owned)
    });
    let saved: BTreeSet<String> = saved.collect();
    for family in families() {
        assert!(saved.contains(family.model_type), "{}", family.model_type);
    }
}
