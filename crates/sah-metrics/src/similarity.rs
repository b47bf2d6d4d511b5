//! Answers that are one figure or one order: how near to the right one they come.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::python;

/// `0.5^(|p - q| / 10)` with `p` and `q` the first percentages in prediction and reference: digits, which may have a full stop
/// in or after them, directly followed by `%`. 0 where the prediction has none; a reference without one counts as 0 %.
///
/// The exponential similarity of `ZeroSCROLLS` (Shaham et al., 2023).
///
/// ```
/// assert_eq!(sah_metrics::percentage_similarity("About 40%.", "50%"), 0.5);
/// assert_eq!(sah_metrics::percentage_similarity("40 %", "40%"), 0.0);
/// ```
#[must_use]
pub fn percentage_similarity(prediction: &str, reference: &str) -> f64 {
    let Some(prediction) = percentage(prediction) else { return 0.0 };
    0.5_f64.powf((percentage(reference).unwrap_or(0.0) - prediction).abs() / 10.0)
}

fn percentage(text: &str) -> Option<f64> {
    static PERCENTAGE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d+\.?\d*%").expect("a constant pattern"));
    let found = PERCENTAGE.find(text)?.as_str();
    python::ascii_digits(&found[..found.len() - 1])?.parse().ok()
}

/// The share of pairs that stand in the reference's order: the concordance index of two lists of numbers without ties.
///
/// Of both texts all but ASCII digits, commas and white space is dropped, and what is left are numbers. 0 where the prediction
/// does not have exactly the reference's numbers; 1 where there is just one.
///
/// The score of `ZeroSCROLLS`' reordering task, which takes it from lifelines.
///
/// ```
/// assert_eq!(sah_metrics::concordance_index("Summary 2, 1, 3", "1, 2, 3"), 2.0 / 3.0);
/// ```
#[must_use]
pub fn concordance_index(prediction: &str, reference: &str) -> f64 {
    let (prediction, reference) = (numbers(prediction), numbers(reference));
    let place: HashMap<&String, usize> =
        prediction.iter().enumerate().map(|(i, number)| (number, i)).collect();
    let places: Option<Vec<usize>> = reference.iter().map(|number| place.get(number).copied()).collect();
    let Some(places) =
        places.filter(|places| places.len() == prediction.len() && place.len() == places.len())
    else {
        return 0.0;
    };
    let (mut right, mut pairs) = (0_usize, 0_usize);
    for (i, first) in places.iter().enumerate() {
        for second in &places[i + 1..] {
            pairs += 1;
            right += usize::from(first < second);
        }
    }
    if pairs == 0 { f64::from(!places.is_empty()) } else { right as f64 / pairs as f64 }
}

/// The numbers of a list, as their digits without leading zeros.
fn numbers(text: &str) -> Vec<String> {
    let kept = |c: char| match c {
        ',' => Some(' '),
        c if c.is_ascii_digit() || python::is_space(c) => Some(c),
        _ => None,
    };
    let text: String = text.chars().filter_map(kept).collect();
    python::split_whitespace(&text).filter_map(python::int).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_percentage_counts() {
        for (prediction, reference, score) in [
            ("60%", "40%", 0.25),
            ("60.0%", "40.%", 0.25),
            ("1 of 3: 33%, or 50%", "33%", 1.0),
            ("٤٠%", "40%", 1.0),
            ("40", "40%", 0.0),
            ("", "40%", 0.0),
            ("0%", "none", 1.0),
            ("140%", "40%", 0.5_f64.powi(10)),
        ] {
            assert_eq!(percentage_similarity(prediction, reference), score, "{prediction:?}");
        }
    }

    #[test]
    fn an_order_is_compared_pair_by_pair() {
        for (prediction, reference, score) in [
            ("3, 1, 2", "3, 1, 2", 1.0),
            ("2 1 3", "3, 1, 2", 0.0),
            ("[3,1,2]", "3, 1, 2", 1.0),
            ("3 1", "3, 1, 2", 0.0),
            ("3 1 2 2", "3, 1, 2", 0.0),
            ("1. 3\n2. 1\n3. 2", "3, 1, 2", 0.0),
            ("Summary 03, Summary 1, Summary 2", "3, 1, 2", 1.0),
            ("", "3, 1, 2", 0.0),
            ("", "", 0.0),
            ("1", "1", 1.0),
        ] {
            assert_eq!(concordance_index(prediction, reference), score, "{prediction:?}");
        }
    }
}
