//! What came of a run, and how it is told.

use sah_bench_core::{ComparisonFile, FinishedRun};

use super::parts::Cell;
use super::plan::Plan;
use super::table;
use crate::exit;
use crate::failure::Failure;
use crate::terminal::show;

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
    pub(super) fn conclude(&self, plan: &Plan<'_>) -> anyhow::Result<u8> {
        self.print_tables(plan)?;
        show(format_args!("results in {}\n", plan.path.display()))?;
        self.log_problems(plan);
        Ok(self.exit_code())
    }

    /// Writes the comparison of each model, and prints its tables.
    fn print_tables(&self, plan: &Plan<'_>) -> anyhow::Result<()> {
        for (model, finished) in plan.models.iter().zip(&self.finished) {
            if finished.is_empty() {
                continue;
            }
            let comparison = ComparisonFile::new(plan.benchmark.name(), finished)?;
            if finished.len() > 1 {
                comparison.write(&model.path())?;
            }
            if plan.models.len() > 1 {
                show(format_args!("{}\n\n", model.args.place.model))?;
            }
            let scores = table::scores(finished, &comparison.baseline, &*plan.benchmark);
            show(format_args!("{scores}\n\n"))?;
            show(format_args!("{}\n\n", table::costs(finished)))?;
            if let Some(warnings) = table::warnings(finished) {
                show(format_args!("{warnings}\n\n"))?;
            }
        }
        Ok(())
    }

    /// Says what failed or is left, and how to go on.
    fn log_problems(&self, plan: &Plan<'_>) {
        for (cell, failure) in &self.failed {
            tracing::error!("{} failed: {}", plan.name(*cell), failure.message);
        }
        let (failed, all) = (self.failed.len(), plan.cells().len());
        let resume = format!("go on with --resume {}", plan.whole.display());
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

    /// The exit code of the command.
    pub(super) fn exit_code(&self) -> u8 {
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
    pub(super) fn rows_failed(&self) -> usize {
        self.finished.iter().flatten().map(|run| run.detailed.rows_failed).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use sah_bench_core::FinishedRun;

    use super::Outcome;
    use crate::commands::benchmark::job::Job;
    use crate::commands::benchmark::parts::Cell;
    use crate::commands::benchmark::plan::Plan;
    use crate::commands::benchmark::testing::{Recorder, ScriptedModel, TestRun};
    use crate::failure::{Failure, FailureKind};

    /// The results of the first model of `plan`.
    fn finished(plan: &Plan<'_>, fails_on: Option<&'static str>) -> Vec<FinishedRun> {
        let model = ScriptedModel { fails_on, ..ScriptedModel::default() };
        let stop = AtomicBool::new(false);
        Job::new(plan, &stop).run(|_, _| Ok(model.load()), &mut Recorder::default()).unwrap()
    }

    fn failed() -> (Cell, Failure) {
        let failure = Failure { kind: FailureKind::Killed, message: "ended by signal 9".to_owned() };
        (Cell { model: 0, attention: 1 }, failure)
    }

    /// The exit code, and whether there is a comparison.
    fn conclude(outcome: &Outcome, plan: &Plan<'_>) -> (u8, bool) {
        outcome.conclude(plan).unwrap();
        (outcome.exit_code(), plan.path.join("comparison.json").exists())
    }

    #[test]
    fn the_worst_that_happened_is_the_exit_code() {
        let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
        let plan = test.plan();
        let mut outcome = Outcome::of_one(finished(&plan, Some("lighthouse")));
        assert_eq!(conclude(&outcome, &plan), (3, true));
        assert_eq!(outcome.rows_failed(), 4, "two rows of each attention");
        outcome.failed.push(failed());
        assert_eq!(conclude(&outcome, &plan).0, 4);
        outcome.left = 1;
        assert_eq!(conclude(&outcome, &plan).0, 130);
    }

    #[test]
    fn one_attention_is_compared_with_nothing() {
        let test = TestRun::of_one(&["--attention=dense"]);
        let plan = test.plan();
        assert_eq!(conclude(&Outcome::of_one(finished(&plan, None)), &plan), (0, false));
        assert_eq!(conclude(&Outcome::of_one(Vec::new()), &plan), (0, false));
    }

    #[test]
    fn a_model_without_results_has_a_place() {
        let test = TestRun::of_one(&["--attention=dense"]);
        let mut outcome = Outcome::default();
        outcome.finished(2).extend(finished(&test.plan(), None));
        assert_eq!(outcome.finished.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
