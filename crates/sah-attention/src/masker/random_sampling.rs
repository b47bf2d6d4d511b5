//! Random sampling: a share of the remaining keys, each as likely as the others.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{RandomStream, RowSample, Selected, add_samples, each_row};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

/// Parameters of the [`RandomSamplingMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSamplingConfig {
    /// The share, in `(0, 1]`.
    pub sampling_rate: f64,
}

impl MaskerConfig for RandomSamplingConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "random_sampling",
        about: "a share of the remaining keys at random",
        fields: &[FieldInfo::required("sampling_rate", "in (0, 1]")],
        source: "the plain baseline of sampling",
        cost: "m random numbers",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(RandomSamplingMasker::new(self.sampling_rate)?))
    }
}

/// Samples, for every head and query row, a share of the keys that are not selected yet, uniformly and without
/// replacement.
///
#[doc = include_str!("../../docs/maskers/random_sampling.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomSamplingMasker {
    sampling_rate: f64,
}

impl RandomSamplingMasker {
    /// A masker that samples the share `sampling_rate` of the remaining keys, in `(0, 1]`.
    pub fn new(sampling_rate: f64) -> Result<Self> {
        if !(sampling_rate > 0.0 && sampling_rate <= 1.0) {
            let found = sampling_rate.to_string();
            return Err(Error::Field { field: "sampling_rate", expected: "in (0, 1]", found });
        }
        Ok(Self { sampling_rate })
    }
}

impl Masker for RandomSamplingMasker {
    fn name(&self) -> &'static str {
        "random_sampling"
    }

    fn is_sampling(&self) -> bool {
        true
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        if previous.is_full() {
            return Ok(previous);
        }
        let (seed, visible) = (state.seed(dims.keys), inputs.visible());
        let selected = Selected::of(&previous)?;
        let samples = each_row(inputs, |head, row| -> RowSample {
            let left = selected.remaining(head, row, visible.row(row));
            let total = left.len();
            let count = ((self.sampling_rate * total as f64) as usize).max(1).min(total);
            let probability = (count as f64 / total as f64) as f32;
            let mut random = RandomStream::new(seed, (head * dims.queries + row) as u64);
            random.subset(total, count).into_iter().map(|rank| (left.nth(rank), probability)).collect()
        });
        add_samples(inputs, previous, &samples)
    }
}
