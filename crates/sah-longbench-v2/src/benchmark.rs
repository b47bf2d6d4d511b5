//! LongBench-v2 as a benchmark.

use std::path::PathBuf;

use indexmap::IndexMap;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, Error, FollowUp, FurtherFigures, Metrics, Record, RowScore,
    Sample, Scale, TaskScore, TokenCount, Value, Warning,
};
use sah_metrics::stated_choice;
use serde_json::{Map, json};

use crate::dataset::prompt::stripped;
use crate::{Accuracy, Difficulty, Length, Subset, dataset, limits};

/// The data set on the hub: the questions with their prompts, in the configs `0shot` and `cot`.
pub const HUB_ID: &str = "Xnhyacinth/LongBench-v2";

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

/// The columns that its rows have beside those of every sample.
pub(crate) const EXTRA_COLUMNS: [Column; 7] = [
    column("answers", ColumnKind::TextList),
    column("difficulty", ColumnKind::Text),
    column("length", ColumnKind::Text),
    column("domain", ColumnKind::Text),
    column("sub_domain", ColumnKind::Text),
    column("_id", ColumnKind::Text),
    // The prompt that asks for the answer after the reasoning, which goes between its parts.
    column("answer_prompt", ColumnKind::TextList),
];

/// The score of a right answer.
pub(crate) const RIGHT: f64 = 100.0;

/// Positions in [`EXTRA_COLUMNS`].
const ANSWERS: usize = 0;
const DIFFICULTY: usize = 1;
const LENGTH: usize = 2;
const ANSWER_PROMPT: usize = 6;

/// Where the samples come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The bundled sample: a demonstration written by this project, not LongBench-v2.
    #[default]
    Sample,
    /// The data set [`HUB_ID`] on the Hugging Face hub, or the cache's copy of it.
    Hub {
        /// The folder with the authors' prompts, for the subset with a reasoning.
        prompts: Option<PathBuf>,
    },
    /// A folder in the layout of the hub's data set, or with the authors' `data.json`.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The folder with the authors' prompts, for `data.json` and the subset with a reasoning.
        prompts: Option<PathBuf>,
    },
}

/// LongBench-v2 with the samples of a [`Source`].
#[derive(Clone, Debug, Default)]
pub struct LongBenchV2 {
    source: Source,
}

impl LongBenchV2 {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source }
    }
}

impl Benchmark for LongBenchV2 {
    fn name(&self) -> &'static str {
        "longbench-v2"
    }

    fn subsets(&self) -> Vec<&str> {
        Subset::NAMES.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let subsets: Vec<Subset> = subsets.iter().filter_map(|name| Subset::find(name)).collect();
        Ok(dataset::load(&self.source, &subsets).map_err(DataError::from)?)
    }

    /// Of each subset the share of right answers, and as `accuracy` the official figures. Overall, the mean of the subsets.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let mut task_scores = IndexMap::new();
        let mut figures = Map::new();
        let mut overall = Vec::new();
        for subset in Subset::NAMES {
            let of_subset: Vec<&Record> =
                records.iter().filter(|record| record.sample.task == subset).collect();
            if of_subset.is_empty() {
                continue;
            }
            let score = match accuracy(&of_subset) {
                Ok(accuracy) => {
                    figures.insert(subset.to_owned(), json!(accuracy.figures()));
                    let score = accuracy.exact().unwrap_or_default();
                    overall.push(score);
                    TaskScore::Single(score)
                }
                Err(error) => TaskScore::Failed { error },
            };
            task_scores.insert(subset.to_owned(), score);
        }
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        Metrics {
            overall_score: (!overall.is_empty()).then(|| overall.iter().sum::<f64>() / overall.len() as f64),
            task_scores,
            further: std::iter::once(("accuracy".to_owned(), figures.into())).collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let Some([letter]) = sample.extra.get(ANSWERS).map(Value::texts) else {
            return Err(unscorable(sample, "answers", "expected one letter"));
        };
        let is_right = is_right(answer, letter);
        Ok(RowScore { value: if is_right { RIGHT } else { 0.0 }, bucket: None })
    }

    fn right_score(&self, _: &str) -> Option<f64> {
        Some(RIGHT)
    }

    /// As the authors ask for the answer after a reasoning: with it, and without the text. Where it is empty there is nothing to
    /// ask with, and no answer.
    fn follow_up(&self, sample: &Sample, first: &str) -> Option<FollowUp> {
        let Some(Value::TextList(parts)) = sample.extra.get(ANSWER_PROMPT) else { return None };
        let reasoning = stripped(first);
        (!reasoning.is_empty())
            .then(|| FollowUp { prompt: parts.join(reasoning), max_new_tokens: Subset::ANSWER_LIMIT })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.get(ANSWERS).map(Value::texts).unwrap_or_default()
    }

    /// The bundled sample has limits that fit its short answers.
    fn warnings(&self, samples: &[Sample]) -> Vec<Warning> {
        if self.source == Source::Sample { Vec::new() } else { limits::warnings(samples) }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let title =
            "Accuracy by difficulty and by length of the text, rounded as the official scorer does it";
        let table = FurtherFigures::new("accuracy", title, Scale::Hundred);
        table.with_stored(metrics.further.get("accuracy")).with_digits(1).unless_empty().into_iter().collect()
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Subset::find(subset).map(Subset::authors_limit)
    }
}

/// Whether `answer` is one of the letters that a right answer may be.
pub(crate) fn is_letter(answer: &str) -> bool {
    matches!(answer, "A" | "B" | "C" | "D")
}

/// Whether the letter that `answer` names is `letter`.
pub(crate) fn is_right(answer: &str, letter: &str) -> bool {
    stated_choice(answer).is_some_and(|choice| letter.chars().eq([choice]))
}

fn accuracy(records: &[&Record]) -> Result<Accuracy, String> {
    let mut accuracy = Accuracy::default();
    for record in records {
        let sample = &record.sample;
        let row = |error: Error| format!("row {}: {error}", record.index);
        let score = LongBenchV2::default().score(sample, &record.predicted_answer).map_err(row)?;
        let difficulty = text(sample, DIFFICULTY).and_then(Difficulty::find);
        let length = text(sample, LENGTH).and_then(Length::find);
        let difficulty =
            difficulty.ok_or_else(|| row(unscorable(sample, "difficulty", "expected easy or hard")))?;
        let length =
            length.ok_or_else(|| row(unscorable(sample, "length", "expected short, medium or long")))?;
        accuracy.add(difficulty, length, score.value > 0.0);
    }
    Ok(accuracy)
}

fn text(sample: &Sample, column: usize) -> Option<&str> {
    match sample.extra.get(column) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn unscorable(sample: &Sample, field: &'static str, problem: &str) -> Error {
    Error::Unscorable { task: sample.task.clone(), field, problem: problem.to_owned() }
}
