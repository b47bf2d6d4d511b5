//! Similarity of lines of code.

use sah_metrics::fuzz_ratio;

/// [`fuzz_ratio`] over 100 of the first line of `prediction` that looks like code: one without a back-quote, `#` and
/// `//`. The empty text where there is none.
#[must_use]
pub fn code_sim(prediction: &str, reference: &str) -> f64 {
    let line = prediction
        .trim_start_matches('\n')
        .split('\n')
        .find(|line| !line.contains(['`', '#']) && !line.contains("//"))
        .unwrap_or("");
    f64::from(fuzz_ratio(line, reference)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::code_sim;

    #[test]
    fn the_first_line_of_code_counts() {
        for (prediction, reference, score) in [
            ("x = 1", "x = 1", 1.0),
            ("\n\nx = 1\ny = 2", "x = 1", 1.0),
            ("```python\n# note\n// note\nx = 1\n```", "x = 1", 1.0),
            ("# only a note", "x = 1", 0.0),
            ("# only a note", "", 1.0),
            // An empty line has none of the marks: it counts.
            ("```\n\nx = 1", "x = 1", 0.0),
            ("", "x = 1", 0.0),
            ("", "", 1.0),
        ] {
            assert_eq!(code_sim(prediction, reference), score, "{prediction:?} against {reference:?}");
        }
    }
}
