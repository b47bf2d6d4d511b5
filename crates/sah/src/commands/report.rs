//! `cargo xtask report`: finished runs as a page, figures and tables.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Missing, Overview, OverviewReport, Report, Run, runs_in};

use crate::args::ReportArgs;
use crate::exit;
use crate::terminal::show;
use crate::usage::UsageError;
use crate::{App, remedies, resume};

/// Writes the report and prints where its page is.
pub(crate) fn run(app: &App, args: &ReportArgs) -> anyhow::Result<u8> {
    let finished = Finished::read(app, &args.runs)?;
    let folder = args.out.clone().unwrap_or_else(|| args.runs[0].join("report"));
    let page = match finished.of_one() {
        Some(runs) => Report::new(&Analysis::new(runs, &Bootstrap::default()))?.write(&folder)?,
        None => OverviewReport::new(&finished.overview())?.write(&folder)?,
    };
    show(format_args!("{}\n", page.display()))?;
    finished.warn();
    Ok(exit::DONE)
}

/// Finished runs, and what is missing of runs of several benchmarks.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// Each benchmark with its runs.
    benchmarks: Vec<(String, Vec<Run>)>,
    missing: Vec<Missing>,
}

impl Finished {
    /// Reads runs, whose benchmarks score their answers. Of a run of several benchmarks some may be missing, but not all.
    pub(super) fn read(app: &App, folders: &[PathBuf]) -> anyhow::Result<Self> {
        let mut finished = Self::default();
        for folder in folders {
            let benchmarks = resume::benchmarks_of(folder);
            if benchmarks.is_empty() {
                for path in runs_in(folder)? {
                    finished.add(read(app, &path)?);
                }
            } else {
                finished.add_several(app, folder, &benchmarks)?;
            }
        }
        Ok(finished)
    }

    fn add(&mut self, (benchmark, run): (String, Run)) {
        match self.benchmarks.iter_mut().find(|(other, _)| *other == benchmark) {
            Some((_, runs)) => runs.push(run),
            None => self.benchmarks.push((benchmark, vec![run])),
        }
    }

    /// Adds the runs of several benchmarks in `whole`.
    fn add_several(&mut self, app: &App, whole: &Path, benchmarks: &[String]) -> anyhow::Result<()> {
        let mut first_error = None;
        let mut found = false;
        for benchmark in benchmarks {
            let folder = whole.join(benchmark);
            if !folder.is_dir() {
                let problem = "it was not begun".to_owned();
                self.missing.push(Missing { run: folder.display().to_string(), problem });
                continue;
            }
            for path in runs_in(&folder)? {
                match read(app, &path) {
                    Ok((benchmark, run)) => {
                        found = true;
                        self.add((benchmark, run.part_of(whole)));
                    }
                    Err(error) => {
                        let problem = remedies::explained(&error);
                        self.missing.push(Missing { run: path.display().to_string(), problem });
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        let nothing =
            || UsageError(format!("{}: no benchmark of this run was begun", whole.display())).into();
        if found { Ok(()) } else { Err(first_error.unwrap_or_else(nothing)) }
    }

    /// The runs where all are of one benchmark, and nothing is missing.
    pub(super) fn of_one(&self) -> Option<&[Run]> {
        match &*self.benchmarks {
            [(_, runs)] if self.missing.is_empty() => Some(runs),
            _ => None,
        }
    }

    /// The analysis of each benchmark.
    pub(super) fn overview(&self) -> Overview<'_> {
        Overview::new(&self.benchmarks, self.missing.clone(), &Bootstrap::default())
    }

    /// Says what is missing.
    pub(super) fn warn(&self) {
        for Missing { run, problem } in &self.missing {
            tracing::warn!("left out: {run}: {problem}");
        }
    }
}

/// The benchmark of a finished run, and the run.
fn read(app: &App, path: &Path) -> anyhow::Result<(String, Run)> {
    let name = Run::benchmark(path)?;
    let entry = app.benchmarks.find(&name).with_context(|| path.display().to_string())?;
    let scorer = entry.scorer_with(&Run::metric_files(path)?);
    let run = Run::read(path, &*scorer.with_context(|| path.display().to_string())?)?;
    Ok((name, run))
}
