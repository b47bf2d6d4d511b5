//! Going on with a run that was cut off, by the command line that it was started with.

use std::path::Path;

use anyhow::Context as _;
use clap::Parser as _;
use sah_bench_core::{read_json, write_json};
use serde::{Deserialize, Serialize};

use crate::args::{Bench, Cli, Command};
use crate::usage::UsageError;

const FILE: &str = "run.json";

/// The content of `run.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    /// The command line after the program's name.
    arguments: Vec<String>,
    /// The folder that relative paths in it start from.
    directory: String,
}

/// Keeps the command line of this process in the folder `run`.
pub(crate) fn keep_command_line(run: &Path) -> anyhow::Result<()> {
    let arguments = std::env::args_os().skip(1);
    let text = |text: std::ffi::OsString| {
        text.into_string().map_err(|text| UsageError(format!("{} is not UTF-8", text.display())))
    };
    let started = Started {
        arguments: arguments.map(text).collect::<Result<_, _>>()?,
        directory: text(std::env::current_dir()?.into_os_string())?,
    };
    Ok(write_json(&run.join(FILE), &started)?)
}

/// `cli`, or where it asks to resume a run the command line of that run, from the folder in which it was started.
pub(crate) fn command_line(cli: Cli) -> anyhow::Result<Cli> {
    let Command::Bench(Bench::Longbench(args)) = &cli.command else { return Ok(cli) };
    let Some(run) = &args.resume else { return Ok(cli) };
    let run = run.canonicalize().with_context(|| format!("no run to resume in {}", run.display()))?;
    let started: Started = read_json(&run.join(FILE))?;
    std::env::set_current_dir(&started.directory)
        .with_context(|| format!("{}, where the run was started", started.directory))?;
    let program = std::iter::once("sah".to_owned());
    let mut cli = Cli::try_parse_from(program.chain(started.arguments))
        .with_context(|| format!("the command line in {}", run.join(FILE).display()))?;
    let (Command::Bench(Bench::Longbench(args)), Some(result_dir), Some(name)) =
        (&mut cli.command, run.parent(), run.file_name().and_then(|name| name.to_str()))
    else {
        return Err(UsageError(format!("{} is no run of bench longbench", run.display())).into());
    };
    args.output.result_dir = result_dir.to_path_buf();
    args.output.run_name = Some(name.to_owned());
    args.resume = Some(run);
    Ok(cli)
}
