//! The experts of DeepSeek-V3 (arXiv 2412.19437), which GLM-4.5 has too: sigmoids, groups, and one that every position uses, in all but the
//! first layers.

use super::ConfigFile;
use super::experts::{ExpertsConfig, Scoring, SharedConfig};
use super::qwen3_moe::NAMES;

/// What transformers takes for fields that a config leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeepseekExperts {
    /// `first_k_dense_replace`.
    pub(super) dense: usize,
    /// `n_routed_experts`.
    pub(super) count: i64,
    /// `moe_intermediate_size`.
    pub(super) intermediate: i64,
    /// `n_group` and `topk_group`.
    pub(super) groups: (i64, i64),
    /// `routed_scaling_factor`.
    pub(super) factor: f64,
}

impl DeepseekExperts {
    /// What the config says of those of its `layers` layers.
    pub(super) fn read(&self, file: &ConfigFile<'_>, layers: usize) -> ExpertsConfig {
        let dense = file.count("first_k_dense_replace", self.dense);
        let fields = ["n_routed_experts", "num_local_experts"];
        let (count, chosen) = ExpertsConfig::numbers(file, fields, (self.count, 8));
        let intermediate = file.size("moe_intermediate_size", self.intermediate);
        let shared = file.size("n_shared_experts", 1) * intermediate;
        ExpertsConfig {
            count,
            chosen,
            intermediate,
            normalised: file.bool("norm_topk_prob", true),
            scoring: self.scoring(file, count, chosen),
            shared: Some(SharedConfig { name: "shared_experts", intermediate: shared, gate: None }),
            layers: (0..layers).map(|layer| layer >= dense).collect(),
            names: NAMES,
        }
    }

    fn scoring(&self, file: &ConfigFile<'_>, count: i64, chosen: i64) -> Scoring {
        let mut groups = file.size("n_group", self.groups.0);
        let mut chosen_groups = file.size("topk_group", self.groups.1);
        if count % groups != 0 || groups > 1 && count / groups < 2 {
            file.wrong("n_group", format!("groups of two or more of {count} experts"), groups);
            groups = 1;
        }
        if chosen_groups > groups || chosen > chosen_groups * (count / groups) {
            let expected = format!("at most n_group, {groups}, and enough for {chosen} experts");
            file.wrong("topk_group", expected, chosen_groups);
            chosen_groups = groups;
        }
        Scoring::Sigmoid { groups, chosen_groups, factor: file.number("routed_scaling_factor", self.factor) }
    }
}
