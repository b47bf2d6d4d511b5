//! One file for each command.

mod benchmark;
mod benchmarks;
mod calibrate;
mod compare;
mod convert;
mod doctor;
mod fields;
mod generate;
mod kernels;
mod maskers;
mod models;
mod report;
mod results;
mod retentions;
mod score;
mod speed;
mod submit;

pub(crate) use self::benchmark::{check_execution, run as run_benchmarks, time_as_name};
pub(crate) use self::generate::answer;
use crate::App;
use crate::args::{Bench, Calibrate, Command, Convert, Submit};

/// Runs what the command line asks for, beside benchmarks, and gives the exit code.
pub(crate) fn run(app: &App, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Bench(Bench::Speed(args)) => speed::run(app, &args),
        Command::Bench(Bench::Kernels(args)) => kernels::run(&args),
        Command::Score(command) => score::run(&command),
        Command::Generate(args) => generate::run(app, &args),
        Command::Benchmarks => benchmarks::run(&app.benchmarks),
        Command::Models => models::run(),
        Command::Maskers => maskers::run(&app.maskers),
        Command::Retentions(args) => retentions::run(&app.retentions, &args),
        Command::Convert(Convert::HashAttention(args)) => convert::hash_attention(&args),
        Command::Calibrate(Calibrate::DoubleSparsity(args)) => calibrate::double_sparsity(&args),
        Command::Calibrate(Calibrate::DuoAttention(args)) => calibrate::duo_attention(&args),
        Command::Submit(Submit::Slurm(args)) => submit::slurm::run(app, &args),
        Command::Report(args) => report::run(app, &args),
        Command::Compare(args) => compare::run(app, &args),
        Command::Results(args) => results::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}
