//! A run of `bench speed` as one file.

use std::collections::BTreeMap;

use sah_adapter::{ModelIdentity, ModelSizes};
use serde::{Deserialize, Serialize};

use super::figures::Figures;
use super::limits::Speed;
use crate::machine::Machine;

/// Version of [`Report`]'s form. A new field leaves it as it is; a changed or dropped one raises it.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// What was measured, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) schema_version: u32,
    pub(super) machine: Machine,
    /// Where our own sides ran.
    pub(super) device: String,
    /// CPU threads of every side.
    pub(super) threads: i32,
    /// The commit of this program.
    pub(super) git_revision: Option<String>,
    /// Of this program, of libtorch and of peers.
    pub(super) versions: BTreeMap<String, String>,
    pub(super) model: ModelIdentity,
    /// What the model multiplies and keeps, by precision.
    pub(super) sizes: BTreeMap<String, ModelSizes>,
    pub(super) settings: Settings,
    /// The machine's speed in every round.
    pub(super) speeds: Vec<Speed>,
    pub(super) figures: Figures,
}

/// What the command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Tokens decoded after the first.
    pub(super) new_tokens: usize,
    /// Questions about one context.
    pub(super) questions: usize,
    /// Tokens of each question.
    pub(super) question_tokens: usize,
    pub(super) rounds: u32,
}

impl Report {
    /// As JSON, indented, with a line feed at the end.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The machine and its speed in words.
    pub(super) fn machine(&self) -> String {
        let best = |figure: &dyn Fn(&Speed) -> Option<f64>| {
            self.speeds
                .iter()
                .filter_map(figure)
                .fold(None, |best: Option<f64>, value| Some(best.map_or(value, |best| best.max(value))))
        };
        let names = self.speeds.first().map_or_else(Vec::new, |speed| speed.product_flops.keys().collect());
        let mut speeds: Vec<String> = names
            .into_iter()
            .filter_map(|name| Some((name, best(&|speed| speed.product_flops.get(name).copied())?)))
            .map(|(name, flops)| format!("{:.0} GFLOP/s in {name} products", flops / 1e9))
            .collect();
        if let Some(bandwidth) = best(&|speed| speed.memory_bandwidth) {
            speeds.push(format!("{:.1} GB/s from memory", bandwidth / 1e9));
        }
        let Machine { cpu, cores, .. } = &self.machine;
        let cpu = cpu.as_deref().unwrap_or("unknown processor");
        let speeds =
            if speeds.is_empty() { String::new() } else { format!("; at best {}", speeds.join(", ")) };
        format!("{cpu}, {cores} cores, {} threads{speeds}", self.threads)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sah_adapter::WeightFormat;

    use super::*;
    use crate::commands::speed::figures::{Measure, Subject};
    use crate::commands::speed::limits::tests::smollm2;

    /// Two lengths, one side of ours and one peer.
    pub(in super::super) fn report() -> Report {
        let mut figures = Figures::default();
        for context in [1024, 4096] {
            let ours = Subject { context, side: "f32 dense", is_baseline: false };
            let peer = Subject { context, side: "transformers", is_baseline: true };
            for round in [1.0, 1.5] {
                figures.record(Measure::Prefill, ours, 2.0 * round, Some(1.6));
                figures.record(Measure::Prefill, peer, 3.0 * round, None);
                figures.record(Measure::Decode, ours, 0.025, Some(0.02));
                figures.record(Measure::Decode, peer, 0.1, None);
            }
        }
        let flops = [("f32".to_owned(), 250e9)].into();
        Report {
            schema_version: SCHEMA_VERSION,
            machine: Machine {
                cpu: Some("A CPU".to_owned()),
                cores: 2,
                memory_bytes: Some(1 << 34),
                instructions: None,
            },
            device: "cpu".to_owned(),
            threads: 2,
            git_revision: None,
            versions: [("sah".to_owned(), "0.1.0".to_owned())].into(),
            model: ModelIdentity {
                name: "tiny".to_owned(),
                source: "tiny.gguf".to_owned(),
                format: WeightFormat::Gguf,
                architecture: "llama".to_owned(),
                sha256: "00".to_owned(),
                files: [].into(),
            },
            sizes: [("f32".to_owned(), smollm2())].into(),
            settings: Settings { new_tokens: 32, questions: 4, question_tokens: 18, rounds: 2 },
            speeds: vec![Speed {
                context: 1024,
                round: 1,
                product_flops: flops,
                memory_bandwidth: Some(25e9),
            }],
            figures,
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let report = report();
        let text = report.json().unwrap();
        assert!(text.starts_with("{\n  \"schema_version\": 1,") && text.ends_with("}\n"), "{text}");
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }

    #[test]
    fn the_machine_is_named_with_its_speed() {
        assert_eq!(
            report().machine(),
            "A CPU, 2 cores, 2 threads; at best 250 GFLOP/s in f32 products, 25.0 GB/s from memory"
        );
    }
}
