//! One file for each command.

mod benchmark;
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

use crate::args::{Bench, Calibrate, Cli, Command, Convert, Score, Submit};
use crate::logging::Console;

/// Runs what the command line asks for and gives the exit code.
pub(crate) fn run(cli: Cli, console: &Console) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Bench(Bench::Longbench(args) | Bench::Mock(args)) => {
            benchmark::run(&args, &cli.messages, console)
        }
        Command::Bench(Bench::Speed(args)) => speed::run(&args),
        Command::Bench(Bench::Kernels(args)) => kernels::run(&args),
        Command::Score(Score::Longbench(args)) => score::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Models => Ok(models::run()),
        Command::Maskers => maskers::run(),
        Command::Convert(Convert::HashAttention(args)) => convert::hash_attention(&args),
        Command::Calibrate(Calibrate::DoubleSparsity(args)) => calibrate::double_sparsity(&args),
        Command::Submit(Submit::Slurm(args)) => submit::slurm::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Results(args) => results::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}
