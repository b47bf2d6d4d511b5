//! `cargo xtask report`: finished runs as a page, figures and tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Report, Run, runs_in};

use crate::App;
use crate::args::ReportArgs;
use crate::terminal::show;
use crate::usage::UsageError;

/// Writes the report and prints where its page is.
pub(crate) fn run(app: &App, args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let runs = read(app, &args.runs)?;
    let report = Report::new(&Analysis::new(&runs, &Bootstrap::default()))?;
    let folder = args.out.clone().unwrap_or_else(|| args.runs[0].join("report"));
    show(format_args!("{}\n", report.write(&folder)?.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads finished runs of one benchmark, which scores their answers.
pub(super) fn read(app: &App, folders: &[PathBuf]) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    let mut first: Option<(String, PathBuf)> = None;
    for folder in folders {
        for path in runs_in(folder)? {
            let name = Run::benchmark(&path)?;
            let entry = app.benchmarks.find(&name).with_context(|| path.display().to_string())?;
            let scorer = entry.scorer_with(&Run::metric_files(&path)?);
            runs.push(Run::read(&path, &*scorer.with_context(|| path.display().to_string())?)?);
            match &first {
                Some((other, folder)) if *other != name => bail!(UsageError(format!(
                    "{} is a run of {other} and {} one of {name}; name runs of one benchmark",
                    folder.display(),
                    path.display()
                ))),
                Some(_) => {}
                None => first = Some((name, path)),
            }
        }
    }
    Ok(runs)
}
