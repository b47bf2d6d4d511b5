//! The parts of a run as tasks of a job array.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::effects;
use super::plan::Plan;
use crate::args::{BenchmarkCommand, BenchmarkCommands};
use crate::{App, resume};

/// A run as the tasks of a job array, which a scheduler carries out.
#[derive(Debug)]
pub(crate) struct ArrayPlan {
    /// The folder of the run.
    pub(crate) path: PathBuf,
    pub(crate) tasks: Vec<ArrayTask>,
    /// How often a task is tried again that failed for a reason that may pass.
    pub(crate) retries: u32,
}

/// A task of a job array: `bench --resume RUN OPTIONS` does one part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArrayTask {
    /// The run of one benchmark with one model.
    pub(crate) run: PathBuf,
    pub(crate) options: Vec<String>,
}

impl ArrayPlan {
    /// Checks what can be checked, as a run does.
    pub(crate) fn new(app: &App, commands: &BenchmarkCommands) -> anyhow::Result<Self> {
        let (path, plans) = plans(app, commands)?;
        Self::of(&path, &plans)
    }

    /// Makes the folders of the run.
    pub(crate) fn make_folders(app: &App, commands: &BenchmarkCommands) -> anyhow::Result<Self> {
        let (path, plans) = plans(app, commands)?;
        for plan in &plans {
            plan.make_folders()?;
        }
        if let BenchmarkCommands::Several(several) = commands {
            resume::keep_several(&path, &several.commands)?;
        }
        Self::of(&path, &plans)
    }

    fn of(path: &Path, plans: &[Plan<'_>]) -> anyhow::Result<Self> {
        let here = std::env::current_dir()?;
        let mut tasks = Vec::new();
        for plan in plans {
            tasks.extend(plan.parts().into_iter().map(|part| ArrayTask {
                run: here.join(plan.models[part.cell.model].path()),
                options: plan.part_options(part),
            }));
        }
        let retries = plans.iter().map(|plan| plan.args.execution.retries).max().unwrap_or_default();
        Ok(Self { path: here.join(path), tasks, retries })
    }
}

/// The folder of the run, and the plan of each benchmark.
fn plans<'a>(app: &App, commands: &'a BenchmarkCommands) -> anyhow::Result<(PathBuf, Vec<Plan<'a>>)> {
    let plan = |command: &'a BenchmarkCommand| {
        let plan = Plan::new(app, command)?;
        effects::check_scheduled(&plan)?;
        anyhow::Ok(plan)
    };
    match commands {
        BenchmarkCommands::One(command) => {
            let plan = plan(command)?;
            Ok((plan.path.clone(), vec![plan]))
        }
        BenchmarkCommands::Several(several) => {
            let plan =
                |command: &'a BenchmarkCommand| plan(command).with_context(|| command.benchmark.to_owned());
            let plans = several.commands.iter().map(plan).collect::<Result<_, _>>()?;
            Ok((several.run.clone(), plans))
        }
    }
}
