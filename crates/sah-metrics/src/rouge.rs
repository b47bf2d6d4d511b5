//! ROUGE of summaries, as the Python package `rouge` 1.0.1 computes it.

use std::collections::{HashMap, HashSet};

use crate::lcs::{Sentences, Table};
use crate::{python, segment};

/// The figures of a ROUGE metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// What is right of the prediction.
    pub precision: f64,
    /// What is found of the reference.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f: f64,
}

impl Rouge {
    /// `p = common / prediction`, `r = common / reference`, `f = 2 pr / (p + r + 1e-8)`.
    fn of_counts(common: usize, prediction: usize, reference: usize) -> Self {
        let share = |all: usize| if all == 0 { 0.0 } else { common as f64 / all as f64 };
        let (precision, recall) = (share(prediction), share(reference));
        Self { precision, recall, f: 2.0 * ((precision * recall) / (precision + recall + 1e-8)) }
    }
}

/// ROUGE-N over sets of n-grams, which may go on over the end of a sentence; words and sentences are those of [`rouge_l`].
/// `None` where either text has nothing between its full stops: there the Python package raises.
///
/// ```
/// let rouge = sah_metrics::rouge_n("a a b", "a b c", 1).unwrap();
/// assert_eq!((rouge.precision, rouge.recall), (1.0, 2.0 / 3.0));
/// ```
#[must_use]
pub fn rouge_n(prediction: &str, reference: &str, n: usize) -> Option<Rouge> {
    let mut numbers = HashMap::new();
    let [prediction, reference] = [prediction, reference].map(|text| sentences(text, &mut numbers));
    if prediction.is_empty() || reference.is_empty() {
        return None;
    }
    let [prediction, reference] = [prediction.concat(), reference.concat()];
    let grams = |words: &'_ [usize]| words.windows(n).map(<[usize]>::to_vec).collect::<HashSet<_>>();
    let (prediction, reference) = (grams(&prediction), grams(&reference));
    let common = prediction.intersection(&reference).count();
    Some(Rouge::of_counts(common, prediction.len(), reference.len()))
}

/// The f-measure of summary-level ROUGE-L over sets of words.
///
/// A sentence ends at a full stop, a word at white space. With `m` and `n` the numbers of distinct words in reference
/// and prediction, and `u` the number of distinct words that are on the longest common subsequence of any sentence of
/// the reference with any sentence of the prediction: `p = u / n`, `r = u / m`, `f = 2 pr / (p + r + 1e-8)`.
/// 0 where either text has nothing between its full stops.
///
/// The Python package walks through the sentences recursively, and fails where a pair of sentences of about a thousand words
/// overflows its stack, which scorers count as 0. Here there is no such limit.
#[must_use]
pub fn rouge_l(prediction: &str, reference: &str) -> f64 {
    rouge_l_figures(prediction, reference).map_or(0.0, |rouge| rouge.f)
}

/// [`rouge_l`] with precision and recall. `None` where either text has nothing between its full stops: there the Python package
/// raises.
#[must_use]
pub fn rouge_l_figures(prediction: &str, reference: &str) -> Option<Rouge> {
    let mut numbers = HashMap::new();
    let prediction = sentences(prediction, &mut numbers);
    let reference = sentences(reference, &mut numbers);
    if prediction.is_empty() || reference.is_empty() {
        return None;
    }
    let vocabulary = numbers.len();
    let mut common = vec![false; vocabulary];
    let mut table = Table::default();
    let laid_out = Sentences::new(&prediction, vocabulary);
    for sentence in &reference {
        table.mark_common(sentence, &laid_out, &mut common);
    }
    let common = common.iter().filter(|&&marked| marked).count();
    Some(Rouge::of_counts(common, distinct(&prediction, vocabulary), distinct(&reference, vocabulary)))
}

/// [`rouge_l`] over the words that jieba cuts the texts into.
#[must_use]
pub fn rouge_l_zh(prediction: &str, reference: &str) -> f64 {
    rouge_l(&spaced(prediction), &spaced(reference))
}

fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3 / 2);
    segment::cut(text, |word| {
        out.push_str(word);
        out.push(' ');
    });
    out.pop();
    out
}

/// The sentences of `text` as lists of words, each word as its number.
fn sentences<'a>(text: &'a str, numbers: &mut HashMap<&'a str, usize>) -> Vec<Vec<usize>> {
    let mut number = |word| {
        let next = numbers.len();
        *numbers.entry(word).or_insert(next)
    };
    text.split('.')
        .filter(|sentence| !sentence.is_empty())
        .map(|sentence| {
            let words: Vec<_> = python::split_whitespace(sentence).map(&mut number).collect();
            // Python's `"".split(" ")` has one part, the empty text: it counts as a word.
            if words.is_empty() { vec![number("")] } else { words }
        })
        .collect()
}

fn distinct(sentences: &[Vec<usize>], vocabulary: usize) -> usize {
    let mut seen = vec![false; vocabulary];
    for &word in sentences.iter().flatten() {
        seen[word] = true;
    }
    seen.iter().filter(|&&seen| seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-7
    }

    #[test]
    fn nothing_between_full_stops_scores_nothing() {
        for (prediction, reference) in [("", "a b"), ("...", "a b"), ("a b", ""), ("a b", ".")] {
            assert_eq!(rouge_l(prediction, reference), 0.0);
        }
    }

    #[test]
    fn equal_texts_score_almost_one() {
        assert_eq!(rouge_l("a b. c d.", "a b. c d."), 2.0 * (1.0 / (2.0 + 1e-8)));
        // White space alone is the empty word.
        assert_eq!(rouge_l(" ", "\n"), 2.0 * (1.0 / (2.0 + 1e-8)));
    }

    #[test]
    fn words_count_once_however_often_they_occur() {
        // Common: a and c, of the 2 words a, c and the 3 words a, b, c.
        assert!(close(rouge_l("a a a. c", "a b c"), 2.0 * (2.0 / 3.0) / (1.0 + 2.0 / 3.0)));
    }

    #[test]
    fn order_matters_within_a_sentence() {
        // Of "a b" and "b a" only one word is on a common subsequence.
        assert!(close(rouge_l("b a", "a b"), 0.5));
        assert!(close(rouge_l("b. a", "a b"), 1.0));
    }

    #[test]
    fn long_sentences_are_no_trouble() {
        let text = (0..5000).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
        assert!(close(rouge_l(&text, &text), 1.0));
    }

    #[test]
    fn chinese_words_are_cut_first() {
        assert!(close(rouge_l_zh("我来到北京", "我来到北京清华大学"), 2.0 * 0.75 / 1.75));
        assert_eq!(rouge_l_zh("", "北京"), 0.0);
    }
}
