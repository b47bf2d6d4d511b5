//! Running `cargo xtask` the way the README does.

use std::process::{Command, Output};

use sah_tests::project_root;

/// `cargo xtask` with these arguments, in the root of the checkout.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    as_in_a_shell(&mut command).arg("xtask").args(arguments);
    command
}

/// The program with the benchmark `counting`, see `src/bin/with_counting.rs`.
pub(crate) fn with_counting(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_with_counting"));
    command.args(arguments);
    command
}

/// In the root of the checkout, without what cargo sets for this test: a user's shell has none of it. (With it, build
/// scripts that look at it would run again, and all that depends on them.)
pub(crate) fn as_in_a_shell(command: &mut Command) -> &mut Command {
    let of_this_test = |name: &String| {
        let is_one = matches!(name.as_str(), "LD_LIBRARY_PATH" | "OUT_DIR");
        is_one || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for name in std::env::vars().map(|(name, _)| name).filter(of_this_test) {
        command.env_remove(name);
    }
    command.current_dir(project_root())
}

/// Runs the command and gives its exit code, standard output and standard error, without the line that says that cargo waits
/// for the cargo of another test.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("cargo runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
    let log = text(stderr);
    let log = log.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("Blocking waiting for"));
    (status.code().expect("an exit code"), text(stdout), log.collect())
}
