//! Which metric a task has, and the metrics that only LongBench has.
//!
//! Every function takes the predicted text and one reference text and gives a figure from 0 to 1, digit for digit that of the
//! official Python scorer.

mod classification;
mod code_sim;
mod count;
mod retrieval;

use sah_metrics::{qa_f1, qa_f1_zh, rouge_l, rouge_l_zh};
use serde::{Deserialize, Serialize};

use crate::Task;

pub use classification::classification;
pub use code_sim::code_sim;
pub use count::count;
pub use retrieval::{retrieval, retrieval_zh};

/// How an answer is compared with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// F1 over words, see [`qa_f1`].
    QaF1,
    /// F1 over Chinese words, see [`qa_f1_zh`].
    QaF1Zh,
    /// ROUGE-L, see [`rouge_l`].
    Rouge,
    /// ROUGE-L over Chinese words, see [`rouge_l_zh`].
    RougeZh,
    /// The right class among those named, see [`classification`].
    Classification,
    /// The right paragraph among those named, see [`retrieval`].
    Retrieval,
    /// The same with the Chinese word for paragraph, see [`retrieval_zh`].
    RetrievalZh,
    /// The right number among those named, see [`count`].
    Count,
    /// Edit similarity of a line of code, see [`code_sim`].
    CodeSim,
}

/// Why a row cannot be scored: its reference data lacks what the metric needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// A reference of a retrieval task that names no paragraph.
    #[error("expected answers such as \"{cue}12\", found {reference:?}")]
    NoParagraph {
        /// What stands before the number.
        cue: &'static str,
        /// The reference.
        reference: String,
    },
    /// A row of a classification task without classes.
    #[error("expected all_classes, a list of texts, found null")]
    NoClasses,
}

impl Metric {
    /// Compares `prediction` with one `reference`. `classes` are the row's `all_classes`, which only
    /// [`Metric::Classification`] needs.
    pub fn score(
        self,
        prediction: &str,
        reference: &str,
        classes: Option<&[String]>,
    ) -> Result<f64, MetricError> {
        Ok(match self {
            Self::QaF1 => qa_f1(prediction, reference),
            Self::QaF1Zh => qa_f1_zh(prediction, reference),
            Self::Rouge => rouge_l(prediction, reference),
            Self::RougeZh => rouge_l_zh(prediction, reference),
            Self::Classification => {
                classification(prediction, reference, classes.ok_or(MetricError::NoClasses)?)
            }
            Self::Retrieval => retrieval(prediction, reference)?,
            Self::RetrievalZh => retrieval_zh(prediction, reference)?,
            Self::Count => count(prediction, reference),
            Self::CodeSim => code_sim(prediction, reference),
        })
    }

    /// Whether a row with these references and classes can be scored at all.
    pub fn check(self, references: &[String], classes: Option<&[String]>) -> Result<(), MetricError> {
        match self {
            Self::Classification | Self::Retrieval | Self::RetrievalZh => {
                references.iter().try_for_each(|reference| self.score("", reference, classes).map(drop))
            }
            _ => Ok(()),
        }
    }
}

impl Task {
    /// The score of a row: its best score over the references, 0 without any. Where the task says so, only the first
    /// line of the prediction counts.
    pub fn score(
        &self,
        prediction: &str,
        references: &[String],
        classes: Option<&[String]>,
    ) -> Result<f64, MetricError> {
        let prediction = if self.first_line_only { first_line(prediction) } else { prediction };
        let mut best = 0.0_f64;
        for reference in references {
            best = best.max(self.metric.score(prediction, reference, classes)?);
        }
        Ok(best)
    }
}

/// The text up to the first line feed, after leading line feeds are dropped.
fn first_line(text: &str) -> &str {
    let text = text.trim_start_matches('\n');
    text.split_once('\n').map_or(text, |(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_found_after_leading_line_feeds() {
        for (text, line) in [
            ("", ""),
            ("\n\n", ""),
            ("one", "one"),
            ("\n\none\ntwo", "one"),
            (" \none", " "),
            ("one\r\ntwo", "one\r"),
        ] {
            assert_eq!(first_line(text), line, "{text:?}");
        }
    }

    #[test]
    fn only_few_shot_tasks_drop_what_follows_the_first_line() {
        let score = |task: &str| {
            Task::find(task).unwrap().score("\nParis\nand much more", &["Paris".to_owned()], None).unwrap()
        };
        assert_eq!(score("triviaqa"), 1.0);
        assert!(score("hotpotqa") < 0.5);
    }

    #[test]
    fn the_best_reference_counts() {
        let task = Task::find("hotpotqa").unwrap();
        let references = ["London".to_owned(), "Paris".to_owned(), "Rome".to_owned()];
        assert_eq!(task.score("Paris", &references, None), Ok(1.0));
        assert_eq!(task.score("Paris", &[], None), Ok(0.0));
    }

    #[test]
    fn data_that_cannot_be_scored_is_found_before_there_are_answers() {
        let references = ["Paragraph 3".to_owned(), "the third".to_owned()];
        assert!(matches!(Metric::Retrieval.check(&references, None), Err(MetricError::NoParagraph { .. })));
        assert_eq!(Metric::Classification.check(&references, None), Err(MetricError::NoClasses));
        assert_eq!(Metric::Classification.check(&references, Some(&[])), Ok(()));
        assert_eq!(Metric::QaF1.check(&references, None), Ok(()));
    }
}
