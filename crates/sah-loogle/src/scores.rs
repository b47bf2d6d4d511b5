//! The official automatic scores of LooGLE, from 0 to 1.
//!
//! Source: `Evaluation/automatic_metrics.py` of bigai-nlco/LooGLE 6734382.

use sah_bench_core::data::ScoredRows;
use sah_metrics::python::{round, split_whitespace};
use sah_metrics::{ClozeMatches, WordNet, bleu, cloze_matches, meteor, rouge_l_figures, rouge_n};
use serde_json::{Map, Value, json};

use crate::{TASKS, Task};

/// How an answer compares with a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextScores {
    /// BLEU of words alone.
    pub bleu_1: f64,
    /// The precision of 4-grams alone with the brevity penalty: not the usual BLEU-4, which is a geometric mean. Without a common
    /// 4-gram it is next to nothing, about 2.2e-308, and not 0.
    pub bleu_4: f64,
    /// Recall of words. `None` where answer or reference has nothing between its full stops: there the official scorer raises.
    pub rouge_1: Option<f64>,
    /// Recall of pairs of words; `None` as for [`TextScores::rouge_1`].
    pub rouge_2: Option<f64>,
    /// Recall of ROUGE-L; `None` as for [`TextScores::rouge_1`].
    pub rouge_l: Option<f64>,
    /// METEOR. `None` without a WordNet.
    pub meteor: Option<f64>,
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// Of a question or a summary.
    Text(TextScores),
    /// Of gaps.
    Cloze(ClozeMatches),
}

impl Score {
    /// The figures of the row under the official names: null where the official scorer has none, `[matches, gaps]` of a cloze. Without a
    /// WordNet there is no `meteor`.
    #[must_use]
    pub fn json(self) -> Value {
        match self {
            Self::Text(TextScores { bleu_1, bleu_4, rouge_1, rouge_2, rouge_l, meteor }) => {
                let mut figures = json!({
                    "bleu1": bleu_1, "bleu4": bleu_4,
                    "rouge1_recall": rouge_1, "rouge2_recall": rouge_2, "rougeL_recall": rouge_l,
                });
                if let Some(meteor) = meteor {
                    figures["meteor"] = meteor.into();
                }
                figures
            }
            Self::Cloze(ClozeMatches { exact, partial, gaps }) => {
                json!({"exact_match": [exact, gaps], "partial_match": [partial, gaps]})
            }
        }
    }

    /// One figure: recall of ROUGE-L, and of gaps the share that is filled exactly.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Text(scores) => scores.rouge_l.unwrap_or(0.0),
            Self::Cloze(ClozeMatches { exact, gaps, .. }) => exact as f64 / gaps.max(1) as f64,
        }
    }
}

/// The scores of an answer to a question, and of a summary. An empty answer is the word None, as in the official scorer.
///
/// METEOR needs a WordNet. It is that of the lists of words. The official scorer gives NLTK sets of words, in whatever order Python goes through
/// them: its figure is another one in each process.
#[must_use]
pub fn text_scores(answer: &str, reference: &str, wordnet: Option<&WordNet>) -> TextScores {
    let answer = if answer.is_empty() { "None" } else { answer };
    let words = |text| split_whitespace(text).collect::<Vec<_>>();
    let (found, right) = (words(answer), words(reference));
    let rouge =
        [rouge_n(answer, reference, 1), rouge_n(answer, reference, 2), rouge_l_figures(answer, reference)];
    let [rouge_1, rouge_2, rouge_l] = rouge.map(|rouge| rouge.map(|rouge| rouge.recall));
    TextScores {
        bleu_1: bleu(&found, &right, &[1.0]),
        bleu_4: bleu(&found, &right, &[0.0, 0.0, 0.0, 1.0]),
        rouge_1,
        rouge_2,
        rouge_l,
        meteor: wordnet.map(|wordnet| meteor(&found, &right, wordnet)),
    }
}

/// The scores of filled gaps; see [`cloze_matches`].
#[must_use]
pub fn cloze_scores(answer: &str, reference: &[(String, String)]) -> ClozeMatches {
    cloze_matches(answer, reference)
}

