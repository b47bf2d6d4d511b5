//! The project's command line. Needs nothing but cargo: it must run before libtorch exists.
//!
//! Its own verbs set up, check and test; every other verb goes to the runner `sah`, which it builds first.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks to its user")]

mod bless;
mod checks;
mod doctor;
mod error;
mod libtorch;
mod model;
mod package;
mod process;
mod quiet;
mod runner;
mod tidy;
mod wheel;

use std::process::ExitCode;

use crate::error::{Failure, Result};

const USAGE: &str = "\
Usage: cargo xtask <COMMAND> [OPTIONS]

Measure:
  bench      Run a benchmark or a speed measurement (`cargo xtask bench --help`)
  submit     Give a run to a scheduler (`cargo xtask submit slurm --help`)
  score      Score predictions that already exist (`cargo xtask score --help`)
  report     Show finished runs: one HTML page, figures and tables (`cargo xtask report --help`)
  compare    Say which differences of finished runs are beyond noise
  results    List runs, complete or not
  generate   Answer one question about one context (`cargo xtask generate --help`)
  benchmarks List the benchmarks that can be run, with their subsets, data, metric and source
  models     List the models that can be run, and what their numbers were compared with
  maskers    List the maskers and presets for --attention, with fields, cost and source
  retentions List the rules and presets for --retention, with fields, cost and source
  convert    Convert published HashAttention weights, running no code of them (`cargo xtask convert --help`)
  calibrate  Make Double Sparsity's channel file from the model itself (`cargo xtask calibrate --help`)

Set up and check:
  setup      Fetch libtorch and the default model; does nothing where they are in place
               --cpu      the part of libtorch that runs on CPUs (default without nvidia-smi)
               --cuda     all of libtorch with CUDA, several GB (default with nvidia-smi)
               --system   use the torch package of python3, which must be the pinned version
  doctor     Say what is there, what is missing and how to get it; with a MODEL (hub id, folder or GGUF file),
             what that model lacks (`cargo xtask doctor --help`)
  test       Run all tests, set-up included
               --cuda     run the tests that need a CUDA device instead
  python     Build the Python package and install it: --venv DIR, a virtual environment, made where it is missing
  example    Run an example of any crate, or a program of examples/: NAME [ARGUMENTS ..]
  bless      Make goldens anew with the pinned Python reference, and say which of them changed
               [NAME ..]  these only; --list names them, their scripts and their files
  ci         What CI checks beside the tests: format, repository rules, clippy, docs, packages
  --version  Say the versions of this project and of libtorch, and the devices";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    match dispatch(&verb.to_string_lossy(), &rest) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(verb: &str, rest: &[std::ffi::OsString]) -> Result<ExitCode> {
    let flags: Vec<_> = rest.iter().map(|flag| flag.to_string_lossy()).collect();
    let flags: Vec<&str> = flags.iter().map(AsRef::as_ref).collect();
    match (verb, flags.as_slice()) {
        (
            "bench" | "submit" | "score" | "report" | "compare" | "results" | "generate" | "benchmarks"
            | "models" | "maskers" | "retentions" | "convert" | "calibrate",
            _,
        )
        | ("doctor", [_, ..]) => {
            return runner::run(verb, rest);
        }
        ("version" | "--version" | "-V", []) => return runner::version(),
        ("" | "help" | "--help" | "-h", _) | (_, ["--help" | "-h"]) => println!("{USAGE}"),
        ("setup", variant) => {
            libtorch::set_up(libtorch::Variant::from_flags(variant)?)?;
            let path = model::set_up()?;
            println!("default model  {}", path.display());
        }
        ("doctor", []) => return doctor::run(),
        ("python", flags) => wheel::install(flags)?,
        ("example", [name, ..]) => return runner::example(name, &rest[1..]),
        ("bless", ["--list"]) => bless::list(),
        ("bless", names) => return bless::bless(names),
        ("test", []) => checks::test()?,
        ("test", ["--cuda"]) => checks::test_cuda()?,
        ("ci", []) => checks::ci()?,
        ("test" | "ci", flags) => {
            return Err(Failure::usage(format!(
                "{verb} does not take {}; see cargo xtask help",
                flags.join(" ")
            )));
        }
        (other, _) => {
            let meant = nearest(other).map_or_else(String::new, |verb| format!("did you mean {verb}? "));
            return Err(Failure::usage(format!(
                "there is no command {other:?}; {meant}see cargo xtask help"
            )));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The verb of the usage that a misspelt one may mean: two letters may be wrong, missing or too many.
fn nearest(verb: &str) -> Option<&'static str> {
    let listed = USAGE.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let verbs = listed.filter(|verb| verb.bytes().all(|letter| letter.is_ascii_lowercase()));
    let near = verbs.map(|known| (distance(verb, known), known)).min()?;
    (near.0 <= 2.min(verb.len() / 2)).then_some(near.1)
}

/// How many letters must be changed, added or removed to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn a_misspelt_verb_means_the_nearest() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        for (verb, meant) in
            [("becnh", Some("bench")), ("modles", Some("models")), ("docter", Some("doctor")), ("x", None)]
        {
            assert_eq!(nearest(verb), meant, "{verb}");
        }
        assert_eq!(nearest("ruler"), None);
    }
}
