//! The parts of a run as tasks of a job array.

use std::path::PathBuf;

use super::effects;
use super::plan::Plan;
use crate::App;
use crate::args::BenchmarkCommand;

/// A run as the tasks of a job array, which a scheduler carries out.
#[derive(Debug)]
pub(crate) struct ArrayPlan {
    /// The benchmark.
    pub(crate) benchmark: &'static str,
    /// The folder of the run.
    pub(crate) path: PathBuf,
    pub(crate) tasks: Vec<ArrayTask>,
    /// How often a task is tried again that failed for a reason that may pass.
    pub(crate) retries: u32,
}

/// A task of a job array: `bench NAME --resume RUN OPTIONS` does one part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArrayTask {
    /// The run of one model.
    pub(crate) run: PathBuf,
    pub(crate) options: Vec<String>,
}

impl ArrayPlan {
    /// Checks what can be checked, as a run does.
    pub(crate) fn new(app: &App, command: &BenchmarkCommand) -> anyhow::Result<Self> {
        let plan = Plan::new(app, command)?;
        effects::check_scheduled(&plan)?;
        Self::of(&plan)
    }

    /// Makes the folders of the run.
    pub(crate) fn make_folders(app: &App, command: &BenchmarkCommand) -> anyhow::Result<Self> {
        let plan = Plan::new(app, command)?;
        effects::check_scheduled(&plan)?;
        plan.make_folders()?;
        Self::of(&plan)
    }

    fn of(plan: &Plan<'_>) -> anyhow::Result<Self> {
        let here = std::env::current_dir()?;
        let task = |part: super::parts::Part| ArrayTask {
            run: here.join(plan.models[part.cell.model].path()),
            options: plan.part_options(part),
        };
        Ok(Self {
            benchmark: plan.options.benchmark,
            path: here.join(&plan.path),
            tasks: plan.parts().into_iter().map(task).collect(),
            retries: plan.args.execution.retries,
        })
    }
}
