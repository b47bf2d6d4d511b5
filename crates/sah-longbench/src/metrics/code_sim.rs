//! Similarity of lines of code.

use super::sequence_matcher;

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

/// `fuzz.ratio` of the Python package fuzzywuzzy 0.18.0 without python-Levenshtein: 100 times the share of characters
/// in matching blocks, rounded half to even. 100 for equal texts, 0 if just one is empty.
#[must_use]
pub fn fuzz_ratio(a: &str, b: &str) -> u8 {
    if a == b {
        return 100;
    }
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    (100.0 * sequence_matcher::ratio(&a, &b)).round_ties_even() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn halves_round_to_even() {
        // 1 of 8 matches: 12.5 %. 3 of 8: 37.5 %.
        assert_eq!(fuzz_ratio("abcdefgh", "axyzuvws"), 12);
        assert_eq!(fuzz_ratio("abcdefgh", "abcxyzuv"), 38);
    }
}
