//! From what a command line names, a file of options or a run that was cut off, to the command line of each benchmark.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sah_bench_core::{check_run_name, read_json, write_json};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::args::{
    BenchOptions, BenchmarkCommand, BenchmarkCommands, ExecutionArgs, GivenBenchmarks, SeveralCommand,
};
use crate::commands::{check_execution, time_as_name};
use crate::plan_file::PlanFile;
use crate::usage::UsageError;

const FILE: &str = "run.json";

/// The content of `run.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    #[serde(flatten)]
    lines: Lines,
    /// The folder that relative paths in them start from.
    directory: PathBuf,
}

/// Command lines after the program's name, with the options of a file that they named.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Lines {
    /// Of a run of one benchmark.
    Arguments(Vec<String>),
    /// Of each benchmark of a run.
    Benchmarks(Vec<Vec<String>>),
}

/// Keeps the options of a run of one benchmark in its folder.
pub(crate) fn keep_options(run: &Path, benchmark: &str, options: &BenchOptions) -> anyhow::Result<()> {
    keep(run, Lines::Arguments(options.arguments(benchmark)))
}

/// Keeps those of a run of several.
pub(crate) fn keep_several(run: &Path, commands: &[BenchmarkCommand]) -> anyhow::Result<()> {
    let lines = commands.iter().map(|command| command.options.arguments(command.benchmark));
    keep(run, Lines::Benchmarks(lines.collect()))
}

fn keep(run: &Path, lines: Lines) -> anyhow::Result<()> {
    let started = Started { lines, directory: std::env::current_dir()? };
    Ok(write_json(&run.join(FILE), &started)?)
}

