//! What single attention calls read and how far their outputs are from dense attention, and which calls are measured.

use tch::{Kind, Tensor};

use crate::attention::AttentionOutput;
use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::kernel::{AutoKernel, Kernel as _, Reads};
use crate::state::mix;

/// Density and error of one attention call.
///
/// The error is that of the reference, with `O` the output and `O_dense` that of dense attention by [`AutoKernel`] over the same inputs
/// in their kind, as the model would have computed it:
///
/// ```text
/// error = ||O_dense - O||_F / ||O_dense||_F
/// ```
///
/// It is 0 where `O` equals `O_dense`, also where both are zero throughout. It is `None` where the formula gives no number:
/// `O_dense` is zero throughout and `O` is not, or one of them holds NaN or an infinity. In bf16 and f16 both outputs are
/// rounded, so that errors below about 0.002 and 0.0003 say nothing.
///
/// ```
/// use sah_attention::{AttentionInputs, AttentionPolicy, CallMeasure, RequestState, ResearchAttention, SinkMasker, Size};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let random = |heads, rows| Tensor::rand([1, heads, rows, 16], (Kind::Float, Device::Cpu));
/// let (queries, keys, values) = (random(4, 1), random(2, 100), random(2, 100));
/// let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25)?;
/// let attention = ResearchAttention::new(vec![Box::new(SinkMasker::new(Size::Count(25))?)])?;
/// let attended = attention.attend(&inputs, 0, &mut RequestState::new(0))?;
/// let measure = CallMeasure::of(&inputs, &attended)?;
/// assert_eq!((measure.density, measure.heads.len()), (0.25, 4));
/// assert!(measure.output_error.is_some_and(|error| error > 0.0 && error < 1.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CallMeasure {
    /// Over all heads; see [`Mask::density`](crate::Mask::density).
    pub density: f64,
    /// Of the output of all heads, `[B, H, Q, Dv]`: the reference's figure.
    pub output_error: Option<f64>,
    /// Of each query head, over batch entries and query rows; `H` of them.
    pub heads: Vec<HeadMeasure>,
}

/// Density and error of one query head in an attention call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadMeasure {
    /// Selected entries over visible entries, in `[0, 1]`.
    pub density: f64,
    /// Of the head's part of the output, `[B, Q, Dv]`.
    pub output_error: Option<f64>,
}

impl CallMeasure {
    /// Measures a call that gave `attended` over `inputs`. Computes dense attention.
    pub fn of(inputs: &AttentionInputs<'_>, attended: &AttentionOutput) -> Result<Self> {
        let mut parts = CallParts::default();
        parts.add(inputs, attended, inputs)?;
        Ok(parts.measure())
    }
}

/// A call that is measured part by part, each with some of the layer's heads.
#[derive(Debug, Default)]
pub struct CallParts {
    /// Selected entries and entries of each query head.
    entries: Vec<(usize, usize)>,
    /// Sums of squares of the difference to dense attention, and of this, of each query head.
    squares: Vec<(f64, f64)>,
}

impl CallParts {
    /// Adds heads that gave `attended` over `inputs`. Computes dense attention over `whole`: the same queries with all keys of the text,
    /// those that were dropped included.
    pub fn add(
        &mut self,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
        whole: &AttentionInputs<'_>,
    ) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let dense = AutoKernel.attend(whole, Reads::All)?;
        let distance = attended.output.f_to_kind(Kind::Double)?.f_sub(&dense.f_to_kind(Kind::Double)?)?;
        self.squares.extend(squares_by_head(&distance)?.into_iter().zip(squares_by_head(&dense)?));
        let visible = inputs.visible();
        let all = inputs.dims().batch * visible.entries();
        let selected = attended.mask.entries_by_head(&visible)?;
        self.entries.extend(selected.into_iter().map(|selected| (selected, all)));
        Ok(())
    }

    /// What all parts give.
    #[must_use]
    pub fn measure(&self) -> CallMeasure {
        let density = |entries: &[(usize, usize)]| {
            let sum = |of: fn(&(usize, usize)) -> usize| entries.iter().map(of).sum::<usize>() as f64;
            sum(|(selected, _)| *selected) / sum(|(_, all)| *all)
        };
        let heads = self.entries.iter().zip(&self.squares);
        CallMeasure {
            density: density(&self.entries),
            output_error: relative(
                self.squares.iter().map(|(distance, _)| distance).sum(),
                self.squares.iter().map(|(_, length)| length).sum(),
            ),
            heads: heads
                .map(|(entries, (distance, length))| HeadMeasure {
                    density: density(std::slice::from_ref(entries)),
                    output_error: relative(*distance, *length),
                })
                .collect(),
        }
    }
}

