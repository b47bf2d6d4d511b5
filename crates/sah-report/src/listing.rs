//! The runs below a folder, complete or not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sah_bench_core::{FinishedRun, read_journal, read_json};
use serde_json::Value;

use crate::Error;
use crate::run::{attention_folders, name_of};

/// Folders in folders that are looked into for runs.
const DEPTH: usize = 4;

/// One attention of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The run: its folder as seen from where the list begins.
    pub run: PathBuf,
    /// The attention.
    pub attention: String,
    /// The model; `None` where there is no `config.json`.
    pub model: Option<String>,
    /// When its last file was written: `metrics.json` where it is at its end, else the journal.
    pub written: Option<SystemTime>,
    /// How far it is.
    pub state: State,
}

/// How far an attention's run is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// At its end.
    Complete {
        /// Rows of the run.
        rows: usize,
        /// Those of them without an answer.
        rows_failed: usize,
        /// The benchmark's single figure.
        score: Option<f64>,
    },
    /// Cut off, or still at work.
    Unfinished {
        /// Rows in the journal.
        rows: usize,
    },
    /// Files that cannot be read.
    Broken {
        /// Why.
        problem: String,
    },
}

/// The runs in `folder` and in the folders below it, by name, each with its attentions. `folder` itself may be a run.
///
/// # Errors
///
/// A folder that cannot be read. A broken run is listed as such.
pub fn list(folder: &Path) -> Result<Vec<Listed>, Error> {
    let mut runs = Vec::new();
    search(folder, DEPTH, &mut runs)?;
    let mut listed = Vec::new();
    for (run, attentions) in runs {
        let below = run.strip_prefix(folder).unwrap_or(&run);
        let name =
            if below == Path::new("") { Path::new(run.file_name().unwrap_or_default()) } else { below };
        listed.extend(attentions.iter().map(|attention| Listed::read(name, attention)));
    }
    listed.sort_by(|one, two| one.run.cmp(&two.run));
    Ok(listed)
}

/// The runs in `folder`: itself, or those of the models of a matrix. What is no run is given as it is.
///
/// # Errors
///
/// A folder that cannot be read.
pub fn runs_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut runs = Vec::new();
    // In the folder of an attention there may be shards.
    if folder.is_dir() && !folder.join("journal.jsonl").exists() {
        search(folder, 1, &mut runs)?;
    }
    let mut runs: Vec<PathBuf> = runs.into_iter().map(|(run, _)| run).collect();
    runs.sort();
    Ok(if runs.is_empty() { vec![folder.to_path_buf()] } else { runs })
}

/// Adds the runs in `folder` and in the folders `depth` levels below it, each with the folders of its attentions.
fn search(folder: &Path, depth: usize, runs: &mut Vec<(PathBuf, Vec<PathBuf>)>) -> Result<(), Error> {
    let attentions = attention_folders(folder)?;
    if !attentions.is_empty() {
        runs.push((folder.to_path_buf(), attentions));
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let at = |source| sah_bench_core::Error::Io { path: folder.to_path_buf(), source };
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        // Not through links, which may lead in a circle.
        if entry.file_type().map_err(at)?.is_dir() {
            search(&entry.path(), depth - 1, runs)?;
        }
    }
    Ok(())
}

impl Listed {
    fn read(run: &Path, folder: &Path) -> Self {
        let config: Option<Value> = read_json(&folder.join("config.json")).ok();
        let model = config.map(|config| {
            let model = &config["model"];
            model["name"].as_str().or(model.as_str()).unwrap_or_default().to_owned()
        });
        Self {
            run: run.to_path_buf(),
            attention: name_of(folder),
            model,
            written: ["metrics.json", "journal.jsonl"]
                .iter()
                .find_map(|name| fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok()),
            state: State::read(folder).unwrap_or_else(|error| State::Broken { problem: error.to_string() }),
        }
    }
}

impl State {
    fn read(folder: &Path) -> Result<Self, sah_bench_core::Error> {
        if folder.join("metrics.json").exists() {
            let run = FinishedRun::read(folder)?;
            let (rows, rows_failed) = (run.detailed.rows, run.detailed.rows_failed);
            return Ok(Self::Complete { rows, rows_failed, score: run.metrics.overall_score });
        }
        let journal = folder.join("journal.jsonl");
        if !journal.exists() {
            return Ok(Self::Unfinished { rows: 0 });
        }
        let records = read_journal(&journal)?.records;
        let mut indices: Vec<usize> = records.iter().map(|record| record.index).collect();
        // A row that failed and was done again is there twice.
        indices.sort_unstable();
        indices.dedup();
        Ok(Self::Unfinished { rows: indices.len() })
    }
}
