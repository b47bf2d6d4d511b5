//! F1 over bags of tokens.

use std::collections::HashMap;

/// `2pr / (p + r)` with precision and recall over the tokens that both sides have, each as often as both have it; 0 where they
/// have none in common.
///
/// ```
/// assert_eq!(sah_metrics::token_f1(&["a", "a", "b"], &["a", "c"]), 0.4);
/// ```
#[must_use]
pub fn token_f1<T: AsRef<str>>(prediction: &[T], reference: &[T]) -> f64 {
    let mut counts: HashMap<&str, usize> = HashMap::with_capacity(reference.len());
    for token in reference {
        *counts.entry(token.as_ref()).or_default() += 1;
    }
    let mut same = 0_usize;
    for token in prediction {
        if let Some(left) = counts.get_mut(token.as_ref()).filter(|left| **left > 0) {
            *left -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    let precision = same as f64 / prediction.len() as f64;
    let recall = same as f64 / reference.len() as f64;
    (2.0 * precision * recall) / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::token_f1;

    #[test]
    fn repeated_tokens_count_as_often_as_both_sides_have_them() {
        assert_eq!(token_f1(&["a", "a", "b"], &["a", "c"]), 0.4);
        assert_eq!(token_f1(&["a"], &["b"]), 0.0);
        assert_eq!(token_f1::<&str>(&[], &[]), 0.0);
    }
}
