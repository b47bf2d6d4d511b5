//! Counting tasks.

use sah_metrics::python;

/// The share of the numbers in `prediction` that read like `reference`; 0 where there are none.
#[must_use]
pub fn count(prediction: &str, reference: &str) -> f64 {
    share_of_numbers(prediction, reference)
}

pub(super) fn share_of_numbers(prediction: &str, wanted: &str) -> f64 {
    let (mut right, mut all) = (0_usize, 0_usize);
    for number in python::digit_runs(prediction) {
        all += 1;
        right += usize::from(number == wanted);
    }
    if all == 0 { 0.0 } else { right as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn numbers_are_compared_as_texts() {
        for (prediction, reference, score) in [
            ("17", "17", 1.0),
            ("There are 17 of 30", "17", 0.5),
            ("017", "17", 0.0),
            ("1.7", "17", 0.0),
            ("seventeen", "17", 0.0),
            ("", "17", 0.0),
            ("第３段", "3", 0.0),
        ] {
            assert_eq!(count(prediction, reference), score, "{prediction:?}");
        }
    }
}
