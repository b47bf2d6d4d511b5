//! `cargo xtask doctor MODEL`: what a model lacks.

use std::path::Path;

use anyhow::ensure;
use sah_adapter::{Finding, PartStatus, diagnose, diagnose_config};

use crate::args::DoctorArgs;
use crate::download::Bars;
use crate::exit;
use crate::terminal::{Facts, show};
use crate::usage::UsageError;
use crate::{memory, model, remedies};

/// Prints a line for each part. Exit code 1 where the model cannot be run.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<u8> {
    let findings = findings(args)?;
    let (mut problems, mut facts) = (0, Facts::untitled());
    for Finding { part, status } in &findings {
        let (word, text) = match status {
            PartStatus::Fine(text) => ("ok", text.clone()),
            PartStatus::Absent(text) => ("none", text.clone()),
            PartStatus::Note(text) => ("note", text.clone()),
            PartStatus::Warning(text) => ("WARNING", text.clone()),
            PartStatus::Unchecked(text) => ("-", text.clone()),
            PartStatus::Problem(error) => {
                problems += 1;
                ("PROBLEM", remedies::explained_of_model(error))
            }
            _ => continue,
        };
        facts = facts.with(&format!("{word:<8} {part:<17}"), &text);
    }
    show(facts)?;
    if problems == 0 {
        return Ok(exit::DONE);
    }
    tracing::error!(
        "{} cannot be run: {problems} of {} checks found a problem; see above",
        args.model,
        findings.len()
    );
    Ok(exit::FAILED)
}

/// Looks at the model, or at a config without one.
fn findings(args: &DoctorArgs) -> anyhow::Result<Vec<Finding>> {
    let (path, overrides) = (Path::new(&args.model), args.config.overrides());
    if path.extension().is_some_and(|extension| extension == "json") {
        ensure!(args.revision.is_none(), UsageError("--revision with a file, which has none".to_owned()));
        return Ok(diagnose_config(path, &overrides));
    }
    let source = model::source(&args.model, args.revision.as_deref())?;
    // Where the system does not tell, loading is tried.
    let room = memory::available_bytes().unwrap_or(u64::MAX);
    Ok(diagnose(&source, &overrides, room, &mut Bars::default()))
}
