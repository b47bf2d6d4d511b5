//! The measured calls of a run, summed up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calls::LoggedCalls;
use super::log::MicroMetricsLog;
use crate::Error;
use crate::results::Distribution;

/// What was measured in a run: `micro_metrics` of `metrics.json`.
///
/// Each figure is of a call: one layer in one forward pass, all heads included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MicroSummary {
    /// Sparse attention calls of the questions and answers of the answered rows.
    pub calls: u64,
    /// Those of them that were measured.
    pub sampled_calls: u64,
    /// Lines of `micro_metrics.jsonl`: two for each measured call.
    pub records: u64,
    /// Measured calls whose error is no number; `output_error` is over the others.
    pub undefined_errors: u64,
    /// Densities of the measured calls; `None` where there are none.
    pub density: Option<Distribution>,
    /// Errors of the measured calls.
    pub output_error: Option<Distribution>,
    /// The same for each layer that has a measured call, in order.
    pub layers: Vec<LayerMetrics>,
    /// What was measured while contexts were read; not in the file where they were read densely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contexts: Option<ContextMetrics>,
}

/// What was measured while contexts were read: a call is one layer in one chunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContextMetrics {
    /// Measured calls.
    pub sampled_calls: u64,
    /// Densities of these.
    pub density: Option<Distribution>,
    /// Errors of these.
    pub output_error: Option<Distribution>,
}

/// What was measured in one layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerMetrics {
    /// The layer, from 0.
    pub layer: usize,
    /// Its measured calls.
    pub sampled_calls: u64,
    /// Densities of these.
    pub density: Option<Distribution>,
    /// Errors of these.
    pub output_error: Option<Distribution>,
}

impl MicroSummary {
    /// Of what is in `log`, measured in so many `calls`.
    pub(super) fn of(log: &MicroMetricsLog, calls: u64) -> Result<Self, Error> {
        let mut layers: BTreeMap<usize, Figures> = BTreeMap::new();
        let mut contexts = Figures::default();
        for call in LoggedCalls::open(log.path())? {
            let call = call?;
            let figures =
                if call.reads_context { &mut contexts } else { layers.entry(call.layer).or_default() };
            figures.densities.push(call.density);
            figures.errors.extend(call.output_error);
        }
        let sampled_calls = layers.values().map(|figures| figures.densities.len() as u64).sum::<u64>();
        let of_contexts = contexts.densities.len() as u64;
        let read = sampled_calls + of_contexts;
        if read != log.sampled_calls {
            return Err(Error::MicroMetricsLost {
                path: log.path().to_path_buf(),
                written: log.sampled_calls,
                read,
            });
        }
        let all = Figures {
            densities: layers.values().flat_map(|figures| &figures.densities).copied().collect(),
            errors: layers.values().flat_map(|figures| &figures.errors).copied().collect(),
        };
        let of_layer = |(layer, figures): (usize, Figures)| LayerMetrics {
            layer,
            sampled_calls: figures.densities.len() as u64,
            density: Distribution::of(figures.densities),
            output_error: Distribution::of(figures.errors),
        };
        Ok(Self {
            calls,
            sampled_calls,
            records: 2 * log.sampled_calls,
            undefined_errors: (all.densities.len() - all.errors.len()) as u64,
            density: Distribution::of(all.densities),
            output_error: Distribution::of(all.errors),
            layers: layers.into_iter().map(of_layer).collect(),
            contexts: (of_contexts > 0).then(|| ContextMetrics {
                sampled_calls: of_contexts,
                density: Distribution::of(contexts.densities),
                output_error: Distribution::of(contexts.errors),
            }),
        })
    }
}

#[derive(Default)]
struct Figures {
    densities: Vec<f64>,
    errors: Vec<f64>,
}
