//! Running other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::error::{Failure, Result};

/// The root of the checkout.
pub(crate) fn project_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lives one folder below the root")
}

/// Cargo as it was called, in the root of the checkout, without what it set for this program: build scripts that look at that
/// would run again, and all that depends on them would be compiled again, whenever a user calls cargo itself.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let of_this_program = |name: &String| {
        name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(of_this_program) {
        command.env_remove(name);
    }
    command.current_dir(project_root());
    command
}

/// Python, in the root of the checkout.
pub(crate) fn python() -> Command {
    let mut command = Command::new("python3");
    command.current_dir(project_root());
    command
}

/// `pip VERB` of the Python that `python` starts: quiet, whoever runs it.
pub(crate) fn pip(mut python: Command, verb: &str) -> Command {
    python.args(["-m", "pip", verb, "--quiet", "--disable-pip-version-check"]);
    python
}

/// Runs `command` to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    ended(command, status)
}

/// Anything but success is a failure that says what was run.
pub(crate) fn ended(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::failed(format!("{} ended with {status}", line(command))))
    }
}

/// Runs `command` and gives what it printed to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.trim().lines().last().unwrap_or("no message");
        Err(Failure::failed(format!("{} ended with {}: {last}", line(command), output.status)))
    }
}

/// A folder beside `path`, for this process only, to be renamed to it when whole.
pub(crate) fn temporary_beside(path: &Path) -> PathBuf {
    path.with_extension(format!("tmp.{}", std::process::id()))
}

/// Says which file or folder an input or output error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::failed(format!("{}: {error}", path.display()))
}

/// The failure of a command that does not start.
pub(crate) fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    Failure::failed(format!("cannot run {program}: {error}; is it installed and on PATH?"))
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
