//! Running `cargo xtask` the way the README does.

use std::process::{Command, Output};

use sah_tests::project_root;

/// `cargo xtask` with these arguments, in the root of the checkout.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(project_root()).arg("xtask").args(arguments);
    // Set for this test by cargo; a user's shell has none of it.
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// Runs the command and gives its exit code, standard output and standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("cargo runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}
