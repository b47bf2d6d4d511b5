//! The official scores of ZeroSCROLLS, from 0 to 100.
//!
//! Sources: of F1, accuracy, similarity and concordance a public copy of `metrics/zero_scrolls.py` of the data set
//! `tau/zero_scrolls`; of ROUGE the scorer of SCROLLS, which that file builds on.

use sah_metrics::python::{is_word, round};
use sah_metrics::{concordance_index, percentage_similarity, qa_f1_unidecode, rouge_score};

use crate::{Metric, Task};

/// What an answer is worth, from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// Of a task with one figure.
    Single(f64),
    /// Of a summary: F of ROUGE-1, -2 and -L, each that of the best reference.
    Rouge([f64; 3]),
}

impl Score {
    /// One figure: of a summary the geometric mean of its three. The figure of a task is not the mean of these, see
    /// [`Task::figure`].
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Single(value) => value,
            Self::Rouge(parts) => geometric_mean(parts),
        }
    }
}

fn geometric_mean([one, two, three]: [f64; 3]) -> f64 {
    (one * two * three).powf(1.0 / 3.0)
}

impl Task {
    /// The score of an answer; 0 where there is no reference.
    #[must_use]
    pub fn score(&self, answer: &str, references: &[String]) -> Score {
        let best = |metric: &dyn Fn(&str) -> f64| {
            references.iter().map(|reference| metric(reference)).fold(0.0, f64::max)
        };
        let single = |metric: fn(&str, &str) -> f64| {
            Score::Single(100.0 * best(&|reference| metric(answer, reference)))
        };
        match self.metric {
            Metric::F1 => single(qa_f1_unidecode),
            Metric::Similarity => single(percentage_similarity),
            Metric::Concordance => single(concordance_index),
            Metric::Accuracy => single(same_letter),
            Metric::Rouge => Score::Rouge([
                100.0 * best(&|reference| rouge_score::rouge_n(answer, reference, 1).f),
                100.0 * best(&|reference| rouge_score::rouge_n(answer, reference, 2).f),
                100.0 * best(&|reference| rouge_score::rouge_l(answer, reference).f),
            ]),
        }
    }

    /// The figure of the task, rounded to 4 decimals: the mean of the rows; of summaries the geometric mean of the three means of
    /// ROUGE, once over all rows. `None` without rows.
    #[must_use]
    pub fn figure(&self, scores: &[Score]) -> Option<f64> {
        let count = scores.len() as f64;
        let mean = |part: usize| {
            let of = |score: &Score| match score {
                Score::Single(value) => *value,
                Score::Rouge(parts) => parts[part],
            };
            scores.iter().map(of).sum::<f64>() / count
        };
        let figure = match self.metric {
            Metric::Rouge => geometric_mean([mean(0), mean(1), mean(2)]),
            _ => mean(0),
        };
        (!scores.is_empty()).then(|| round(figure, 4))
    }
}

/// 1 where the first capital A to D that stands alone is that of the reference.
fn same_letter(answer: &str, reference: &str) -> f64 {
    match (letter(answer), letter(reference)) {
        (Some(found), Some(right)) if found == right => 1.0,
        _ => 0.0,
    }
}

pub(crate) fn letter(text: &str) -> Option<char> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let stands_alone = !before.is_some_and(is_word) && !characters.peek().copied().is_some_and(is_word);
        if matches!(c, 'A'..='D') && stands_alone {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(task: &str, answer: &str, references: &[&str]) -> f64 {
        let references: Vec<String> = references.iter().map(|&text| text.to_owned()).collect();
        Task::find(task).unwrap().score(answer, &references).value()
    }

    #[test]
    fn the_first_letter_alone_counts() {
        for (answer, score) in [
            ("B", 100.0),
            ("(B) rope", 100.0),
            ("A captain, so B", 0.0),
            ("Because B", 100.0),
            ("b", 0.0),
            ("B_1", 0.0),
            ("是B", 0.0),
            ("", 0.0),
        ] {
            assert_eq!(of("quality", answer, &["B"]), score, "{answer:?}");
        }
    }

    #[test]
    fn the_best_reference_counts_for_each_figure() {
        assert_eq!(of("musique", "the Saint-Élie", &["Paris", "saintelie"]), 100.0);
        let references = ["a b c", "c b a"].map(str::to_owned);
        let score = Task::find("squality").unwrap().score("a c b", &references);
        let Score::Rouge([one, two, l]) = score else { panic!("{score:?}") };
        assert_eq!((one, two), (100.0, 50.0));
        assert!((l - 200.0 / 3.0).abs() < 1e-9);
        assert_eq!(of("qasper", "x", &[]), 0.0);
    }

    #[test]
    fn summaries_have_one_geometric_mean_over_all_rows() {
        let task = Task::find("gov_report").unwrap();
        let scores = [Score::Rouge([80.0, 0.0, 40.0]), Score::Rouge([40.0, 40.0, 40.0])];
        assert_eq!(task.figure(&scores), Some(round((60.0_f64 * 20.0 * 40.0).powf(1.0 / 3.0), 4)));
        assert_eq!(task.figure(&[]), None);
        let task = Task::find("qasper").unwrap();
        assert_eq!(
            task.figure(&[Score::Single(100.0), Score::Single(0.0), Score::Single(0.0)]),
            Some(33.3333)
        );
    }
}
