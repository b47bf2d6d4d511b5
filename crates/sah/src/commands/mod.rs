//! One file for each command.

mod benchmark;
mod benchmarks;
mod calibrate;
mod compare;
mod convert;
mod doctor;
mod generate;
mod kernels;
mod maskers;
mod models;
mod report;
mod results;
mod score;
mod speed;
mod submit;

use std::process::ExitCode;

pub(crate) use self::benchmark::check_execution;
use crate::App;
use crate::args::{Bench, Calibrate, Cli, Command, Convert, Submit};
use crate::logging::Console;

/// Runs what the command line asks for and gives the exit code.
pub(crate) fn run(app: &App, cli: Cli, console: &Console) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Bench(Bench::Benchmark(command)) => benchmark::run(app, &command, &cli.messages, console),
        Command::Bench(Bench::Speed(args)) => speed::run(app, &args),
        Command::Bench(Bench::Kernels(args)) => kernels::run(&args),
        Command::Score(command) => score::run(&command),
        Command::Generate(args) => generate::run(app, &args),
        Command::Benchmarks => benchmarks::run(&app.benchmarks),
        Command::Models => models::run(),
        Command::Maskers => maskers::run(&app.maskers),
        Command::Convert(Convert::HashAttention(args)) => convert::hash_attention(&args),
        Command::Calibrate(Calibrate::DoubleSparsity(args)) => calibrate::double_sparsity(&args),
        Command::Submit(Submit::Slurm(args)) => submit::slurm::run(app, &args),
        Command::Report(args) => report::run(app, &args),
        Command::Compare(args) => compare::run(app, &args),
        Command::Results(args) => results::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}
