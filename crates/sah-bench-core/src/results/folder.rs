//! The folder of one attention's results, from before the model is loaded until the last file is written.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use sah_request::MicroMetrics;
use serde::{Deserialize, Serialize};

use super::atomic::{remove_temporaries, sync_folder};
use super::csv::{write_csv, write_leaderboard};
use super::detailed::{DetailedResults, RunMeasures};
use super::journal::Journal;
use super::json::{read_json, write_json};
use super::micro::{MicroMetricsLog, MicroSummary};
use super::parquet::write_parquet;
use super::shards::ShardResults;
use super::table::Table;
use super::unchanged::check_unchanged;
use super::warning::Warning;
use crate::error::{Named, panic_text};
use crate::{Benchmark, Error, FurtherFigures, Metrics, Record, Repeats};

pub(super) const JOURNAL: &str = "journal.jsonl";
pub(super) const CONFIG: &str = "config.json";
const RAW_CSV: &str = "raw_results.csv";
const RAW_PARQUET: &str = "raw_results.parquet";
const LEADERBOARD: &str = "leaderboard.csv";
const DETAILED: &str = "detailed_results.json";
pub(super) const MICRO_LOG: &str = "micro_metrics.jsonl";
const MICRO_PARQUET: &str = "micro_metrics.parquet";
pub(super) const METRICS: &str = "metrics.json";

/// The folder `<result-dir>/<run-name>/<attention name>/` of a run in progress.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    attention: String,
    journal: Journal,
    /// There once a row came with what was measured of its attention, if only that no call was drawn.
    micro_metrics: Option<MicroMetricsLog>,
    /// Rows that an earlier process answered, by their place in the run.
    answered: BTreeMap<usize, Record>,
}

/// A folder in which an earlier process worked.
#[derive(Debug)]
pub enum Resumed {
    /// All rows have answers and scores.
    Finished(Box<FinishedRun>),
    /// Something is left to do.
    Unfinished(RunFolder),
}

impl RunFolder {
    /// Makes the folder and its journal. Call it before the model is loaded: a folder that cannot be used is found
    /// here.
    ///
    /// A folder in which an earlier run never answered or measured anything is used again.
    ///
    /// # Errors
    ///
    /// [`Error::FolderName`], [`Error::Unwritable`], [`Error::FolderUsed`], [`Error::FolderBusy`].
    pub fn create(result_dir: &Path, run_name: &str, attention: &str) -> Result<Self, Error> {
        check_name(Named::Run, run_name)?;
        check_name(Named::Attention, attention)?;
        let run = result_dir.join(run_name);
        let path = run.join(attention);
        fs::create_dir_all(&path).map_err(|source| Error::Unwritable { path: path.clone(), source })?;
        for name in [RAW_CSV, RAW_PARQUET, MICRO_LOG, MICRO_PARQUET, DETAILED, METRICS] {
            if path.join(name).exists() {
                return Err(Error::FolderUsed { path, found: name });
            }
        }
        if path.join(CONFIG).exists() && !path.join(JOURNAL).exists() {
            // No run of ours leaves one without the other.
            return Err(Error::FolderUsed { path, found: CONFIG });
        }
        let journal = Journal::create(&path.join(JOURNAL))?;
        if path.join(CONFIG).exists() {
            // Of a run that never answered anything: this one may be another.
            fs::remove_file(path.join(CONFIG))
                .map_err(|source| Error::Unwritable { path: path.join(CONFIG), source })?;
        }
        sync_folder(&run)?;
        sync_folder(result_dir)?;
        let answered = BTreeMap::new();
        Ok(Self { path, attention: attention.to_owned(), journal, micro_metrics: None, answered })
    }

