//! What a sampled selection estimates, and whether the estimates hold: on plain numbers, so that random tensors and a
//! model's own share it.

/// Denominator, and numerator of one element of the values, by exponentiated scores and weights of a row's keys.
pub(crate) fn sums(exponentials: &[f64], weights: &[f64], values: &[f64]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for ((exponential, weight), value) in exponentials.iter().zip(weights).zip(values) {
        if *weight > 0.0 {
            sums[0] += exponential / weight;
            sums[1] += exponential / weight * value;
        }
    }
    sums
}

/// Checks that the mean of the estimates is within five standard errors of the truth, for denominator and numerator:
/// chance of a false alarm 6e-7 each. Gives the larger standard error as a share of the denominator: what the test can
/// see.
pub(crate) fn check_unbiased(name: &str, truth: [f64; 2], estimates: &[[f64; 2]]) -> f64 {
    let count = estimates.len() as f64;
    let mut largest = 0.0_f64;
    for (part, truth_of) in truth.into_iter().enumerate() {
        let mean = estimates.iter().map(|estimate| estimate[part]).sum::<f64>() / count;
        let variance =
            estimates.iter().map(|estimate| (estimate[part] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let error = (variance / count).sqrt();
        assert!(error > 0.0, "{name}: nothing was drawn");
        assert!(
            (mean - truth_of).abs() < 5.0 * error,
            "{name}: {mean} for {truth_of}, standard error {error}"
        );
        largest = largest.max(error / truth[0]);
    }
    largest
}

/// The shares of estimates whose denominator is more than `epsilon` above, and below, the truth.
pub(crate) fn shares_off(truth: [f64; 2], estimates: &[[f64; 2]], epsilon: f64) -> [f64; 2] {
    [1.0, -1.0].map(|side| {
        let off = |estimate: &&[f64; 2]| side * (estimate[0] / truth[0] - 1.0) > epsilon;
        estimates.iter().filter(off).count() as f64 / estimates.len() as f64
    })
}

/// The largest share of `draws` draws that an event of probability `delta` may have: four standard errors more, chance
/// of a false alarm 3e-5.
pub(crate) fn most_of(delta: f64, draws: usize) -> f64 {
    delta + 4.0 * (delta * (1.0 - delta) / draws as f64).sqrt()
}
