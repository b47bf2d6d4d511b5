//! Double Sparsity against its rule.

use std::path::PathBuf;

use sah_attention::{
    AttentionConfig, ChannelSelection, DoubleSparsityConfig, DoubleSparsityMasker, Error, Mask, Masker,
    RequestState, Size,
};
use tch::Device;

use crate::cases::Random;
use crate::rules::{Entries, Problem, check_top_k, dot, each_entry};

on_devices!(the_best_by_label_are_selected, layers_have_their_own_channels);

/// A channel file that is gone at the end.
pub(crate) struct ChannelFile(pub(crate) PathBuf);

impl ChannelFile {
    /// `lists` for the layers 0, 1 and 2; each a turn further.
    pub(crate) fn new(name: &str, lists: &[Vec<usize>], selection: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sah-channels-{}-{name}.json", std::process::id()));
        let mut entries = serde_json::Map::new();
        for layer in 0..3 {
            let turned: Vec<Vec<usize>> = lists
                .iter()
                .map(|list| list.iter().cycle().skip(layer).take(list.len()).copied().collect())
                .collect();
            entries.insert(format!("model.layers.{layer}.self_attn.{selection}"), serde_json::json!(turned));
        }
        std::fs::write(&path, serde_json::Value::Object(entries).to_string()).unwrap();
        Self(path)
    }

    /// The preset `name`, with this file or random weights where it needs some.
    pub(crate) fn preset(&self, name: &str) -> AttentionConfig {
        let channels = format!("sorted_channel_file={}", self.0.display());
        let assignments = match name {
            "hashattention" => vec!["hat_weights=random"],
            "double_sparsity" => vec![channels.as_str()],
            _ => vec![],
        };
        AttentionConfig::preset_with(name, &assignments).unwrap()
    }

    pub(crate) fn masker(&self, heavy: usize, group_factor: usize, label_bits: u32) -> DoubleSparsityMasker {
        self.of(heavy, group_factor, label_bits, ChannelSelection::QkProj).unwrap()
    }

    fn of(
        &self,
        heavy: usize,
        group_factor: usize,
        label_bits: u32,
        channel_selection: ChannelSelection,
    ) -> Result<DoubleSparsityMasker, Error> {
        DoubleSparsityMasker::new(&DoubleSparsityConfig {
            heavy_size: Size::Count(heavy),
            sorted_channel_file: self.0.clone(),
            group_factor,
            label_bits,
            channel_selection,
        })
    }
}

impl Drop for ChannelFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A random order of the channels for each of `heads` heads.
pub(crate) fn random_lists(heads: usize, d: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = Random::new(seed);
    let mut list = || {
        let mut channels: Vec<usize> = (0..d).collect();
        for at in 0..d {
            channels.swap(at, random.within(at..d));
        }
        channels
    };
    (0..heads).map(|_| list()).collect()
}

/// The label of a vector, written out.
fn label(vector: &[f64], channels: &[usize], bits: u32) -> Vec<f64> {
    let chosen: Vec<f64> = channels.iter().map(|&channel| vector[channel]).collect();
    if bits == 16 {
        return chosen;
    }
    let least = chosen.iter().copied().fold(f64::INFINITY, f64::min);
    let most = chosen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steps = f64::from((1 << bits) - 1);
    let step = if most > least { (most - least) / steps } else { 1.0 / steps };
    chosen.iter().map(|x| ((x - least) / step).round_ties_even() * step + least).collect()
}

fn the_best_by_label_are_selected(device: Device) {
    for seed in 0..60 {
        let problem = Problem::new(seed, 16, device);
        let (factor, bits) = [(4, 16), (4, 4), (2, 3), (8, 8), (4, 11)][seed as usize % 5];
        // A list for each query head, or for each key head.
        let heads = if seed % 2 == 0 { problem.shape.heads } else { problem.kv_heads };
        let lists = random_lists(heads, 16, seed);
        let file = ChannelFile::new(&format!("rule-{seed}-{device:?}"), &lists, "qk_proj");
        let mask = problem.select(&file.masker(9, factor, bits));
        let scores =
            each_entry(&problem.tensors, problem.shape, problem.kv_heads, |query, key, [_, h, _, _]| {
                // Layer 1.
                let list = &lists[h / (problem.shape.heads / heads)];
                let channels: Vec<usize> = list.iter().cycle().skip(1).take(16 / factor).copied().collect();
                dot(&label(query, &channels, bits), &label(key, &channels, bits)) * problem.tensors.scale
            });
        check_top_k(&mask, &Entries::weights(&problem.previous()), &scores, problem.window, 9, 1e-4);
    }
}

/// The reference uses the first layer's channels for all.
fn layers_have_their_own_channels(device: Device) {
    let problem = Problem::new(3, 16, device);
    let file =
        ChannelFile::new(&format!("layers-{device:?}"), &random_lists(problem.shape.heads, 16, 1), "qk_proj");
    let masker = file.masker(5, 8, 16);
    let mut state = RequestState::new(0);
    let mut select = |layer| {
        let empty = Mask::empty(problem.shape);
        Entries::weights(&masker.select(&problem.inputs(), &mut state.layer(layer, 0), empty).unwrap()).values
    };
    let (first, second) = (select(0), select(1));
    assert!(first != second && first == select(0) && second == select(1));
    let error =
        masker.select(&problem.inputs(), &mut state.layer(3, 0), Mask::empty(problem.shape)).unwrap_err();
    assert!(error.to_string().ends_with("model.layers.3.self_attn.qk_proj: is not there"), "{error}");
}

#[test]
fn parameters_are_checked() {
    let file = ChannelFile::new("parameters", &random_lists(2, 16, 1), "k_proj");
    let message = |factor, bits| file.of(3, factor, bits, ChannelSelection::KProj).unwrap_err().to_string();
    assert_eq!(message(0, 4), "group_factor must be at least 1, got 0");
    assert_eq!(message(4, 0), "label_bits must be from 1 to 16, got 0");
    let other = file.of(3, 4, 4, ChannelSelection::QProj).unwrap_err();
    assert!(other.to_string().ends_with("file: has no entry that ends in `.q_proj`"), "{other}");
    let problem = Problem::new(1, 16, Device::Cpu);
    let masker = file.of(3, 17, 4, ChannelSelection::KProj).unwrap();
    let error = masker.select(&problem.inputs(), &mut RequestState::new(0).layer(0, 0), problem.previous());
    assert_eq!(
        error.unwrap_err().to_string(),
        "`double_sparsity_top_k`: group_factor must be at most the 16 elements of a key, got 17"
    );
}
