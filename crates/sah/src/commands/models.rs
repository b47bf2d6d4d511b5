//! `cargo xtask models`: what can be run.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use sah_adapter::{VERIFIED_AGAINST, families};

use crate::args::DEFAULT_MODEL;

/// Prints the architectures and the built-in model to standard output.
pub(crate) fn run() -> ExitCode {
    let mut architectures = table(["model_type", "for example", "compared with"]);
    for family in families() {
        let checkpoints = match family.checkpoints.len() {
            1 => "1 tiny random checkpoint".to_owned(),
            count => format!("{count} tiny random checkpoints"),
        };
        let verified = format!("{VERIFIED_AGAINST}: logits of {checkpoints}");
        architectures.add_row([family.model_type.to_owned(), family.examples.join("\n"), verified]);
    }
    let mut built_in = table(["built in", "what it is", "compared with"]);
    built_in.add_row([
        DEFAULT_MODEL.to_owned(),
        "SmolLM2-135M-Instruct, GGUF, Q4_1; the default".to_owned(),
        format!("{VERIFIED_AGAINST} on the same weights: tokens, logits and answers"),
    ]);
    println!("{architectures}\n\n{built_in}\n");
    println!(
        "--model takes a hub id, a folder in Hugging Face form or a GGUF file of one of these architectures. The differences \
         found, and what a config may ask for: docs/models.md"
    );
    ExitCode::SUCCESS
}

fn table(header: [&str; 3]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}
