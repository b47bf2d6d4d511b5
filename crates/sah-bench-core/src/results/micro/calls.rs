//! Reading a log of measured calls back.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};

use serde::de::Error as _;

use super::log::{Line, Metadata, Metric};
use crate::Error;
use crate::error::line_problem;

/// One measured call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoggedCall {
    pub(super) timestamp: String,
    /// Position of the row in `raw_results.csv`, from 0.
    pub(super) index: usize,
    pub(super) task: String,
    pub(super) reads_context: bool,
    pub(super) step: usize,
    pub(super) layer: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) backend: String,
    pub(super) density: f64,
    pub(super) output_error: Option<f64>,
    /// Density and error of each query head.
    pub(super) heads: Vec<(f64, Option<f64>)>,
}

/// The calls of a log, each made of its two lines.
#[derive(Debug)]
pub(super) struct LoggedCalls {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    /// Lines that were read.
    read: usize,
}

impl LoggedCalls {
    /// Opens the log at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
        Ok(Self { path: path.to_path_buf(), lines: BufReader::new(file).lines(), read: 0 })
    }

    fn broken(&self, source: &serde_json::Error) -> Error {
        Error::MicroMetrics { path: self.path.clone(), line: self.read, problem: line_problem(source) }
    }

    /// The next line; `None` at the end of the file.
    fn line(&mut self, metric: Metric) -> Result<Option<Line<'static>>, Error> {
        let Some(text) = self.lines.next() else { return Ok(None) };
        self.read += 1;
        let text = text.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        let line: Line<'static> = serde_json::from_str(&text).map_err(|source| self.broken(&source))?;
        if line.metric != metric {
            let what = format!("expected {metric:?}, found {:?}", line.metric);
            return Err(self.broken(&serde_json::Error::custom(what)));
        }
        Ok(Some(line))
    }

    fn call(&mut self) -> Result<Option<LoggedCall>, Error> {
        let Some(density) = self.line(Metric::Density)? else { return Ok(None) };
        let missing = |what| serde_json::Error::custom(what);
        let Some(error) = self.line(Metric::OutputError)? else {
            return Err(self.broken(&missing("the call has a density and no error")));
        };
        if !density.metadata.is_of_the_same_call(&error.metadata) {
            return Err(self.broken(&missing("the error is of another call than the density before it")));
        }
        let number = |value: Option<f64>| {
            value.ok_or_else(|| missing("a density is null")).map_err(|e| self.broken(&e))
        };
        let density_value = number(density.value)?;
        let Metadata { layer_idx, index, task, context, step, queries, keys, backend, heads } =
            density.metadata;
        let densities = heads.into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(LoggedCall {
            timestamp: density.timestamp.into_owned(),
            index,
            task: task.into_owned(),
            reads_context: context,
            step,
            layer: layer_idx,
            queries,
            keys,
            backend: backend.into_owned(),
            density: density_value,
            output_error: error.value,
            heads: densities.into_iter().zip(error.metadata.heads).collect(),
        }))
    }
}

impl Iterator for LoggedCalls {
    type Item = Result<LoggedCall, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.call().transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lines_of_a_call_name_the_same_call() {
        let line = |metric: &str, step: usize, heads: &[f64]| {
            json!({
                "timestamp": "2026-01-01T00:00:00.000000", "metric": metric, "value": 0.5, "location": "sah",
                "metadata": {
                    "layer_idx": 1, "index": 2, "task": "qa", "step": step, "queries": 1, "keys": 9,
                    "backend": "fused", "heads": heads
                }
            })
        };
        let read = |step, heads: &[f64]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("micro_metrics.jsonl");
            let density = line("research_attention_density", 3, &[0.25, 0.75]);
            let error = line("research_attention_output_error", step, heads);
            std::fs::write(&path, format!("{density}\n{error}\n")).unwrap();
            LoggedCalls::open(&path).unwrap().next().unwrap()
        };
        assert_eq!(read(3, &[0.0, 1.0]).unwrap().heads, [(0.25, Some(0.0)), (0.75, Some(1.0))]);
        for other in [read(4, &[0.0, 1.0]), read(3, &[0.0])] {
            assert!(other.unwrap_err().to_string().contains("micro_metrics.jsonl"));
        }
    }
}
