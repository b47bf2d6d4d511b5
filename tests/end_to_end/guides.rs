//! The guides in docs/guides: every command in a block of `sh` runs.

use std::fs;
use std::process::Command;

use sah_tests::project_root;

use crate::command::{as_in_a_shell, run};
use crate::fences::blocks;

#[test]
fn commands_of_the_guides_run() {
    let mut count = 0;
    for entry in fs::read_dir(project_root().join("docs/guides")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for script in blocks(&text, "sh") {
            count += 1;
            let mut shell = Command::new("sh");
            as_in_a_shell(&mut shell).args(["-e", "-c", &script]);
            let (code, printed, log) = run(&mut shell);
            assert_eq!(code, 0, "{}\n{script}\n{log}", path.display());
            assert!(!printed.trim().is_empty(), "{}\n{script}\nprinted nothing", path.display());
        }
    }
    assert!(count > 8, "{count} commands");
}