    /// Opens the folder of an attention to go on where an earlier process stopped, whenever that was: rows that it answered
    /// are not asked again, rows that failed are. A folder that is not there is made.
    ///
    /// # Errors
    ///
    /// [`Error::FolderBusy`] where that process still works, [`Error::Journal`] where its journal was changed, and those of
    /// [`RunFolder::create`].
    pub fn resume(result_dir: &Path, run_name: &str, attention: &str) -> Result<Resumed, Error> {
        check_name(Named::Run, run_name)?;
        check_name(Named::Attention, attention)?;
        let path = result_dir.join(run_name).join(attention);
        if !path.join(JOURNAL).exists() {
            return Self::create(result_dir, run_name, attention).map(Resumed::Unfinished);
        }
        let (journal, records) = Journal::resume(&path.join(JOURNAL))?;
        if path.join(METRICS).exists() {
            let finished = FinishedRun::read(&path)?;
            if finished.detailed.rows_failed == 0 {
                return Ok(Resumed::Finished(Box::new(finished)));
            }
        }
        remove_temporaries(&path)?;
        let mut answered: BTreeMap<usize, Record> =
            records.into_iter().map(|record| (record.index, record)).collect();
        answered.retain(|_, record| record.error.is_none());
        let log = path.join(MICRO_LOG);
        let micro_metrics = if log.exists() {
            Some(MicroMetricsLog::resume(&log, |row| answered.contains_key(&row))?)
        } else {
            None
        };
        Ok(Resumed::Unfinished(Self {
            path,
            attention: attention.to_owned(),
            journal,
            micro_metrics,
            answered,
        }))
    }

    /// The rows that an earlier process answered, by their place in the run.
    pub(crate) fn take_answered(&mut self) -> BTreeMap<usize, Record> {
        std::mem::take(&mut self.answered)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the attention.
    #[must_use]
    pub fn attention(&self) -> &str {
        &self.attention
    }

    /// The folder of the run, which holds this one and those of the other attentions.
    #[must_use]
    pub fn run_path(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Where the rows are as they are answered.
    #[must_use]
    pub fn journal_path(&self) -> &Path {
        self.journal.path()
    }

    /// Keeps the finished rows of one group, and what was measured of the attention of each, and waits until the disk has
    /// them: the measurements first, so that a row in the journal has its own.
    pub(crate) fn keep(
        &mut self,
        rows: &[&Record],
        measured: &[(&Record, MicroMetrics)],
    ) -> Result<(), Error> {
        let _span = tracing::info_span!("journal").entered();
        if !measured.is_empty() {
            let log = match self.micro_metrics.take() {
                Some(log) => log,
                None => MicroMetricsLog::create(&self.path.join(MICRO_LOG))?,
            };
            let log = self.micro_metrics.insert(log);
            for (record, metrics) in measured {
                log.append(record, metrics)?;
            }
            log.sync()?;
        }
        self.journal.append(rows)
    }

    /// Writes `config.json`, any value with the keys of [`RunConfig`](super::RunConfig). Call it before the first
    /// request, so that a run that is cut off says what it was.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigChanged`] where an earlier process worked here with another model, attention, data or limits.
    pub fn write_config(&self, config: &impl Serialize) -> Result<(), Error> {
        let path = self.path.join(CONFIG);
        if path.exists() {
            check_unchanged(&path, config)?;
        }
        write_json(&path, config)
    }

    /// Says that a part of a run is done, which has its journal and micro metrics in this folder.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn finish_shard(self, results: &ShardResults) -> Result<(), Error> {
        results.write(&self.path)
    }

    /// Writes the rows, scores them, and writes everything else. `metrics.json` is the last file: a folder that has it
    /// is complete.
    ///
    /// The rows are on disk before the benchmark scores them, so that nothing is lost when scoring goes wrong.
    ///
    /// # Errors
    ///
    /// [`Error::Scoring`] when [`Benchmark::evaluate`] panics, [`Error::NotFinite`] when a score is no number.
    pub fn finish(
        mut self,
        benchmark: &dyn Benchmark,
        config: &impl Serialize,
        records: &[Record],
        measures: RunMeasures,
    ) -> Result<FinishedRun, Error> {
        let _span = tracing::info_span!("results").entered();
        let table = Table::new(benchmark.extra_columns(), records)?;
        write_csv(&self.path.join(RAW_CSV), &table)?;
        write_parquet(&self.path.join(RAW_PARQUET), &table)?;
        if let Some(leaderboard) = benchmark.leaderboard(records) {
            write_leaderboard(&self.path.join(LEADERBOARD), &leaderboard)?;
        }
        let calls = records.iter().filter_map(|record| record.stats.as_ref()?.attention_calls).sum();
        let log = self.micro_metrics.take();
        let micro_metrics = log.map(|log| log.finish(&self.path.join(MICRO_PARQUET), calls)).transpose()?;
        self.write_config(config)?;
        let detailed = DetailedResults::new(records, measures);
        write_json(&self.path.join(DETAILED), &detailed)?;
        let score = || (benchmark.evaluate(records), Repeats::of(benchmark, records));
        let (metrics, repeats) = catch_unwind(AssertUnwindSafe(score)).map_err(|panic| Error::Scoring {
            benchmark: benchmark.name().to_owned(),
            message: panic_text(panic.as_ref()),
            folder: self.path.clone(),
        })?;
        let warnings = self.warnings(config, records)?;
        let file = MetricsFile { metrics, repeats, micro_metrics, warnings };
        write_json(&self.path.join(METRICS), &file)?;
        Ok(file.into_run(self.attention, self.path, detailed))
    }

    /// Those that `config` knows of, and those that the answers give rise to.
    fn warnings(&self, config: &impl Serialize, records: &[Record]) -> Result<Vec<Warning>, Error> {
        let path = self.path.join(CONFIG);
        let config = serde_json::to_value(config).map_err(|source| Error::Json { path, source })?;
        Ok([Warning::of_config(&config), Warning::of_records(records)].concat())
    }
}

/// The content of `metrics.json`.
#[derive(Serialize, Deserialize)]
struct MetricsFile {
    #[serde(flatten)]
    metrics: Metrics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeats: Option<Repeats>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    micro_metrics: Option<MicroSummary>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl MetricsFile {
    fn into_run(self, attention: String, folder: PathBuf, detailed: DetailedResults) -> FinishedRun {
        let Self { metrics, repeats, micro_metrics, warnings } = self;
        FinishedRun { attention, folder, metrics, repeats, micro_metrics, warnings, detailed }
    }
}

/// The results of one attention.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// The name of the attention.
    pub attention: String,
    /// The folder that holds the results.
    pub folder: PathBuf,
    /// The scores.
    pub metrics: Metrics,
    /// What several answers to each sample say; `None` where each has one.
    pub repeats: Option<Repeats>,
    /// What single attention calls read and how far they were from dense attention; `None` where it was not measured.
    pub micro_metrics: Option<MicroSummary>,
    /// What makes the scores mean something else than they seem to.
    pub warnings: Vec<Warning>,
    /// Time, tokens, density and memory.
    pub detailed: DetailedResults,
}

impl FinishedRun {
    /// Mean error of the measured attention calls; `None` where none was measured.
    #[must_use]
    pub fn attention_error(&self) -> Option<f64> {
        Some(self.micro_metrics.as_ref()?.output_error?.mean)
    }

