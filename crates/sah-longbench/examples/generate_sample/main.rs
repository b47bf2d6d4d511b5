//! Writes the bundled sample: `data/sample/<config>.jsonl`, one file for each of the 34 configs.
//!
//! ```text
//! cargo run -p sah-longbench --example generate_sample [-- OUT_DIR]
//! ```
//!
//! The output depends on nothing but this program: no clock, no network, no random state of the machine.
//! `tests/it/sample.rs` checks that the files in the repository are what it writes.
#![expect(clippy::print_stdout, reason = "a command-line program")]

mod generator;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let folder = env::args_os().nth(1).map_or(default, PathBuf::from);
    fs::create_dir_all(&folder)?;
    let (mut rows, mut characters) = (0, 0);
    for file in generator::files() {
        fs::write(folder.join(&file.name), &file.text)?;
        rows += file.text.lines().count();
        characters += file.text.chars().count();
    }
    println!("{}: {rows} rows, {characters} characters", folder.display());
    Ok(())
}
