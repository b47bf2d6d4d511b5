//! `cargo xtask test`, and what CI checks beside it, `cargo xtask ci`.
//!
//! Everything is built in the release profile: libtorch's C++ interface takes minutes to compile and is then shared by
//! tests, lints and the runner.

use crate::error::Result;
use crate::libtorch::{self, Variant};
use crate::process::{cargo, run};
use crate::{model, runner, tidy};

/// The crates that must build and pass without libtorch.
const WITHOUT_LIBTORCH: [&str; 4] = ["sah-metrics", "sah-bench-core", "sah-longbench", "sah-report"];

/// The crates that link libtorch.
const WITH_LIBTORCH: [&str; 3] = ["sah-tensor", "sah-attention", "sah-adapter"];

/// Runs all tests: crate by crate, then end to end.
pub(crate) fn test() -> Result<()> {
    libtorch::ensure(Variant::Fitting)?;
    model::set_up()?;
    for package in WITHOUT_LIBTORCH {
        // A path that leads nowhere shows that nothing looks for libtorch.
        run(cargo_test(&["--package", package]).env("LIBTORCH", "/no/libtorch/needed"))?;
    }
    for package in WITH_LIBTORCH {
        run(&mut cargo_test(&["--package", package]))?;
    }
    run(&mut cargo_test(&["--package", "xtask", "--package", "sah"]))?;
    runner::build()?;
    run(&mut cargo_test(&["--package", "sah-tests"]))
}

/// Runs the tests that need a CUDA device.
pub(crate) fn test_cuda() -> Result<()> {
    libtorch::ensure(Variant::Fitting)?;
    for package in WITH_LIBTORCH {
        run(cargo_test(&["--package", package]).args(["--", "--ignored", "cuda"]))?;
    }
    Ok(())
}

/// Runs what CI checks before the tests, cheapest first.
pub(crate) fn ci() -> Result<()> {
    step("format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    step("tidy");
    tidy::check()?;
    libtorch::ensure(Variant::Fitting)?;
    step("clippy");
    let clippy = ["clippy", "--release", "--locked", "--workspace", "--all-targets"];
    run(cargo().args(clippy).args(["--", "--deny", "warnings"]))?;
    step("docs");
    let doc = ["doc", "--release", "--locked", "--workspace", "--no-deps"];
    run(cargo().args(doc).env("RUSTDOCFLAGS", "--deny warnings"))
}

fn cargo_test(arguments: &[&str]) -> std::process::Command {
    let mut command = cargo();
    command.args(["test", "--release", "--locked"]).args(arguments);
    command
}

fn step(name: &str) {
    eprintln!("\n== {name}");
}
