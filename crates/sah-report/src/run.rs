//! A finished run: the folder that `cargo xtask bench` leaves.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use sah_bench_core::{Benchmark, DENSE, Units, read_json};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{Error, Side};

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its attentions, at least one: the baseline first, then in the order in which they ran.
    pub sides: Vec<Side>,
    /// What the figures of its benchmark mean.
    pub units: Units,
    /// The folder of the run of several benchmarks that it is part of.
    pub whole: Option<PathBuf>,
}

/// What of `comparison.json` says in which order attentions ran.
#[derive(serde::Deserialize)]
struct Order {
    attentions: IndexMap<String, IgnoredAny>,
}

impl Run {
    /// Reads the run in `folder`, whose answers `benchmark` scores.
    ///
    /// # Errors
    ///
    /// [`Error::NoRun`], [`Error::OneAttention`], [`Error::Unfinished`], [`Error::OtherBenchmark`],
    /// [`Error::ScoresDiffer`], and those of reading files.
    pub fn read(folder: &Path, benchmark: &dyn Benchmark) -> Result<Self, Error> {
        let (folder, mut attentions) = finished_attentions(folder)?;
        let order = read_json::<Order>(&folder.join("comparison.json")).map(|order| order.attentions);
        let order = order.unwrap_or_default();
        attentions.sort_by_cached_key(|folder| {
            let name = name_of(folder);
            (name != DENSE, order.get_index_of(&name).unwrap_or(usize::MAX), name)
        });
        let sides = attentions.iter().map(|folder| Side::read(folder, benchmark));
        let sides = sides.collect::<Result<_, _>>()?;
        Ok(Self { name: name_of(&folder), sides, units: benchmark.units(), folder, whole: None })
    }

    /// The same as part of the run of several benchmarks in the folder `whole`, whose name it has: its own is the benchmark's.
    #[must_use]
    pub fn part_of(mut self, whole: &Path) -> Self {
        let whole = whole.canonicalize().unwrap_or_else(|_| whole.to_path_buf());
        // Of several models each has a folder of its own.
        if self.folder.parent() == Some(&whole) {
            self.name = name_of(&whole);
        }
        Self { whole: Some(whole), ..self }
    }

    /// The name of the benchmark that the finished run in `folder` is of, which [`Run::read`] needs.
    ///
    /// # Errors
    ///
    /// [`Error::NoRun`], [`Error::OneAttention`], [`Error::Unfinished`], [`Error::NoBenchmark`].
    pub fn benchmark(folder: &Path) -> Result<String, Error> {
        let (_, attentions) = finished_attentions(folder)?;
        // There is one at least.
        benchmark_of(&attentions[0])
    }

    /// The files beside its rows that the finished run in `folder` was scored with.
    ///
    /// # Errors
    ///
    /// Those of [`Run::benchmark`].
    pub fn metric_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let (_, attentions) = finished_attentions(folder)?;
        let config: Value = read_json(&attentions[0].join("config.json"))?;
        let files = config["metric_files"].as_object().into_iter().flat_map(serde_json::Map::keys);
        Ok(files.map(PathBuf::from).collect())
    }
}

/// The benchmark that the config of an attention names.
pub(crate) fn benchmark_of(attention: &Path) -> Result<String, Error> {
    let file = attention.join("config.json");
    let config: Value = read_json(&file)?;
    config["benchmark"].as_str().map(str::to_owned).ok_or(Error::NoBenchmark { file })
}

/// A run's folder in full, and those of its attentions, which are all finished.
fn finished_attentions(folder: &Path) -> Result<(PathBuf, Vec<PathBuf>), Error> {
    let folder = folder.canonicalize().map_err(|_| Error::NoRun { folder: folder.to_path_buf() })?;
    if folder.join("metrics.json").exists() || folder.join("journal.jsonl").exists() {
        let run = folder.parent().unwrap_or(&folder).to_path_buf();
        return Err(Error::OneAttention { folder, run });
    }
    let attentions = attention_folders(&folder)?;
    if attentions.is_empty() {
        return Err(Error::NoRun { folder });
    }
    if let Some(unfinished) = attentions.iter().find(|folder| !folder.join("metrics.json").exists()) {
        return Err(Error::Unfinished { folder: unfinished.clone(), run: folder });
    }
    Ok((folder, attentions))
}

/// The folders in `run` that hold results of an attention, complete or not, by name.
pub(crate) fn attention_folders(run: &Path) -> Result<Vec<PathBuf>, Error> {
    let at = |source| sah_bench_core::Error::Io { path: run.to_path_buf(), source };
    let mut folders = Vec::new();
    for entry in fs::read_dir(run).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if ["config.json", "journal.jsonl", "metrics.json"].iter().any(|name| path.join(name).is_file()) {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

pub(crate) fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
