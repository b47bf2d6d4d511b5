//! Parts of a run, each with a journal of its own, and the run that they make up.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::atomic::write_atomically;
use super::detailed::RunMeasures;
use super::folder::{CONFIG, FinishedRun, JOURNAL, METRICS, MICRO_LOG, Resumed, RunFolder};
use super::journal::read_journal;
use super::json::{read_json, write_json};
use super::unchanged::check_unchanged;
use crate::{Benchmark, Error, Record, Shard};

const FILE: &str = "shard.json";

/// The content of `shard.json`, which a shard's folder has once it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardResults {
    /// Rows of the shard.
    pub rows: usize,
    /// Rows that have no answer.
    pub rows_failed: usize,
    /// What the caller measured.
    #[serde(flatten)]
    pub measures: RunMeasures,
}

impl ShardResults {
    /// Of the shard in `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it is not done.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        read_json(&folder.join(FILE))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        write_json(&folder.join(FILE), self)
    }
}

/// Makes of the shards in the folder of an attention the results that it would have had undivided. A folder that is complete,
/// with an answer to every row, stays as it is.
///
/// # Errors
///
/// [`Error::Missing`] names a shard that is not done, [`Error::ConfigChanged`] one that had another model, data or limits, and
/// those of [`RunFolder::finish`].
pub fn merge_shards(
    result_dir: &Path,
    run_name: &str,
    attention: &str,
    count: NonZeroUsize,
    benchmark: &dyn Benchmark,
) -> Result<FinishedRun, Error> {
    let folder = result_dir.join(run_name).join(attention);
    if folder.join(METRICS).exists() {
        let finished = FinishedRun::read(&folder)?;
        if finished.detailed.rows_failed == 0 {
            return Ok(finished);
        }
    }
    let shards: Vec<PathBuf> = Shard::all(count).map(|shard| folder.join(shard.folder())).collect();
    let results = shards.iter().map(|shard| ShardResults::read(shard)).collect::<Result<Vec<_>, _>>()?;
    let config: Value = read_json(&shards[0].join(CONFIG))?;
    for shard in &shards[1..] {
        check_unchanged(&shard.join(CONFIG), &config)?;
    }

    let mut records = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for shard in &shards {
        let contents = read_journal(&shard.join(JOURNAL))?;
        // A context that failed and was done again has a second line, which counts.
        records.extend(contents.records.into_iter().map(|record| (record.index, record)));
        let of_shard = lines(&shard.join(JOURNAL), rows_of_group)?;
        groups.extend(of_shard.into_iter().map(|(rows, line)| (rows[0], (rows, line))));
    }
    let mut calls: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
    for shard in shards.iter().filter(|shard| shard.join(MICRO_LOG).exists()) {
        for (row, line) in lines(&shard.join(MICRO_LOG), |line| line["metadata"]["index"].as_u64())? {
            calls.entry(row).or_default().push(line);
        }
    }
    let records: Vec<Record> = records.into_values().collect();
    if let Some((row, _)) = records.iter().enumerate().find(|(row, record)| *row != record.index) {
        return Err(Error::ShardRows { folder, row });
    }

    // In the order of first appearance, as in an undivided run, the calls of each group's rows next to each other.
    let has_calls = !calls.is_empty();
    let mut ordered = Vec::new();
    for (rows, _) in groups.values() {
        ordered.extend(rows.iter().flat_map(|row| calls.remove(row).unwrap_or_default()));
    }
    if has_calls || shards.iter().any(|shard| shard.join(MICRO_LOG).exists()) {
        write_lines(&folder.join(MICRO_LOG), ordered.iter())?;
    }
    write_lines(&folder.join(JOURNAL), groups.values().map(|(_, line)| line))?;
    match RunFolder::resume(result_dir, run_name, attention)? {
        Resumed::Finished(run) => Ok(*run),
        Resumed::Unfinished(folder) => folder.finish(benchmark, &config, &records, combined(&results)),
    }
}

/// The rows in a line of a journal; `None` where there are none.
fn rows_of_group(line: &Value) -> Option<Vec<u64>> {
    let rows: Vec<u64> = line["rows"].as_array()?.iter().filter_map(|row| row["index"].as_u64()).collect();
    (!rows.is_empty()).then_some(rows)
}

/// The complete lines of a file, each with what `key` reads in it; a torn last line is left out.
fn lines<K>(path: &Path, key: impl Fn(&Value) -> Option<K>) -> Result<Vec<(K, Vec<u8>)>, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    let complete = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let keyed = complete.filter_map(|line| {
        let value: Value = serde_json::from_slice(line).ok()?;
        Some((key(&value)?, line.to_vec()))
    });
    Ok(keyed.collect())
}

fn write_lines<'a>(path: &Path, mut lines: impl Iterator<Item = &'a Vec<u8>>) -> Result<(), Error> {
    write_atomically(path, |writer| {
        let written = lines.try_for_each(|line| writer.write_all(line));
        written.map_err(|source| Error::Io { path: path.to_path_buf(), source })
    })
}

/// The measures of several processes: the longest load and the largest peak. A sum of their run times would say nothing.
fn combined(results: &[ShardResults]) -> RunMeasures {
    let measures = || results.iter().map(|result| &result.measures);
    RunMeasures {
        run_seconds: None,
        model_load_seconds: measures().filter_map(|one| one.model_load_seconds).reduce(f64::max),
        peak_memory_bytes: measures().filter_map(|one| one.peak_memory_bytes).max(),
        peak_memory_source: measures().find_map(|one| one.peak_memory_source.clone()),
    }
}
