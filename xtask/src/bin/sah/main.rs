//! `sah`: the runner behind `cargo xtask bench`, `score`, `generate`, `models`, `maskers`, `convert`, `calibrate` and
//! `doctor MODEL`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
//! 3 done but some rows have no answer, 130 stopped by Ctrl-C.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks to its user")]

mod args;
mod attention;
mod chart;
mod commands;
mod download;
mod interrupt;
mod machine;
mod memory;
mod model;
mod resume;
mod terminal;
mod threads;
mod usage;
mod versions;
mod whole;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::explain(&error),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let log =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_target(false);
    log.without_time().init();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            usage::exit_code(&error)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let cli = resume::command_line(cli)?;
    threads::set(cli.command.threads())?;
    commands::run(cli.command)
}
