//! Similarity of two lines in per cent.

use crate::matching_ratio;

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
    (100.0 * matching_ratio(a, b)).round_ties_even() as u8
}

#[cfg(test)]
mod tests {
    use super::fuzz_ratio;

    #[test]
    fn halves_round_to_even() {
        // 1 of 8 matches: 12.5 %. 3 of 8: 37.5 %.
        assert_eq!(fuzz_ratio("abcdefgh", "axyzuvws"), 12);
        assert_eq!(fuzz_ratio("abcdefgh", "abcxyzuv"), 38);
    }
}
