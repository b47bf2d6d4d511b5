//! `cargo xtask test`, and what CI checks beside it, `cargo xtask ci`.
//!
//! Runner, tests, lints and examples are built in the release profile with the features that the whole workspace resolves
//! to: libtorch's C++ interface takes minutes to compile, and a package alone would resolve to other features and compile
//! its dependencies again.

use std::process::Command;

use crate::error::{Failure, Result};
use crate::libtorch::{self, Variant};
use crate::process::{cargo, output, run};
use crate::{model, package, runner, tidy};

/// The library crates that link libtorch. The others must not depend on it, whatever their features.
pub(crate) const WITH_LIBTORCH: [&str; 4] = ["sah", "sah-adapter", "sah-attention", "sah-tensor"];

/// Runs all tests: cargo goes through the packages by name, and the end-to-end tests come after the crates' own.
pub(crate) fn test() -> Result<()> {
    libtorch::ensure(Variant::Fitting)?;
    model::set_up()?;
    runner::build()?;
    run(&mut cargo_test())
}

/// Runs the tests that need a CUDA device.
pub(crate) fn test_cuda() -> Result<()> {
    libtorch::ensure(Variant::Fitting)?;
    run(cargo_test().args(["--", "--ignored", "cuda"]))
}

fn cargo_test() -> Command {
    let mut test = cargo();
    test.args(["test", "--release", "--locked", "--workspace"]);
    test
}

/// Runs what CI checks before the tests, cheapest first.
pub(crate) fn ci() -> Result<()> {
    step("format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    step("tidy");
    tidy::check()?;
    step("crates without libtorch");
    check_without_libtorch()?;
    libtorch::ensure(Variant::Fitting)?;
    step("clippy");
    let clippy = ["clippy", "--release", "--locked", "--workspace", "--all-targets"];
    run(cargo().args(clippy).args(["--", "--deny", "warnings"]))?;
    step("docs");
    let doc = ["doc", "--release", "--locked", "--workspace", "--no-deps"];
    run(cargo().args(doc).env("RUSTDOCFLAGS", "--deny warnings"))?;
    step("packages");
    package::check()
}

/// Fails where a crate that must do without libtorch depends on it, for its tests and examples, too.
fn check_without_libtorch() -> Result<()> {
    let crates = package::library_crates()?;
    let free: Vec<_> = crates.iter().filter(|name| !WITH_LIBTORCH.contains(&name.as_str())).collect();
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--prefix", "none", "--format", "{p}", "--edges", "normal,build,dev"]);
    for name in &free {
        tree.args(["--package", name.as_str()]);
    }
    let tree = output(&mut tree)?;
    let found = tree.lines().find(|line| line.starts_with("tch v") || line.starts_with("torch-sys v"));
    match found {
        None => Ok(()),
        Some(line) => Err(Failure::failed(format!(
            "{line} is among the dependencies of crates that need no libtorch; cargo tree --invert tch --package NAME \
             shows why, NAME being one of {free:?}"
        ))),
    }
}

fn step(name: &str) {
    eprintln!("\n== {name}");
}
