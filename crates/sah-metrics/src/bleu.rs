//! BLEU of one sentence.

use std::collections::HashMap;

/// `sentence_bleu` of NLTK 3.8.1 with one reference and no smoothing.
///
/// With `p_n` the share of the prediction's n-grams that the reference has, each at most as often as there, and `b` the brevity
/// penalty (1 where the prediction is longer than the reference, else `exp(1 - reference / prediction)` of their lengths):
/// `b exp(sum of weights[n - 1] ln p_n)`. 0 where no word is right. A `p_n` of 0 counts as the smallest normal double, as in
/// NLTK: with a weight of 1 for it alone the figure is about 2.2e-308, not 0.
///
/// ```
/// use sah_metrics::bleu;
///
/// let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
/// assert_eq!(bleu(&words("the cat sat"), &words("the cat ran"), &[1.0]), 2.0 / 3.0);
/// ```
#[must_use]
pub fn bleu<T: AsRef<str>>(prediction: &[T], reference: &[T], weights: &[f64]) -> f64 {
    let [prediction, reference] =
        [prediction, reference].map(|words| words.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
    let precisions: Vec<(usize, usize)> =
        (1..=weights.len()).map(|n| precision(&prediction, &reference, n)).collect();
    if precisions.first().is_none_or(|&(right, _)| right == 0) {
        return 0.0;
    }
    let log = |(right, all): (usize, usize)| {
        if right == 0 { f64::MIN_POSITIVE.ln() } else { (right as f64 / all as f64).ln() }
    };
    let sum: f64 = weights.iter().zip(precisions).map(|(weight, precision)| weight * log(precision)).sum();
    let penalty = if prediction.len() > reference.len() {
        1.0
    } else {
        (1.0 - reference.len() as f64 / prediction.len() as f64).exp()
    };
    penalty * sum.exp()
}

/// How many n-grams of the prediction the reference has, each at most as often as there, and how many there are, at least 1.
fn precision(prediction: &[&str], reference: &[&str], n: usize) -> (usize, usize) {
    let mut counts: HashMap<&[&str], usize> = HashMap::new();
    for gram in reference.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    let mut right = 0;
    for gram in prediction.windows(n) {
        if let Some(left) = counts.get_mut(gram).filter(|left| **left > 0) {
            *left -= 1;
            right += 1;
        }
    }
    (right, prediction.windows(n).count().max(1))
}

#[cfg(test)]
mod tests {
    use super::bleu;

    fn of(prediction: &str, reference: &str, weights: &[f64]) -> f64 {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        bleu(&words(prediction), &words(reference), weights)
    }

    #[test]
    fn precisions_are_clipped_and_short_answers_pay() {
        assert_eq!(of("a a a a", "a b", &[1.0]), 0.25);
        assert_eq!(of("a", "a b", &[1.0]), (-1.0_f64).exp());
        assert_eq!(of("", "a b", &[1.0]), 0.0);
        assert_eq!(of("c", "a b", &[1.0]), 0.0);
    }

    #[test]
    fn an_order_without_a_match_is_next_to_nothing() {
        let score = of("a b c", "a b c d e", &[0.0, 0.0, 0.0, 1.0]);
        assert!(score > 0.0 && score < 1e-300, "{score}");
        assert!((of("a b c d", "a b c d", &[0.25; 4]) - 1.0).abs() < 1e-15);
    }
}
