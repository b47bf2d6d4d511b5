//! Building and starting `sah`, the program that needs libtorch.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::error::{Failure, Result};
use crate::libtorch::{self, Variant};
use crate::model;
use crate::process::{cargo, project_root, run as run_to_end};
use crate::quiet::build_quietly;

/// Sets up what is missing, builds `sah` and hands `verb` and `arguments` over to it untouched.
pub(crate) fn run(verb: &str, arguments: &[OsString]) -> Result<ExitCode> {
    libtorch::ensure(Variant::Fitting)?;
    let asks_for_help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let runs_a_model = matches!(verb, "bench" | "submit" | "generate" | "calibrate");
    if runs_a_model && !asks_for_help && !names_model(arguments) {
        model::set_up()?;
    }
    let binary = build()?;
    let mut sah = Command::new(&binary);
    // libtorch's threads would otherwise spin for milliseconds after each operation and take the cores from ours.
    if std::env::var_os("OMP_WAIT_POLICY").is_none() {
        sah.env("OMP_WAIT_POLICY", "passive");
    }
    sah.arg(verb).args(arguments).env("SAH_DEFAULT_MODEL", model::path());
    replace_by(&mut sah).map_err(|error| Failure::failed(format!("cannot run {}: {error}", binary.display())))
}

/// What is installed here: of the runner only where it is built already, so that asking sets nothing up.
pub(crate) fn version() -> Result<ExitCode> {
    println!("cargo xtask {}", env!("CARGO_PKG_VERSION"));
    let binary = release_folder().join("sah");
    if !binary.exists() {
        println!("sah is not built yet; cargo xtask setup, and any command that measures, builds it");
        return Ok(ExitCode::SUCCESS);
    }
    replace_by(Command::new(&binary).arg("--version"))
        .map_err(|error| Failure::failed(format!("cannot run {}: {error}", binary.display())))
}

/// Builds an example of any crate, or a program of `examples/`, with the features of the whole workspace, and becomes it.
pub(crate) fn example(name: &str, arguments: &[OsString]) -> Result<ExitCode> {
    libtorch::ensure(Variant::Fitting)?;
    let is_program = project_root().join("examples").join(name).with_extension("rs").exists();
    let (kind, folder) = if is_program { ("--bin", "") } else { ("--example", "examples") };
    build_quietly(cargo().args(["build", "--release", "--locked", "--workspace", kind, name]))?;
    let program = release_folder().join(folder).join(name);
    replace_by(Command::new(&program).args(arguments))
        .map_err(|error| Failure::failed(format!("cannot run {}: {error}", program.display())))
}

/// Becomes `command`, so that Ctrl-C and a scheduler's signal reach it, and nothing but it answers.
#[cfg(unix)]
fn replace_by(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace_by(command: &mut Command) -> std::io::Result<ExitCode> {
    Ok(ExitCode::from(command.status()?.code().map_or(1, |code| code as u8)))
}

/// Builds the release binary of `sah` and says where it is.
pub(crate) fn build() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--workspace", "--bin", "sah"]);
    if release_folder().join("sah").exists() {
        build_quietly(&mut build)?;
    } else {
        eprintln!("building the runner; the first time this takes some minutes");
        run_to_end(&mut build)?;
    }
    Ok(release_folder().join("sah"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    project_root().join(target)
}

fn release_folder() -> PathBuf {
    target_folder().join("release")
}

/// Whether models are named, and the default one is not among them.
fn names_model(arguments: &[OsString]) -> bool {
    let mut named = Vec::new();
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str()).peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--model" {
            while let Some(value) = arguments.next_if(|value| !value.starts_with("--")) {
                named.push(value);
            }
        } else if let Some(value) = argument.strip_prefix("--model=") {
            named.push(value);
        }
    }
    !named.is_empty() && named.iter().all(|name| *name != model::NAME)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::names_model;
    use crate::model::NAME;

    #[test]
    fn the_default_model_is_needed_unless_only_others_are_named() {
        let names = |line: &[&str]| names_model(&line.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(
            !names(&["longbench"])
                && !names(&["--model", NAME])
                && !names(&["--model=a", "--model", "b", NAME])
        );
        assert!(names(&["--model", "a", "b", "--seed", NAME]) && names(&["--model=a"]));
    }
}
