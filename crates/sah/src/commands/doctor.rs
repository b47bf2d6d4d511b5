//! `cargo xtask doctor MODEL`: what a model lacks.

use std::process::ExitCode;

use sah_adapter::{Finding, PartStatus, diagnose};

use crate::args::DoctorArgs;
use crate::download::Bars;
use crate::terminal::{Facts, show};
use crate::{memory, model};

/// Prints a line for each part. Exit code 1 where the model cannot be run.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let source = model::source(&args.model, args.revision.as_deref())?;
    // Where the system does not tell, loading is tried.
    let room = memory::available_bytes().unwrap_or(u64::MAX);
    let findings = diagnose(&source, room, &mut Bars::default());
    let (mut problems, mut facts) = (0, Facts::untitled());
    for Finding { part, status } in &findings {
        let (word, text) = match status {
            PartStatus::Fine(text) => ("ok", text.clone()),
            PartStatus::Absent(text) => ("none", text.clone()),
            PartStatus::Unchecked(text) => ("-", text.clone()),
            PartStatus::Problem(error) => {
                problems += 1;
                ("PROBLEM", error.to_string())
            }
            _ => continue,
        };
        facts = facts.with(&format!("{word:<8} {part:<17}"), &text);
    }
    show(facts)?;
    if problems == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    tracing::error!(
        "{source} cannot be run: {problems} of {} checks found a problem; see above",
        findings.len()
    );
    Ok(ExitCode::FAILURE)
}