/// The benchmarks of the run of several in `folder`; none where it is no such run.
pub(crate) fn benchmarks_of(folder: &Path) -> Vec<String> {
    match read_json(&folder.join(FILE)) {
        Ok(Started { lines: Lines::Benchmarks(lines), .. }) => {
            lines.iter().filter_map(|line| Some(named_in(line)?.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

/// The benchmark in a command line after the program's name.
fn named_in(line: &[String]) -> Option<&str> {
    line.get(1).map(String::as_str)
}

/// The command line of each benchmark that is asked for. Where a run is resumed, the process goes to the folder in which that was
/// started.
pub(crate) fn complete(app: &App, given: GivenBenchmarks) -> anyhow::Result<BenchmarkCommands> {
    let GivenBenchmarks { names, options, config, resume } = given;
    let commands = match (config, resume) {
        (Some(file), _) => {
            let file = PlanFile::read(&app.benchmarks, &file, &names)?;
            planned(app, file, &options.without(&["config"]))?
        }
        (None, Some(run)) => resumed(app, &run, &names, &options.without(&["resume"]))?,
        (None, None) => {
            let of_each = names.iter().map(|name| options.parse(&app.benchmarks, name));
            together(of_each.collect::<Result<_, _>>()?)?
        }
    };
    Ok(commands)
}

/// The command lines of a plan, with `options` in place of those that are the same.
pub(crate) fn planned(
    app: &App,
    file: PlanFile,
    options: &BenchOptions,
) -> anyhow::Result<BenchmarkCommands> {
    let of_each = file
        .benchmarks
        .into_iter()
        .map(|(name, of_file)| options.clone().completed_by(of_file).parse(&app.benchmarks, name));
    together(of_each.collect::<Result<_, _>>()?)
}

/// A new run of one benchmark or more. Several have folders of their own in that of the run.
fn together(mut commands: Vec<BenchmarkCommand>) -> anyhow::Result<BenchmarkCommands> {
    for command in &commands {
        check_execution(&command.options, &command.args)?;
    }
    if commands.len() == 1 {
        return Ok(BenchmarkCommands::One(Box::new(commands.remove(0))));
    }
    // These two are the same for all.
    let output = &commands[0].args.output;
    let name = output.run_name.clone().map_or_else(time_as_name, Ok)?;
    check_run_name(&name)?;
    let run = output.result_dir.join(name);
    for command in &mut commands {
        command.args.output.result_dir.clone_from(&run);
        command.args.output.run_name = Some(command.benchmark.to_owned());
    }
    Ok(BenchmarkCommands::Several(SeveralCommand { run, commands, is_resumed: false }))
}

/// The command lines of the run in the folder `run`, and `options`, those of now.
fn resumed(
    app: &App,
    run: &Path,
    names: &[&str],
    options: &BenchOptions,
) -> anyhow::Result<BenchmarkCommands> {
    let may_be_given =
        |name: &&str| ExecutionArgs::NAMES.contains(name) || ["device", "threads"].contains(name);
    if let Some(name) = options.names().find(|name| !may_be_given(name)) {
        let text = format!("--{name} cannot be given with --resume, which goes on as the run was started");
        return Err(UsageError(text).into());
    }
    let run = run.canonicalize().with_context(|| format!("no run to resume in {}", run.display()))?;
    let started: Started = read_json(&run.join(FILE))?;
    std::env::set_current_dir(&started.directory)
        .with_context(|| format!("{}, where the run was started", started.directory.display()))?;
    let lines = match started.lines {
        Lines::Arguments(arguments) => {
            let command = one_resumed(app, &run, &run, &arguments, options)?;
            return Ok(BenchmarkCommands::One(Box::new(command)));
        }
        Lines::Benchmarks(lines) => lines,
    };
    let there_is: Vec<&str> = lines.iter().filter_map(|line| named_in(line)).collect();
    if let Some(other) = names.iter().find(|name| !there_is.contains(name)) {
        let text = format!("{} is a run of {}, not of {other}", run.display(), there_is.join(", "));
        return Err(UsageError(text).into());
    }
    let is_asked = |name: &str| names.is_empty() || names.contains(&name);
    let asked: Vec<(&str, &Vec<String>)> =
        there_is.into_iter().zip(&lines).filter(|(name, _)| is_asked(name)).collect();
    if options.gives("cell") && asked.len() > 1 {
        let text = format!("--cell: {} is a run of several benchmarks; name {0}/BENCHMARK", run.display());
        return Err(UsageError(text).into());
    }
    let mut commands = Vec::new();
    for (name, arguments) in asked {
        commands.push(one_resumed(app, &run, &run.join(name), arguments, options)?);
    }
    if commands.len() == 1 {
        return Ok(BenchmarkCommands::One(Box::new(commands.remove(0))));
    }
    Ok(BenchmarkCommands::Several(SeveralCommand { run, commands, is_resumed: true }))
}

/// The command line of the benchmark whose folder is `folder`, in the run `run` or that itself.
fn one_resumed(
    app: &App,
    run: &Path,
    folder: &Path,
    arguments: &[String],
    given: &BenchOptions,
) -> anyhow::Result<BenchmarkCommand> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let (Some(text), Some(result_dir), Some(name)) = (folder.to_str(), folder.parent(), name) else {
        return Err(UsageError(format!("{} is no run of a benchmark", folder.display())).into());
    };
    let before = BenchmarkCommand::of_arguments(&app.benchmarks, arguments)
        .with_context(|| format!("the command line in {}", run.join(FILE).display()))?;
    // What a run was started with says nothing of how it goes on.
    let mut options = given.clone().completed_by(before.options.without(&["dry-run"]));
    // A benchmark that could not be begun is begun now. Nothing is, where results are only put together.
    if folder.join(FILE).exists() || given.gives("collect") {
        options = options.with("resume", text);
    }
    let mut command = options.parse(&app.benchmarks, before.benchmark)?;
    command.args.output.result_dir = result_dir.to_path_buf();
    command.args.output.run_name = Some(name.to_owned());
    check_execution(given, &command.args)?;
    Ok(command)
}
