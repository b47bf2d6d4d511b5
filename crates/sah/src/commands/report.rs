//! `cargo xtask report`: finished runs as a page, figures and tables.

use std::path::PathBuf;
use std::process::ExitCode;

use sah_longbench::LongBench;
use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Report, Run, runs_in};

use crate::args::ReportArgs;

/// Writes the report and prints where its page is.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let runs = read(&args.runs)?;
    let report = Report::new(&Analysis::new(&runs, &Bootstrap::default()))?;
    let folder = args.out.clone().unwrap_or_else(|| args.runs[0].join("report"));
    println!("{}", report.write(&folder)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Reads finished runs and scores their answers.
pub(super) fn read(folders: &[PathBuf]) -> anyhow::Result<Vec<Run>> {
    let benchmark = LongBench::default();
    let mut runs = Vec::new();
    for folder in folders {
        for run in runs_in(folder)? {
            runs.push(Run::read(&run, &benchmark)?);
        }
    }
    Ok(runs)
}
