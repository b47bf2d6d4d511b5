//! `cargo xtask compare`: which differences are beyond noise.

use std::process::ExitCode;

use sah_report::statistics::{Bootstrap, Verdict};
use sah_report::tables::{Cell, difference, warnings};
use sah_report::{Analysis, Comparison, Pairing};

use super::report::read;
use crate::App;
use crate::args::CompareArgs;
use crate::terminal;
use crate::usage::UsageError;

/// Prints a table and a sentence for each comparison.
pub(crate) fn run(app: &App, args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let runs = read(app, &args.runs)?;
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    if analysis.comparisons.is_empty() {
        let message = "a run of one attention has nothing to be compared with; name another RUN".to_owned();
        return Err(UsageError(message).into());
    }
    for comparison in &analysis.comparisons {
        let name = terminal::one_line(&analysis.name_of(comparison));
        let table = terminal::table(&difference(&analysis, comparison));
        terminal::show(format_args!("{name}\n\n{table}\n\n{}\n\n", conclusion(comparison)))?;
    }
    if let Some(warnings) = warnings(&analysis) {
        let caption = terminal::one_line(&warnings.caption);
        terminal::show(format_args!("{caption}\n{}\n", terminal::table(&warnings)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn conclusion(comparison: &Comparison) -> String {
    let verdicts = comparison.groups.iter().map(|(_, difference)| difference.estimate.verdict());
    let beyond = verdicts.filter(|verdict| *verdict == Verdict::BeyondNoise).count();
    let all = comparison.groups.len();
    let overall = match &comparison.overall {
        Some(overall) => {
            let shown = Cell::SignedEstimate(overall.estimate).shown();
            format!("overall {shown}, {}", overall.estimate.verdict().text())
        }
        None => "no overall difference: the sides have different tasks".to_owned(),
    };
    let unpaired = comparison.groups.iter().filter(|(_, difference)| difference.pairing == Pairing::Unpaired);
    let unpaired = match unpaired.count() {
        0 => String::new(),
        some => format!(
            " The sides answered different rows in {some} of them, whose means are compared (unpaired)."
        ),
    };
    format!(
        "{beyond} of {all} differences are beyond noise: their 95 % confidence intervals exclude 0; {overall}.{unpaired}"
    )
}
