//! The command line `sah`, as a library: the runner behind `cargo xtask bench`, `score`, `report`, `compare`, `results`, `generate`, `models`, `maskers`,
//! `convert`, `calibrate` and `doctor MODEL`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
//! 3 done but some rows have no answer, 4 some cells of a matrix failed, 75 failed for a reason that may pass (network, busy
//! device), 130 stopped by Ctrl-C.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks to its user")]

mod args;
mod attention;
mod benchmarks;
mod chart;
mod commands;
mod device;
mod download;
mod exit;
mod failure;
mod interrupt;
mod logging;
mod machine;
mod memory;
mod model;
mod plan_file;
mod remedies;
mod resume;
mod terminal;
mod threads;
mod usage;
mod versions;
mod whole;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::args::{Cli, Given};
use crate::failure::Failure;
use crate::logging::Console;

/// Runs the command line that this process was started with, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let parsed =
        Cli::command().try_get_matches().and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::explain(error),
    };
    let console = Console::default();
    let _trace = match logging::start(&cli.messages, &console) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("error: {}", remedies::explained(&error));
            return Failure::exit_code(&error);
        }
    };
    match run(cli, &matches, &console) {
        Ok(code) => code,
        Err(error) => {
            // A message quotes files, and what is in them.
            tracing::error!("{}", sah_report::visible(&remedies::explained(&error)));
            Failure::exit_code(&error)
        }
    }
}

fn run(cli: Cli, matches: &ArgMatches, console: &Console) -> anyhow::Result<ExitCode> {
    let cli = resume::complete(cli, || Given::on_the_command_line(matches))?;
    threads::set(cli.command.threads())?;
    commands::run(cli, console)
}
