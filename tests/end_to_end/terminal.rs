//! What a terminal, a pipe and a file get of what is printed.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::command::{run, xtask};

const ESCAPE: char = '\u{1b}';

/// Without what this test's own terminal wants.
fn plain(arguments: &[&str]) -> Command {
    let mut command = xtask(arguments);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn help_has_bold_type_only_where_it_is_wanted() {
    for arguments in [&["bench", "--help"][..], &["generate", "--help"], &["bench", "longbench", "--help"]] {
        let (code, help, _) = run(&mut plain(arguments));
        assert!(code == 0 && help.contains("Usage:") && !help.contains(ESCAPE), "{help:?}");
        let (_, help, _) = run(plain(arguments).env("NO_COLOR", "1"));
        assert!(!help.contains(ESCAPE), "{help:?}");
        let (_, help, _) = run(plain(arguments).env("CLICOLOR_FORCE", "1"));
        assert!(help.contains(ESCAPE), "{help:?}");
    }
}

#[test]
fn the_version_says_what_there_is() {
    let (code, version, log) = run(&mut xtask(&["--version"]));
    assert_eq!(code, 0, "{log}");
    for word in [concat!("sah ", env!("CARGO_PKG_VERSION")), "\nlibtorch 2.", "\ncuda "] {
        assert!(version.contains(word), "{word} is not in\n{version}");
    }
    let (code, _, log) = run(&mut xtask(&["becnh"]));
    assert!(code == 2 && log.contains("did you mean bench?"), "{log}");
}

#[test]
fn a_pipe_that_nobody_reads_is_no_error() {
    let mut command = xtask(&["maskers"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cargo runs");
    drop(child.stdout.take());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!((child.wait().unwrap().code(), log.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_one() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = xtask(&["maskers"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.starts_with("error: standard output: ") && log.lines().count() == 1, "{log}");
}
