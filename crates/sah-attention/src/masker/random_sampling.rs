//! Random sampling: a share of the remaining keys, each as likely as the others.

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::Masker;
use crate::masker::shared::chosen::Chosen;
use crate::masker::shared::random::Stream;
use crate::masker::shared::sample::{RowSample, add_samples, each_row};
use crate::state::LayerState;

/// Samples, for every head and query row, a share of the keys that are not selected yet, uniformly and without
/// replacement.
///
/// With `n` such keys that row `i` may read and `r` the sampling rate,
///
/// ```text
/// m = max(1, trunc(r n))        every set of m keys is equally likely
/// weight of a sampled key = its inclusion probability = m / n
/// ```
///
/// so that numerator and denominator of the attention over the whole row are estimated without bias. The same seed gives
/// the same sample. Cost: `m` random numbers a row on the host, no score; no state. Form: index list with probabilities.
///
/// ```
/// use sah_attention::{AttentionInputs, Mask, Masker, RandomSamplingMasker, RequestState};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let q = Tensor::rand([1, 1, 1, 8], (Kind::Float, Device::Cpu));
/// let kv = Tensor::rand([1, 1, 100, 8], (Kind::Float, Device::Cpu));
/// let inputs = AttentionInputs::new(&q, &kv, &kv, 1.0)?;
/// let mut state = RequestState::new(17);
///
/// let empty = Mask::empty(inputs.dims().mask_shape());
/// let mask = RandomSamplingMasker::new(0.25)?.select(&inputs, &mut state.layer(0, 0), empty)?;
/// let weights = Vec::<f32>::try_from(mask.to_dense(Device::Cpu)?.flatten(0, -1))?;
/// assert_eq!(weights.iter().filter(|&&weight| weight == 0.25).count(), 25);
/// # Ok(())
/// # }
/// ```
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
        let chosen = Chosen::of(&previous)?;
        let samples = each_row(inputs, |head, row| -> RowSample {
            let left = chosen.left(head, row, visible.row(row));
            let total = left.len();
            let count = ((self.sampling_rate * total as f64) as usize).max(1).min(total);
            let probability = (count as f64 / total as f64) as f32;
            let mut random = Stream::new(seed, (head * dims.queries + row) as u64);
            random.subset(total, count).into_iter().map(|rank| (left.nth(rank), probability)).collect()
        });
        add_samples(inputs, previous, &samples)
    }
}
