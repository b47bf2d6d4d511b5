//! `cargo xtask doctor`: what is there, what is missing, how to get it.

use std::process::{Command, ExitCode};

use crate::error::{Failure, Result};
use crate::process::{output, python};
use crate::{libtorch, model};

/// Prints a line for each thing that the project needs. Exit code 1 where one is missing.
pub(crate) fn run() -> Result<ExitCode> {
    let checks = [
        ("rust", first_line(Command::new("rustc").arg("--version"))),
        ("C++ compiler", first_line(Command::new("c++").arg("--version"))),
        ("python3", first_line(python().arg("--version"))),
        ("pip", first_line(python().args(["-m", "pip", "--version"]))),
        ("libtorch", check_libtorch()),
        ("default model", check_model()),
    ];
    let mut missing = 0;
    for (name, found) in &checks {
        match found {
            Ok(found) => println!("ok       {name:<14} {found}"),
            Err(failure) => {
                missing += 1;
                println!("MISSING  {name:<14} {failure}");
            }
        }
    }
    match first_line(
        Command::new("nvidia-smi").args(["--query-gpu=name,driver_version", "--format=csv,noheader"]),
    ) {
        Ok(gpu) => println!("ok       {:<14} {gpu}", "GPU"),
        Err(_) => println!("none     {:<14} no nvidia-smi: everything runs on the CPU", "GPU"),
    }
    if missing == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::failed(format!("{missing} of {} things are missing; see above", checks.len())))
}

fn first_line(command: &mut Command) -> Result<String> {
    Ok(output(command)?.lines().next().unwrap_or_default().to_owned())
}

fn check_libtorch() -> Result<String> {
    let exported = libtorch::exported();
    let path = exported.clone().unwrap_or_else(|| libtorch::own_folder().join("torch"));
    if exported.is_none() && !libtorch::is_there(&path) {
        return Err(Failure::failed("not fetched yet: run cargo xtask setup"));
    }
    libtorch::check_version(&path)?;
    let how = if exported.is_some() { ", from the exported LIBTORCH" } else { "" };
    Ok(format!("{} in {}{how}", libtorch::version(&path)?, path.display()))
}

fn check_model() -> Result<String> {
    let path = model::path();
    if path.exists() {
        return Ok(path.display().to_string());
    }
    Err(Failure::failed("not fetched yet: run cargo xtask setup, or bring your own with --model"))
}
