//! Going on with a run that was cut off, by the options that it was started with; and options from a file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sah_bench_core::{read_json, write_json};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::args::{Bench, BenchOptions, BenchmarkCommand, Cli, Command, ExecutionArgs};
use crate::commands::check_execution;
use crate::plan_file::PlanFile;
use crate::usage::UsageError;

const FILE: &str = "run.json";

/// The content of `run.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    /// The command line after the program's name, with the options of a file that it named.
    arguments: Vec<String>,
    /// The folder that relative paths in it start from.
    directory: PathBuf,
}

/// Keeps the options of a run in its folder.
pub(crate) fn keep_options(run: &Path, options: &BenchOptions) -> anyhow::Result<()> {
    let started = Started { arguments: options.arguments(), directory: std::env::current_dir()? };
    Ok(write_json(&run.join(FILE), &started)?)
}

/// `cli` with the options of the file that it names, or of the run that it resumes. In the second case the process goes to the
/// folder in which that run was started.
pub(crate) fn complete(app: &App, mut cli: Cli) -> anyhow::Result<Cli> {
    let Command::Bench(Bench::Benchmark(command)) = &mut cli.command else { return Ok(cli) };
    let mut given = command.options.clone();
    match (&command.args.config, &command.args.resume) {
        (Some(file), _) => {
            let of_file = PlanFile::read(&app.benchmarks, file, Some(given.benchmark))?.options;
            given = given.without(&["config"]).completed_by(of_file);
            **command = given.parse(&app.benchmarks)?;
        }
        (None, Some(run)) => **command = resumed(app, run, given.clone().without(&["resume"]))?,
        (None, None) => {}
    }
    check_execution(&given, &command.args)?;
    Ok(cli)
}

/// The options of the run in the folder `run`, and `options`, those of now.
fn resumed(app: &App, run: &Path, options: BenchOptions) -> anyhow::Result<BenchmarkCommand> {
    let may_be_given =
        |name: &&str| ExecutionArgs::NAMES.contains(name) || ["device", "threads"].contains(name);
    if let Some(name) = options.names().find(|name| !may_be_given(name)) {
        let text = format!("--{name} cannot be given with --resume, which goes on as the run was started");
        return Err(UsageError(text).into());
    }
    let run = run.canonicalize().with_context(|| format!("no run to resume in {}", run.display()))?;
    let started: Started = read_json(&run.join(FILE))?;
    let name = run.file_name().and_then(|name| name.to_str());
    let (Some(text), Some(result_dir), Some(name)) = (run.to_str(), run.parent(), name) else {
        return Err(UsageError(format!("{} is no run of a benchmark", run.display())).into());
    };
    std::env::set_current_dir(&started.directory)
        .with_context(|| format!("{}, where the run was started", started.directory.display()))?;
    let before = BenchOptions::in_arguments(&app.benchmarks, &started.arguments)
        .with_context(|| format!("the command line in {}", run.join(FILE).display()))?;
    // What a run was started with says nothing of how it goes on.
    let options = before.without(&["dry-run"]).replaced_by(options).with("resume", text);
    let mut command = options.parse(&app.benchmarks)?;
    command.args.output.result_dir = result_dir.to_path_buf();
    command.args.output.run_name = Some(name.to_owned());
    Ok(command)
}
