//! How far single attention calls were from dense attention: for each layer and head, and for each token.

use std::collections::BTreeMap;

use sah_bench_core::{Distribution, MeasuredHead};

use crate::Error;

/// Mean density and error of the calls that were measured of one query head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadMean {
    /// Calls that were measured.
    pub calls: u64,
    /// Their mean density.
    pub density: f64,
    /// Their mean error; `None` where none of them has one.
    pub output_error: Option<f64>,
}

/// Error and density of the calls of some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFigures {
    /// The first and the last step: 0 for the rows of the question, `n` for the `n`-th new token.
    pub steps: (usize, usize),
    /// Errors of calls over all heads, one layer in one forward pass; `None` where none has one.
    pub output_error: Option<Distribution>,
    /// Densities of calls over all heads.
    pub density: Distribution,
}

/// What was measured of an attention in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionErrors {
    /// A list for each layer, from 0, with an entry for each query head, from 0; `None` where no call was drawn.
    pub layers: Vec<Vec<Option<HeadMean>>>,
    /// The question, and then the new tokens in runs of 1, 1, 2, 4, 8 and so on.
    pub steps: Vec<StepFigures>,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    calls: u64,
    density: f64,
    errors: u64,
    output_error: f64,
}

impl AttentionErrors {
    /// Sums up the rows of a `micro_metrics.parquet`.
    pub(crate) fn of(
        heads: impl Iterator<Item = Result<MeasuredHead, sah_bench_core::Error>>,
    ) -> Result<Self, Error> {
        let mut sums: BTreeMap<(usize, usize), Sums> = BTreeMap::new();
        let mut steps: BTreeMap<(usize, usize), (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        for head in heads {
            let head = head?;
            let sum = sums.entry((head.layer, head.head)).or_default();
            sum.calls += 1;
            sum.density += head.density;
            if let Some(error) = head.output_error {
                sum.errors += 1;
                sum.output_error += error;
            }
            // A call has a row for each head, and the call's own figures in all of them.
            if head.head == 0 {
                let (errors, densities) = steps.entry(run_of(head.step)).or_default();
                errors.extend(head.call_output_error);
                densities.push(head.call_density);
            }
        }
        let count = |of: fn(&(usize, usize)) -> usize| sums.keys().map(of).max().map_or(0, |last| last + 1);
        let (layers, heads) = (count(|key| key.0), count(|key| key.1));
        let mean = |layer, head| {
            let sum = sums.get(&(layer, head))?;
            Some(HeadMean {
                calls: sum.calls,
                density: sum.density / sum.calls as f64,
                output_error: (sum.errors > 0).then(|| sum.output_error / sum.errors as f64),
            })
        };
        let of_steps = |(steps, (errors, densities))| {
            let (output_error, density) = (Distribution::of(errors), Distribution::of(densities)?);
            Some(StepFigures { steps, output_error, density })
        };
        Ok(Self {
            layers: (0..layers).map(|layer| (0..heads).map(|head| mean(layer, head)).collect()).collect(),
            steps: steps.into_iter().filter_map(of_steps).collect(),
        })
    }
}

/// The steps that share a sum with `step`.
fn run_of(step: usize) -> (usize, usize) {
    if step < 2 {
        return (step, step);
    }
    // 2, 3-4, 5-8, 9-16.
    let last = step.next_power_of_two();
    (last / 2 + 1, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_summed_up_in_runs_that_double() {
        let runs = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17].map(run_of);
        let expected = [(0, 0), (1, 1), (2, 2), (3, 4), (3, 4), (5, 8), (5, 8), (9, 16), (9, 16), (17, 32)];
        assert_eq!(runs, expected);
    }

    #[test]
    fn heads_are_averaged_and_calls_count_once() {
        let row = |step, layer, head, output_error, call_output_error| {
            Ok(MeasuredHead {
                index: 0,
                step,
                layer,
                head,
                density: 0.25,
                output_error,
                call_density: 0.5,
                call_output_error,
            })
        };
        let rows = [
            row(0, 1, 0, Some(0.1), Some(0.3)),
            row(0, 1, 1, None, Some(0.3)),
            row(3, 1, 0, Some(0.3), Some(0.5)),
            row(3, 1, 1, Some(0.9), Some(0.5)),
            row(4, 1, 0, None, None),
            row(4, 1, 1, None, None),
        ];
        let errors = AttentionErrors::of(rows.into_iter()).unwrap();
        assert_eq!(errors.layers.len(), 2);
        assert_eq!(errors.layers[0], [None, None], "no call of the first layer was drawn");
        let head = errors.layers[1][0].unwrap();
        assert_eq!((head.calls, head.density), (3, 0.25));
        assert!((head.output_error.unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(errors.layers[1][1].unwrap().output_error, Some(0.9));
        let steps: Vec<_> = errors.steps.iter().map(|step| step.steps).collect();
        assert_eq!(steps, [(0, 0), (3, 4)]);
        assert!((errors.steps[1].output_error.unwrap().max - 0.5).abs() < f64::EPSILON);
        assert!((errors.steps[1].density.mean - 0.5).abs() < f64::EPSILON);
    }
}
