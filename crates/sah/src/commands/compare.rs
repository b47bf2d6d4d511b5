//! `cargo xtask compare`: which differences are beyond noise.

use sah_report::statistics::Verdict;
use sah_report::tables::{Cell, difference, further_differences, warnings};
use sah_report::{Analysis, Comparison, Pairing, Part};

use super::report::Finished;
use crate::App;
use crate::args::CompareArgs;
use crate::exit;
use crate::terminal;
use crate::usage::UsageError;

/// Prints a table and a sentence for each comparison; of several benchmarks first a table over all.
pub(crate) fn run(app: &App, args: &CompareArgs) -> anyhow::Result<u8> {
    let finished = Finished::read(app, &args.runs)?;
    let overview = finished.overview();
    if overview.parts.iter().all(|part| part.analysis.comparisons.is_empty()) {
        let message = "a run of one attention has nothing to be compared with; name another RUN".to_owned();
        return Err(UsageError(message).into());
    }
    if finished.of_one().is_none() {
        for table in overview.tables() {
            let caption = terminal::one_line(&table.caption);
            terminal::show(format_args!("{caption}\n\n{}\n\n", terminal::table(&table)))?;
        }
    }
    for Part { benchmark, analysis } in &overview.parts {
        if overview.parts.len() > 1 {
            terminal::show(format_args!("{benchmark}\n\n"))?;
        }
        compare(analysis)?;
    }
    finished.warn();
    Ok(exit::DONE)
}

/// Prints the comparisons of one benchmark.
fn compare(analysis: &Analysis<'_>) -> anyhow::Result<()> {
    for comparison in &analysis.comparisons {
        let name = terminal::one_line(&analysis.name_of(comparison));
        let table = terminal::table(&difference(analysis, comparison));
        terminal::show(format_args!("{name}\n\n{table}\n\n{}\n\n", conclusion(analysis, comparison)))?;
        for further in further_differences(analysis, comparison) {
            let caption = terminal::one_line(&further.caption);
            terminal::show(format_args!("{caption}\n{}\n\n", terminal::table(&further)))?;
        }
    }
    if let Some(warnings) = warnings(analysis) {
        let caption = terminal::one_line(&warnings.caption);
        terminal::show(format_args!("{caption}\n{}\n", terminal::table(&warnings)))?;
    }
    Ok(())
}

fn conclusion(analysis: &Analysis<'_>, comparison: &Comparison) -> String {
    let verdicts = comparison.groups.iter().map(|(_, difference)| difference.estimate.verdict());
    let beyond = verdicts.filter(|verdict| *verdict == Verdict::BeyondNoise).count();
    let all = comparison.groups.len();
    let overall = match &comparison.overall {
        Some(overall) => {
            let shown = Cell::SignedEstimate(overall.estimate, analysis.units.score.digits()).shown();
            format!("overall {shown}, {}", overall.estimate.verdict().text())
        }
        None if !analysis.has_overall() => "the benchmark has no overall score".to_owned(),
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
