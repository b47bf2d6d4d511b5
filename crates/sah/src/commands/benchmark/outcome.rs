//! What came of a run, and how it is told.

use std::process::ExitCode;

use sah_bench_core::{Comparison, FinishedRun};

use super::parts::Cell;
use super::plan::Plan;
use super::table;
use crate::exit;
use crate::failure::Failure;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// For each model the results of its attentions, as far as there are any.
    pub(super) finished: Vec<Vec<FinishedRun>>,
    /// Cells that could not be finished, and why.
    pub(super) failed: Vec<(Cell, Failure)>,
    /// Cells that were not done because the run was stopped.
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

    /// Compares the attentions of each model, prints what came of the run, and gives the exit code.
    pub(super) fn conclude(&self, plan: &Plan<'_>) -> anyhow::Result<ExitCode> {
        self.print_tables(plan)?;
        println!("results in {}", plan.path.display());
        self.log_problems(plan);
        Ok(ExitCode::from(self.exit_code()))
    }

    /// Writes the comparison of each model, and prints its tables.
    fn print_tables(&self, plan: &Plan<'_>) -> anyhow::Result<()> {
        for (model, finished) in plan.models.iter().zip(&self.finished) {
            if finished.is_empty() {
                continue;
            }
            let comparison = Comparison::new(plan.benchmark.name(), finished)?;
            if finished.len() > 1 {
                comparison.write(&model.path())?;
            }
            if plan.models.len() > 1 {
                println!("{}\n", model.args.place.model);
            }
            println!("{}\n", table::scores(finished, &comparison.baseline, &plan.benchmark.units()));
            println!("{}\n", table::costs(finished));
        }
        Ok(())
    }

    /// Says what failed or is left, and how to go on.
    fn log_problems(&self, plan: &Plan<'_>) {
        for (cell, failure) in &self.failed {
            tracing::error!("{} failed: {}", plan.name(*cell), failure.message);
        }
        let (failed, all) = (self.failed.len(), plan.cells().len());
        let resume = format!("go on with --resume {}", plan.path.display());
        let rows = self.rows_failed();
        if self.left > 0 {
            let to_do = self.left + failed;
            tracing::error!("stopped with {to_do} of {all} cells to do, {failed} of them failed; {resume}");
        } else if failed > 0 {
            tracing::error!("{failed} of {all} cells failed, whose answered rows are kept; {resume}");
        } else if rows > 0 {
            tracing::warn!(
                "{rows} rows have no answer and count as empty ones; the column `error` of raw_results.csv says why"
            );
        }
    }

    fn exit_code(&self) -> u8 {
        if self.left > 0 {
            exit::INTERRUPTED
        } else if !self.failed.is_empty() {
            exit::CELLS_FAILED
        } else if self.rows_failed() > 0 {
            exit::ROWS_FAILED
        } else {
            exit::DONE
        }
    }

    /// Rows without an answer in the cells that are finished.
    fn rows_failed(&self) -> usize {
        self.finished.iter().flatten().map(|run| run.detailed.rows_failed).sum()
    }
}
