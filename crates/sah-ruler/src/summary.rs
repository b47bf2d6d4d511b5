//! From the scores of rows to the figures of a run: by task and length, and over lengths.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use sah_bench_core::{FurtherFigure, FurtherFigures, Scale};
use serde::{Deserialize, Serialize};

use crate::tasks::{TASKS, Task, task_score};

/// A length counts as effective where the mean is above this: the score of Llama 2 7B at 4,096 tokens in the paper.
pub const THRESHOLD: f64 = 85.6;

/// What a row is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredAnswer {
    /// The task.
    pub task: &'static Task,
    /// The length that the row was made for, in tokens; `None` where it is not known.
    pub length: Option<usize>,
    /// From 0 to 1.
    pub score: f64,
    /// Whether the answer is empty, which is scored like any other.
    pub is_empty: bool,
}

/// The figures of a set of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The scores of each task, from 0 to 100, by length; the length `all` where it is not known.
    pub tasks: IndexMap<String, IndexMap<String, f64>>,
    /// How many answers of each task are empty, by length, as `empty/rows`.
    pub nulls: IndexMap<String, IndexMap<String, String>>,
    /// The mean over the tasks, by length.
    pub lengths: IndexMap<String, f64>,
    /// Over how many tasks these means are: 13 is all of RULER.
    pub tasks_in_means: IndexMap<String, usize>,
    /// The figures over lengths.
    #[serde(flatten)]
    pub over_lengths: OverLengths,
}

/// The figures over lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverLengths {
    /// The mean over lengths.
    pub mean: Option<f64>,
    /// The mean with weights 1, 2, .. from the shortest length to the longest: for use with long inputs.
    pub weighted_mean_increasing: Option<f64>,
    /// The same from the longest to the shortest: for use with short inputs.
    pub weighted_mean_decreasing: Option<f64>,
    /// The longest length whose mean is above [`THRESHOLD`]; `None` where none is.
    pub effective_length: Option<usize>,
}

/// How a length is called in results.
#[must_use]
pub fn bucket(length: Option<usize>) -> String {
    length.map_or_else(|| "all".to_owned(), |length| length.to_string())
}

impl Summary {
    /// The figures of `rows`. Tasks are in RULER's order, lengths from the shortest on.
    #[must_use]
    pub fn of(rows: &[ScoredAnswer]) -> Self {
        let mut summary = Self::default();
        let mut of_lengths: BTreeMap<Option<usize>, Vec<f64>> = BTreeMap::new();
        for task in &TASKS {
            let mut lengths: BTreeMap<Option<usize>, (Vec<f64>, usize)> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.task == task) {
                let (scores, empty) = lengths.entry(row.length).or_default();
                scores.push(row.score);
                *empty += usize::from(row.is_empty);
            }
            for (length, (scores, empty)) in lengths {
                let Some(score) = task_score(&scores) else { continue };
                let of_task = |map: &mut IndexMap<String, IndexMap<String, f64>>| {
                    map.entry(task.name.to_owned()).or_default().insert(bucket(length), score);
                };
                of_task(&mut summary.tasks);
                let nulls = summary.nulls.entry(task.name.to_owned()).or_default();
                nulls.insert(bucket(length), format!("{empty}/{}", scores.len()));
                of_lengths.entry(length).or_default().push(score);
            }
        }
        let means: Vec<(Option<usize>, f64)> =
            of_lengths.iter().map(|(&length, scores)| (length, mean(scores))).collect();
        summary.tasks_in_means =
            of_lengths.iter().map(|(&length, scores)| (bucket(length), scores.len())).collect();
        summary.lengths = means.iter().map(|&(length, mean)| (bucket(length), mean)).collect();
        summary.over_lengths = OverLengths::of(&means);
        summary
    }
}

