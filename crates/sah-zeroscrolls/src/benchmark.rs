//! ZeroSCROLLS as a benchmark.

use indexmap::IndexMap;
use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, FurtherFigures, Leaderboard, Metrics, Record, RowScore, Sample,
    Scale, TaskScore, TokenCount, Value,
};

use crate::scores::letter;
use crate::{Metric, SUBSETS, Score, TASKS, Task, dataset};

/// The copy on the hub that is cut into prompts already. It has the split test alone, without answers.
pub const HUB_ID: &str = "simonjegou/zero_scrolls";

/// The columns that ZeroSCROLLS has beside those of every sample.
const EXTRA_COLUMNS: [Column; 3] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    Column { name: "id", kind: ColumnKind::Text },
    Column { name: "pid", kind: ColumnKind::Text },
];
/// Positions in [`EXTRA_COLUMNS`].
const ANSWERS: usize = 0;
const ID: usize = 1;

/// A split of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// About 20 rows a task, with answers.
    Validation,
    /// Up to 500 rows a task, whose answers only the leaderboard has.
    Test,
}

impl Split {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// ZeroSCROLLS with the samples of a [`DataSource`].
#[derive(Clone, Debug, Default)]
pub struct ZeroScrolls {
    source: DataSource,
    split: Option<Split>,
}

impl ZeroScrolls {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads. A folder may hold the hub's layout or the
    /// authors' files. Without a `split` it is the validation split of the authors' files, and the test split of the copy, which
    /// has no other.
    #[must_use]
    pub fn new(source: DataSource, split: Option<Split>) -> Self {
        Self { source, split }
    }

    fn answer_score(&self, sample: &Sample, answer: &str) -> Result<Score, sah_bench_core::Error> {
        let unscorable = |field, problem: &str| sah_bench_core::Error::Unscorable {
            task: sample.task.clone(),
            field,
            problem: problem.to_owned(),
        };
        let task = Task::find(&sample.task).ok_or_else(|| unscorable("task", "no such task"))?;
        let references = self.references(sample);
        if references.is_empty() {
            let problem =
                "the test split has no answers, only the leaderboard has them; the validation split has some";
            return Err(unscorable("answers", problem));
        }
        if task.metric == Metric::Accuracy && references.iter().any(|reference| letter(reference).is_none()) {
            return Err(unscorable("answers", "expected letters A to D"));
        }
        Ok(task.score(answer, references))
    }
}

impl Benchmark for ZeroScrolls {
    fn name(&self) -> &'static str {
        "zeroscrolls"
    }

    fn subsets(&self) -> Vec<&str> {
        SUBSETS.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, sah_bench_core::Error> {
        let loaded = dataset::load(&self.source, self.split, subsets);
        Ok(loaded.map_err(|error| DataError::new(error.kind(), error))?)
    }

    /// As the official scorer: [`Task::figure`], and the mean of the tasks. Beside it the means of ROUGE.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let mut task_scores = IndexMap::new();
        let mut rouge = serde_json::Map::new();
        for task in &TASKS {
            let of_task = records.iter().filter(|record| record.sample.task == task.name);
            let scores: Result<Vec<Score>, _> =
                of_task.map(|record| self.answer_score(&record.sample, &record.predicted_answer)).collect();
            let figure = match scores {
                Ok(scores) => {
                    rouge.extend(rouge_means(task, &scores));
                    task.figure(&scores).map(TaskScore::Single)
                }
                Err(error) => Some(TaskScore::Failed { error: error.to_string() }),
            };
            task_scores.extend(figure.map(|figure| (task.name.to_owned(), figure)));
        }
        let figures: Vec<f64> = task_scores
            .values()
            .filter_map(|score| if let TaskScore::Single(score) = score { Some(*score) } else { None })
            .collect();
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        let further = [("rouge".to_owned(), serde_json::Value::Object(rouge))];
        Metrics {
            overall_score: mean(&figures),
            task_scores,
            further: further.into_iter().collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, sah_bench_core::Error> {
        Ok(RowScore { value: self.answer_score(sample, answer)?.value(), bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.get(ANSWERS).map(Value::texts).unwrap_or_default()
    }

    /// The rows of the test split, if these are of it, each with its first answer.
    fn leaderboard(&self, records: &[Record]) -> Option<Leaderboard> {
        let row = |record: &Record| {
            let sample = &record.sample;
            match sample.extra.get(ID) {
                Some(Value::Text(id))
                    if self.references(sample).is_empty()
                        && record.repeat.is_none_or(|repeat| repeat == 0) =>
                {
                    Some(vec![sample.task.clone(), id.clone(), record.predicted_answer.clone()])
                }
                _ => None,
            }
        };
        let rows: Vec<_> = records.iter().filter_map(row).collect();
        (!rows.is_empty()).then(|| Leaderboard { header: vec!["Task", "ID", "Prediction"], rows })
    }

    fn is_mean(&self, subset: &str) -> bool {
        Task::find(subset).is_none_or(|task| task.metric != Metric::Rouge)
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        rouge_table(metrics.further.get("rouge")).into_iter().collect()
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Task::find(subset).map(|task| task.max_new_tokens)
    }
}

/// The means of ROUGE of each task of summaries, as they stand under `rouge` in `metrics.json`, as a table; `None` where there is none.
#[must_use]
pub fn rouge_table(means: Option<&serde_json::Value>) -> Option<FurtherFigures> {
    let title = "ROUGE of summaries, whose geometric mean is the score of the task";
    FurtherFigures::new("rouge", title, Scale::Hundred).with_stored(means).unless_empty()
}

/// The mean, rounded to 4 decimals as all figures are.
pub(crate) fn mean(figures: &[f64]) -> Option<f64> {
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    (!figures.is_empty()).then(|| sah_metrics::python::round(mean, 4))
}

/// Of a task of summaries the means of its three figures, by the task.
pub(crate) fn rouge_means(task: &Task, scores: &[Score]) -> Option<(String, serde_json::Value)> {
    let parts: Vec<[f64; 3]> = scores
        .iter()
        .filter_map(|score| if let Score::Rouge(parts) = score { Some(*parts) } else { None })
        .collect();
    let of = |part: usize| mean(&parts.iter().map(|parts| parts[part]).collect::<Vec<_>>());
    let means = serde_json::json!({"rouge1": of(0), "rouge2": of(1), "rougeL": of(2)});
    (!parts.is_empty()).then(|| (task.name.to_owned(), means))
}