/// Sum of squares of each head of `[B, H, Q, Dv]`, in f64.
fn squares_by_head(output: &Tensor) -> Result<Vec<f64>> {
    let squares = output.f_to_kind(Kind::Double)?.f_square()?;
    let sums = squares.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, Kind::Double)?;
    Ok(Vec::try_from(&sums)?)
}

/// Of sums of squares: `sqrt(distance / length)`, where that is a number.
fn relative(distance: f64, length: f64) -> Option<f64> {
    if distance == 0.0 && length.is_finite() {
        return Some(0.0);
    }
    Some((distance / length).sqrt()).filter(|error| error.is_finite())
}

/// Which attention calls are measured: a share of them, each drawn by itself.
///
/// A draw depends on the seed and on the numbers that name the call, and on nothing else: the same calls are measured
/// whatever the number of threads, and whatever else is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallSampling {
    rate: f64,
    seed: u64,
}

impl CallSampling {
    /// Measures the share `rate`, from 0 (none) to 1 (all).
    pub fn new(rate: f64, seed: u64) -> Result<Self> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(Error::Field {
                field: "rate of measured calls",
                expected: "a number from 0 to 1",
                found: rate.to_string(),
            });
        }
        Ok(Self { rate, seed })
    }

    /// The share of calls that are measured.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The same share with draws of their own for whatever `numbers` name, such as the tokens of a prompt.
    #[must_use]
    pub fn within(self, numbers: impl IntoIterator<Item = u64>) -> Self {
        let seed = numbers.into_iter().fold(self.seed, |seed, number| mix(seed ^ mix(number)));
        Self { seed, ..self }
    }

    /// Whether the call of layer `layer` in step `step` is measured.
    #[must_use]
    pub fn chooses(&self, step: usize, layer: usize) -> bool {
        let draw = self.within([step as u64, layer as u64]).seed;
        // The upper 53 bits as a number in [0, 1): below 1 always, below 0 never.
        ((draw >> 11) as f64 / (1_u64 << 53) as f64) < self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_number_or_none() {
        assert_eq!(relative(0.0, 4.0), Some(0.0));
        assert_eq!(relative(1.0, 4.0), Some(0.5));
        assert_eq!(relative(0.0, 0.0), Some(0.0), "both are zero throughout");
        assert_eq!(relative(1.0, 0.0), None, "only the dense output is");
        for (distance, length) in [(f64::NAN, 1.0), (f64::NAN, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
            assert_eq!(relative(distance, length), None);
        }
    }

    /// 100 layers in 100 steps.
    fn draws(sampling: CallSampling) -> Vec<bool> {
        (0..10_000).map(|call| sampling.chooses(call / 100, call % 100)).collect()
    }

    fn agree<'a>(left: &'a [bool], right: &'a [bool]) -> usize {
        left.iter().zip(right).filter(|(left, right)| left == right).count()
    }

    #[test]
    fn the_share_of_measured_calls_is_the_rate() {
        for (rate, want) in [(0.0, 0..=0), (0.1, 850..=1150), (0.5, 4750..=5250), (1.0, 10_000..=10_000)] {
            let sampling = CallSampling::new(rate, 7).unwrap().within([1, 2, 3]);
            let calls = draws(sampling);
            let chosen = calls.iter().filter(|chosen| **chosen).count();
            assert!(want.contains(&chosen), "rate {rate}: {chosen} of 10000");
            assert_eq!(calls, draws(sampling));
        }
    }

    #[test]
    fn layers_steps_prompts_and_seeds_are_drawn_apart() {
        let of = |seed, prompt| draws(CallSampling::new(0.5, seed).unwrap().within([1, 2, prompt]));
        let calls = of(7, 3);
        let half = 4750..=5250;
        assert!(half.contains(&agree(&calls[1..], &calls)), "layers");
        assert!(half.contains(&agree(&calls[100..], &calls)), "steps");
        assert!(half.contains(&agree(&of(7, 4), &calls)), "prompts");
        assert!(half.contains(&agree(&of(8, 3), &calls)), "seeds");
    }

    #[test]
    fn a_rate_is_from_0_to_1() {
        for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let text = CallSampling::new(rate, 0).unwrap_err().to_string();
            assert!(text.starts_with("rate of measured calls must be a number from 0 to 1, got"), "{text}");
        }
    }
}