impl OverLengths {
    /// Of the means of lengths, from the shortest on.
    fn of(means: &[(Option<usize>, f64)]) -> Self {
        let count = means.len();
        if count == 0 {
            return Self::default();
        }
        let weighted = |weight: &dyn Fn(usize) -> f64| {
            let weights = (0..count).map(weight);
            let total: f64 = means.iter().zip(weights.clone()).map(|((_, mean), weight)| mean * weight).sum();
            Some(total / weights.sum::<f64>())
        };
        let effective = means.iter().rev().find(|(_, mean)| *mean > THRESHOLD);
        Self {
            mean: weighted(&|_| 1.0),
            weighted_mean_increasing: weighted(&|i| (i + 1) as f64),
            weighted_mean_decreasing: weighted(&|i| (count - i) as f64),
            effective_length: effective.and_then(|(length, _)| *length),
        }
    }

    /// The weighted means and the effective length as a table; the mean is the benchmark's single figure.
    #[must_use]
    pub fn table(&self) -> FurtherFigures {
        let title = format!(
            "Over lengths; the effective length is the longest whose mean is above {THRESHOLD}, where there is one"
        );
        let effective = self.effective_length.map(|length| length as f64);
        let mut table = FurtherFigures::new("over_lengths", &title, Scale::Hundred)
            .with("mean weighted to long lengths", self.weighted_mean_increasing)
            .with("mean weighted to short lengths", self.weighted_mean_decreasing);
        table.figures.push(FurtherFigure::new("effective length, tokens", None, effective, 0));
        table
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, length: usize, score: f64) -> ScoredAnswer {
        let task = Task::find(task).unwrap();
        ScoredAnswer { task, length: Some(length), score, is_empty: score == 0.0 }
    }

    #[test]
    fn scores_are_those_of_tasks_and_lengths() {
        let rows = [
            row("vt", 8192, 0.2),
            row("vt", 4096, 1.0),
            row("vt", 4096, 0.0),
            row("vt", 4096, 0.0),
            row("cwe", 4096, 1.0),
            row("vt", 8192, 1.0),
        ];
        let summary = Summary::of(&rows);
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            concat!(
                r#"{"tasks":{"vt":{"4096":33.33,"8192":60.0},"cwe":{"4096":100.0}},"#,
                r#""nulls":{"vt":{"4096":"2/3","8192":"0/2"},"cwe":{"4096":"0/1"}},"#,
                r#""lengths":{"4096":66.66499999999999,"8192":60.0},"tasks_in_means":{"4096":2,"8192":1},"#,
                r#""mean":63.332499999999996,"weighted_mean_increasing":62.221666666666664,"#,
                r#""weighted_mean_decreasing":64.44333333333333,"effective_length":null}"#
            )
        );
        assert_eq!(Summary::of(&[]), Summary::default());
    }

    /// The row of Llama 3.1 8B in RULER's table: its means of 4k to 128k, and its two weighted means.
    #[test]
    fn the_means_over_lengths_are_those_of_the_published_table() {
        let means = [95.5, 93.8, 91.6, 87.4, 84.7, 77.0];
        let lengths = [4096, 8192, 16384, 32768, 65536, 131_072].map(Some);
        let over = OverLengths::of(&lengths.into_iter().zip(means).collect::<Vec<_>>());
        assert_eq!(format!("{:.1}", over.mean.unwrap()), "88.3");
        assert_eq!(format!("{:.1}", over.weighted_mean_increasing.unwrap()), "85.4");
        assert_eq!(format!("{:.1}", over.weighted_mean_decreasing.unwrap()), "91.3");
        assert_eq!(over.effective_length, Some(32768));
        let shown = |name| over.table().find(name, None).map(|figure| (figure.value.unwrap(), figure.digits));
        assert_eq!(shown("effective length, tokens"), Some((32768.0, 0)));
        let weighted = shown("mean weighted to long lengths").unwrap().0;
        assert_eq!(format!("{weighted:.1}"), "85.4");
    }
}