    /// The tables that stand beside the scores: those of `benchmark`, and what several answers to each row say.
    #[must_use]
    pub fn further(&self, benchmark: &dyn Benchmark) -> Vec<FurtherFigures> {
        let repeats = self.repeats.as_ref().map(|repeats| repeats.further(benchmark.units().score));
        benchmark.further(&self.metrics).into_iter().chain(repeats).collect()
    }

    /// Fails where the run had another model, attention, data or limits than `config` says.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigChanged`].
    pub fn check_config(&self, config: &impl Serialize) -> Result<(), Error> {
        check_unchanged(&self.folder.join(CONFIG), config)
    }

    /// Reads the results in `folder` back; the attention has the name of the folder.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] names the file that a run which did not finish lacks.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let file: MetricsFile = read_json(&folder.join(METRICS))?;
        let attention = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(file.into_run(attention, folder.to_path_buf(), read_json(&folder.join(DETAILED))?))
    }
}

/// Whether a run may be called so: its folder has this name.
///
/// # Errors
///
/// [`Error::FolderName`].
pub fn check_run_name(name: &str) -> Result<(), Error> {
    check_name(Named::Run, name)
}

fn check_name(of: Named, name: &str) -> Result<(), Error> {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        return Err(Error::FolderName { of, name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders() {
        for name in ["mini", "2025-01-31T12.30.00", "streaming_llm", "\u{4e2d}\u{6587}"] {
            check_name(Named::Run, name).unwrap();
        }
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\0"] {
            assert!(matches!(check_name(Named::Run, name), Err(Error::FolderName { .. })), "{name:?}");
        }
    }
}
