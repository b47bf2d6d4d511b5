//! What came of a run, and how it is told.

use std::process::ExitCode;

use sah_bench_core::{Comparison, FinishedRun};

use super::parts::Cell;
use super::plan::Plan;
use super::table;
use crate::failure::Failure;
use crate::interrupt::INTERRUPTED;

/// Exit code of a run that ended, but in which some rows have no answer.
const ROWS_FAILED: u8 = 3;
/// Exit code of a run of which some cells could not be finished.
const CELLS_FAILED: u8 = 4;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// For each model the results of its attentions, as far as there are any.
    pub(super) finished: Vec<Vec<FinishedRun>>,
    /// Cells that could not be finished, and why.
    pub(super) failed: Vec<(Cell, Failure)>,
    /// Cells that nobody came to.
    pub(super) left: usize,
}

impl Outcome {
    /// Of a run of one model in this process.
    pub(super) fn of_one(finished: Vec<FinishedRun>) -> Self {
        Self { finished: vec![finished], ..Self::default() }
    }

    /// The results of a model.
    pub(super) fn finished(&mut self, model: usize) -> &mut Vec<FinishedRun> {
        if self.finished.len() <= model {
            self.finished.resize_with(model + 1, Vec::new);
        }
        &mut self.finished[model]
    }

    /// Compares, prints, and gives the exit code.
    pub(super) fn conclude(&self, plan: &Plan<'_>) -> anyhow::Result<ExitCode> {
        for (model, finished) in
            plan.models.iter().zip(&self.finished).filter(|(_, finished)| !finished.is_empty())
        {
            let comparison = Comparison::new(plan.benchmark.name(), finished)?;
            if finished.len() > 1 {
                comparison.write(&model.path())?;
            }
            if plan.models.len() > 1 {
                println!("{}\n", model.args.place.model);
            }
            println!("{}\n", table::scores(finished, &comparison.baseline));
            println!("{}\n", table::costs(finished));
        }
        println!("results in {}", plan.path.display());
        for (cell, failure) in &self.failed {
            tracing::error!("{} failed: {}", plan.name(*cell), failure.message);
        }
        if self.left > 0 || !self.failed.is_empty() {
            let (failed, all) = (self.failed.len(), plan.cells().len());
            let resume = format!("go on with --resume {}", plan.path.display());
            if self.left > 0 {
                tracing::error!(
                    "stopped with {} of {all} cells to do, {failed} of them failed; {resume}",
                    self.left + failed
                );
                return Ok(ExitCode::from(INTERRUPTED));
            }
            tracing::error!("{failed} of {all} cells failed, whose answered rows are kept; {resume}");
            return Ok(ExitCode::from(CELLS_FAILED));
        }
        let rows: usize = self.finished.iter().flatten().map(|run| run.detailed.rows_failed).sum();
        if rows == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        tracing::warn!(
            "{rows} rows have no answer and count as empty ones; the column `error` of raw_results.csv says why"
        );
        Ok(ExitCode::from(ROWS_FAILED))
    }
}
