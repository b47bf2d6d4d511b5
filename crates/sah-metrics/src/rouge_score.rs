//! ROUGE as the Python package `rouge-score` 0.1.2 computes it, without stemming: the ROUGE of `evaluate`, and of most papers.
//!
//! It differs from `rouge` 1.0.1 ([`crate::rouge_l`]) in its words and in how it counts: words are the runs of the ASCII letters
//! and digits in lower case, and each counts as often as it occurs.
//!
//! ```
//! use sah_metrics::rouge_score;
//!
//! let score = rouge_score::rouge_n("the cat sat", "the cat sat down", 1);
//! assert_eq!((score.precision, score.recall), (1.0, 0.75));
//! ```

use std::collections::HashMap;

use crate::lcs::{Sentences, Table};
use crate::rouge::Rouge;

/// ROUGE-N: with `c` the n-grams that both texts have, each as often as both have it, `p = c / n-grams of the prediction`,
/// `r = c / n-grams of the reference`, `f = 2 p r / (p + r)`, and 0 where that is undefined.
#[must_use]
pub fn rouge_n(prediction: &str, reference: &str, n: usize) -> Rouge {
    let (prediction, reference) = (words(prediction), words(reference));
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for gram in reference.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    let mut common = 0_usize;
    for gram in prediction.windows(n) {
        if let Some(left) = counts.get_mut(gram).filter(|left| **left > 0) {
            *left -= 1;
            common += 1;
        }
    }
    let grams = |words: &[String]| words.windows(n).count();
    of_counts(common, grams(&prediction), grams(&reference))
}

/// ROUGE-L: the length of the longest common subsequence of all words, over the words of either text.
#[must_use]
pub fn rouge_l(prediction: &str, reference: &str) -> Rouge {
    of_sentences(&[prediction], &[reference])
}

/// ROUGE-Lsum: sentences are lines. The words of a line of the reference that are on its longest common subsequence with any
/// line of the prediction count, each word at most as often as it occurs in the prediction and in the reference.
#[must_use]
pub fn rouge_lsum(prediction: &str, reference: &str) -> Rouge {
    let [prediction, reference] = [prediction, reference].map(|text| text.split('\n').collect::<Vec<_>>());
    of_sentences(&prediction, &reference)
}

fn of_sentences(prediction: &[&str], reference: &[&str]) -> Rouge {
    let mut numbers = HashMap::new();
    let mut numbered = |texts: &[&str]| -> Vec<Vec<usize>> {
        let mut number = |word| {
            let next = numbers.len();
            *numbers.entry(word).or_insert(next)
        };
        texts.iter().map(|text| words(text).into_iter().map(&mut number).collect()).collect()
    };
    let (prediction, reference) = (numbered(prediction), numbered(reference));
    let vocabulary = numbers.len();
    let laid_out = Sentences::new(&reference, vocabulary);
    let mut common: Vec<Vec<bool>> = reference.iter().map(|line| vec![false; line.len()]).collect();
    let mut table = Table::default();
    for line in &prediction {
        table.each_common(line, &laid_out, |line, place| common[line][place] = true);
    }
    let counts = |lines: &[Vec<usize>]| {
        let mut counts = vec![0_usize; vocabulary];
        lines.iter().flatten().for_each(|&word| counts[word] += 1);
        counts
    };
    // A word's occurrences in the reference cannot run out before those that are marked.
    let mut left = counts(&prediction);
    let mut hits = 0;
    for (&word, _) in reference.iter().flatten().zip(common.iter().flatten()).filter(|(_, common)| **common) {
        if left[word] > 0 {
            left[word] -= 1;
            hits += 1;
        }
    }
    let length = |lines: &[Vec<usize>]| lines.iter().map(Vec::len).sum();
    of_counts(hits, length(&prediction), length(&reference))
}

fn of_counts(common: usize, prediction: usize, reference: usize) -> Rouge {
    let share = |all: usize| common as f64 / all.max(1) as f64;
    let (precision, recall) = (share(prediction), share(reference));
    let f = if common > 0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    Rouge { precision, recall, f }
}

/// The runs of ASCII letters and digits, in lower case.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_ascii_letters_and_digits() {
        assert_eq!(words("It's 3.5 naïve_Kelvin K"), ["it", "s", "3", "5", "na", "ve", "kelvin", "k"]);
        assert!(words("中文。").is_empty());
    }

    #[test]
    fn nothing_in_common_is_nothing() {
        for (prediction, reference) in [("", "a"), ("a", ""), ("", ""), ("a", "b"), ("中", "中")] {
            for rouge in [
                rouge_n(prediction, reference, 1),
                rouge_l(prediction, reference),
                rouge_lsum(prediction, reference),
            ] {
                assert_eq!(rouge.f, 0.0, "{prediction:?} {reference:?}");
            }
        }
    }

    #[test]
    fn order_matters_within_a_line_only() {
        assert_eq!(rouge_l("c d a b", "a b c d").f, 0.5);
        assert_eq!(rouge_lsum("c d\na b", "a b\nc d").f, 1.0);
        assert_eq!(rouge_lsum("c d\na b", "a b c d").f, 1.0);
    }

    #[test]
    fn a_word_counts_as_often_as_both_have_it() {
        // Both lines of the reference are on a common subsequence with the one "a".
        assert_eq!(rouge_lsum("a", "a\na").recall, 0.5);
        assert_eq!(rouge_n("a a a", "a b", 1).precision, 1.0 / 3.0);
    }
}