/// All figures of a task: means of its rows, of a cloze its matches over its gaps, rounded to 4 decimals. A row for which the official
/// scorer raises counts as 0 in the mean. `None` without rows.
#[must_use]
pub fn figures(task: &Task, scores: &[Score]) -> Option<Figures> {
    if scores.is_empty() {
        return None;
    }
    if task.is_cloze {
        let sum = |count: fn(&ClozeMatches) -> usize| {
            scores
                .iter()
                .map(|score| if let Score::Cloze(matches) = score { count(matches) } else { 0 })
                .sum::<usize>()
        };
        let gaps = sum(|matches| matches.gaps).max(1) as f64;
        let [exact, partial] = [sum(|matches| matches.exact), sum(|matches| matches.partial)]
            .map(|matches| round(matches as f64 / gaps, 4));
        let all = json!({"exact_match": exact, "partial_match": partial});
        return Some(Figures { main: exact, all: all.as_object().cloned().unwrap_or_default() });
    }
    let mean = |figure: fn(&TextScores) -> Option<f64>| {
        let of =
            |score: &Score| if let Score::Text(scores) = score { figure(scores).unwrap_or(0.0) } else { 0.0 };
        scores.iter().map(of).sum::<f64>() / scores.len() as f64
    };
    let rouge_l = mean(|scores| scores.rouge_l);
    let mut all = json!({
        "bleu1": mean(|scores| Some(scores.bleu_1)),
        "bleu4": mean(|scores| Some(scores.bleu_4)),
        "rouge1_recall": mean(|scores| scores.rouge_1),
        "rouge2_recall": mean(|scores| scores.rouge_2),
        "rougeL_recall": rouge_l,
    });
    if scores.iter().any(|score| matches!(score, Score::Text(TextScores { meteor: Some(_), .. }))) {
        all["meteor"] = mean(|scores| scores.meteor).into();
    }
    Some(Figures { main: rouge_l, all: all.as_object().cloned().unwrap_or_default() })
}

/// The figures of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The one that stands for the task: recall of ROUGE-L, of a cloze exact match. The choice is this project's; LooGLE's authors
    /// name none, and do not add tasks up.
    pub main: f64,
    /// All, under the official names.
    pub all: Map<String, Value>,
}

/// The scores of each task with rows, in the order of [`TASKS`].
pub(crate) fn by_task(rows: &ScoredRows<Score>) -> Vec<(&'static Task, Vec<Score>)> {
    let of = |task: &'static Task| {
        let scores =
            rows.rows.iter().filter(|row| row.task.as_deref() == Some(task.name)).map(|row| row.score);
        (task, scores.collect::<Vec<_>>())
    };
    TASKS.iter().map(of).filter(|(_, scores)| !scores.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_is_the_word_none() {
        assert_eq!(text_scores("", "None", None), text_scores("None", "None", None));
        assert_eq!(text_scores("", "a b", None).rouge_1, Some(0.0));
        let scores = text_scores("...", "a b", None);
        assert_eq!((scores.rouge_1, scores.rouge_l, scores.bleu_1), (None, None, 0.0));
        assert_eq!(Score::Text(scores).json()["rougeL_recall"], Value::Null);
    }

    #[test]
    fn bleu_4_is_the_precision_of_4_grams() {
        let scores = text_scores("a b c d x", "a b c d", None);
        assert_eq!((scores.bleu_1, scores.bleu_4), (0.8, 0.5));
        assert_eq!((scores.rouge_1, scores.rouge_2), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn gaps_add_up_over_rows() {
        let cloze = Task::find("shortdep_cloze").unwrap();
        let row = |exact, gaps| Score::Cloze(ClozeMatches { exact, partial: exact, gaps });
        assert_eq!(figures(cloze, &[row(1, 1), row(0, 2)]).unwrap().main, 0.3333);
        let qa = Task::find("longdep_qa").unwrap();
        let rows = ["a", "x", "..."].map(|answer| Score::Text(text_scores(answer, "a", None)));
        assert_eq!(figures(qa, &rows).unwrap().main, 1.0 / 3.0);
        assert_eq!(figures(qa, &[]), None);
    }
}
