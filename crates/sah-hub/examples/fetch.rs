//! Fetches files of a hub repository and prints where they are.
//!
//! ```sh
//! cargo xtask example fetch org/name config.json
//! ```
//!
//! A file that the repository does not have is left out. `--revision REV` before the name takes another than `main`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks to its user")]

use std::process::ExitCode;

use sah_hub::{RepoKind, Repository};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut revision = None;
    if arguments.first().is_some_and(|argument| argument == "--revision") && arguments.len() > 1 {
        revision = arguments.drain(..2).next_back();
    }
    let Some((name, files)) = arguments.split_first() else {
        eprintln!("usage: fetch [--revision REV] ORG/NAME FILE...");
        return ExitCode::from(2);
    };
    let fetch = || {
        let repository = Repository::open(RepoKind::Model, name, revision.as_deref())?;
        for file in files {
            if let Some(path) = repository.fetch_optional(file, &mut ())? {
                println!("{}", path.display());
            }
        }
        Ok::<_, sah_hub::Error>(())
    };
    match fetch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
