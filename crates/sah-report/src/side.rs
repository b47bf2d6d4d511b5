//! The results of one attention in one run.

use std::path::Path;

use indexmap::IndexMap;
use sah_bench_core::{
    Benchmark, FinishedRun, FurtherFigures, Scale, read_json, read_micro_metrics, read_results,
};
use serde_json::Value;

use crate::row::Rows;
use crate::run::benchmark_of;
use crate::{AttentionErrors, Error, Group, Row, RowKey};

/// How far a mean may be from the benchmark's figure: both may be rounded to the digits that tables show.
pub(crate) fn rounding(scale: Scale) -> f64 {
    scale.top() * 1.1e-4
}

/// One attention of one run.
#[derive(Clone, Debug)]
pub struct Side {
    /// The attention.
    pub attention: String,
    /// What `config.json` says.
    pub config: Value,
    /// Scores, time and memory.
    pub results: FinishedRun,
    /// The tables beside its scores.
    pub further: Vec<FurtherFigures>,
    /// The answers, in the order of the run.
    pub rows: Vec<Row>,
    /// What was measured of single attention calls.
    pub attention_errors: Option<AttentionErrors>,
    /// The tasks whose figures are not the means of their rows' scores.
    pub(crate) not_means: Vec<String>,
}

impl Side {
    /// Reads the results in `folder`, that of one attention.
    pub(crate) fn read(folder: &Path, benchmark: &dyn Benchmark) -> Result<Self, Error> {
        let results = FinishedRun::read(folder)?;
        let config: Value = read_json(&folder.join("config.json"))?;
        let found = benchmark_of(folder)?;
        if found != benchmark.name() {
            let expected = benchmark.name().to_owned();
            return Err(Error::OtherBenchmark { folder: folder.to_path_buf(), found, expected });
        }
        let mut rows = Rows::new(benchmark);
        let rows = read_results(&folder.join("raw_results.parquet"), benchmark.extra_columns())?
            .map(|row| rows.row(row?))
            .collect::<Result<Vec<_>, _>>()?;
        let measured = results.micro_metrics.as_ref().is_some_and(|summary| summary.sampled_calls > 0);
        let attention_errors = if measured {
            let heads = read_micro_metrics(&folder.join("micro_metrics.parquet"))?;
            Some(AttentionErrors::of(heads)?)
        } else {
            None
        };
        let attention = results.attention.clone();
        let tasks = results.metrics.task_scores.keys();
        let not_means = tasks.filter(|task| !benchmark.is_mean(task)).cloned().collect();
        let further = results.further(benchmark);
        let side = Self { attention, config, results, further, rows, attention_errors, not_means };
        side.check_scores(benchmark.units().score)?;
        Ok(side)
    }

    /// The figures of the benchmark, in its order.
    #[must_use]
    pub fn figures(&self) -> Vec<(Group, f64)> {
        let scores = &self.results.metrics.task_scores;
        scores.iter().flat_map(|(task, score)| Group::of_task(task, score)).collect()
    }

    /// The benchmark's figure for `group`.
    #[must_use]
    pub fn figure(&self, group: &Group) -> Option<f64> {
        self.figures().into_iter().find(|(other, _)| other == group).map(|(_, figure)| figure)
    }

    /// Whether the figure of `group` is the mean of its rows' scores.
    pub(crate) fn is_mean(&self, group: &Group) -> bool {
        !self.not_means.contains(&group.task)
    }

    /// The rows that the figure of `group` is made of.
    pub fn rows_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.group == *group)
    }

    /// The score of each sample that the figure of `group` is made of: the mean over its answers.
    pub(crate) fn scores_of<'a>(&'a self, group: &'a Group) -> IndexMap<&'a RowKey, f64> {
        let mut scores: IndexMap<&RowKey, Vec<f64>> = IndexMap::new();
        for row in self.rows_of(group) {
            scores.entry(&row.key).or_default().push(row.score);
        }
        let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
        scores.into_iter().map(|(key, scores)| (key, mean(scores))).collect()
    }

    /// How many samples were answered.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.rows.iter().filter(|row| row.repeat == 0).count()
    }

    /// The name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        let model = &self.config["model"];
        model["name"].as_str().or(model.as_str()).unwrap_or("unknown")
    }

    /// Whether it is dense attention over all keys.
    pub(crate) fn is_dense(&self) -> bool {
        self.config["attention"].is_null() && self.config["retention"].is_null()
    }

    /// Bytes of the KV cache for each token of the contexts, after eviction; `None` in results of a version that does not say.
    pub(crate) fn cache_bytes_per_token(&self) -> Option<f64> {
        Some(self.results.detailed.per_row.cache_bytes_per_token?.mean)
    }

    /// The same before it. `None` with `--evict`, where the results do not say which share of the keys went.
    pub(crate) fn whole_cache_bytes_per_token(&self) -> Option<f64> {
        if self.config["evict"] == true {
            return None;
        }
        let kept = self.results.detailed.total.kept.unwrap_or(1.0);
        self.cache_bytes_per_token().map(|bytes| bytes / kept).filter(|bytes| bytes.is_finite())
    }

    /// A figure that is not the mean of its rows would stand beside an interval of something else.
    fn check_scores(&self, scale: Scale) -> Result<(), Error> {
        for (group, recorded) in self.figures() {
            let scores: Vec<f64> = self.rows_of(&group).map(|row| row.score).collect();
            if !self.is_mean(&group) && !scores.is_empty() {
                continue;
            }
            let recomputed = scores.iter().sum::<f64>() / scores.len() as f64;
            if (recomputed - recorded).abs() > rounding(scale) || scores.is_empty() {
                let (folder, group) = (self.results.folder.clone(), group.to_string());
                return Err(Error::ScoresDiffer { folder, group, recomputed, recorded });
            }
        }
        Ok(())
    }
}
