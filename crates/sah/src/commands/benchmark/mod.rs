//! `cargo xtask bench NAME`: each model with each attention on the same rows, then all side by side.
//!
//! A run of one model is done here, in this process, unless it is to be watched; everything else is a matrix of cells (a model
//! with an attention), each done by a process of its own, which is a run of one model that is resumed for one attention.

mod array;
mod config;
mod effects;
mod estimate;
mod explained;
mod job;
mod loaded;
mod matrix;
mod outcome;
mod parts;
mod plan;
mod progress;
mod several;
mod table;

#[cfg(test)]
mod testing;

use std::path::Path;

pub(crate) use self::array::{ArrayPlan, ArrayTask};
pub(crate) use self::effects::check_execution;
use self::job::Job;
use self::loaded::Loaded;
use self::outcome::Outcome;
pub(crate) use self::plan::time_as_name;
use self::plan::{ModelRun, Plan};
use self::progress::{Display, Listener, Screen, ToParent, Told};

use crate::App;
use crate::args::{BenchmarkCommand, BenchmarkCommands, MessageArgs};
use crate::exit;
use crate::failure::{Failure, FailureKind};
use crate::interrupt::Interrupt;
use crate::logging::Console;
use crate::terminal::show;

/// Runs one benchmark, or several one after the other. What can be wrong with the command line, the data or the result folder is
/// found before a model is loaded.
pub(crate) fn run(
    app: &App,
    commands: &BenchmarkCommands,
    messages: &MessageArgs,
    console: &Console,
) -> anyhow::Result<u8> {
    let command = match commands {
        BenchmarkCommands::One(command) => command,
        BenchmarkCommands::Several(several) => return several::run(app, several, messages, console),
    };
    if command.args.execution.worker {
        return Ok(work(app, command));
    }
    let plan = checked(app, command)?;
    if command.args.execution.dry_run {
        show(estimate::of(&plan)?.text)?;
        return Ok(exit::DONE);
    }
    let interrupt = interrupt(app, command, &plan.whole, console)?;
    carry_out(app, &plan, messages, console, &interrupt)?.conclude(&plan)
}

/// The plan of a command line, with all that can be checked.
fn checked<'a>(app: &App, command: &'a BenchmarkCommand) -> anyhow::Result<Plan<'a>> {
    let plan = Plan::new(app, command)?;
    if plan.args.resume.is_none() {
        effects::check(&plan)?;
    }
    Ok(plan)
}

/// Catches the signals of the run in the folder `whole`, unless it answers nothing, or they are those of a caller, who is told of it.
fn interrupt(
    app: &App,
    command: &BenchmarkCommand,
    whole: &Path,
    console: &Console,
) -> anyhow::Result<Interrupt> {
    if let Some(caller) = &app.caller {
        caller.begins(whole);
        return Ok(Interrupt::default());
    }
    if command.args.execution.collect {
        return Ok(Interrupt::default());
    }
    Interrupt::of_run(whole, console)
}

/// Does what is left of a plan.
fn carry_out(
    app: &App,
    plan: &Plan<'_>,
    messages: &MessageArgs,
    console: &Console,
    interrupt: &Interrupt,
) -> anyhow::Result<Outcome> {
    if let Some(note) = &plan.note {
        tracing::info!("{note}");
    }
    let execution = &plan.args.execution;
    let mut display = Display::new(plan, console, messages.quiet);
    if execution.collect {
        return Ok(matrix::collect(plan));
    }
    let mut told;
    let screen: &mut dyn Screen = match &app.caller {
        None => &mut display,
        Some(caller) => {
            let names = plan.parts().into_iter().map(|part| plan.part_name(part)).collect();
            let (screen, caller, stop) = (&mut display, &**caller, interrupt.stop());
            told = Told { screen, caller, names, stop };
            &mut told
        }
    };
    if plan.is_matrix() {
        interrupt.work_begins();
        return matrix::run(&app.program, plan, messages, screen, interrupt.stop());
    }
    let finished = Job::new(plan, interrupt.stop()).run(loader(app, interrupt), screen);
    if let (Err(error), Some(cell)) = (&finished, &execution.cell) {
        let failure = Failure::of(error);
        if failure.kind != FailureKind::Interrupted {
            // For whoever looks at the run without having seen this process. The error that led here is the one to report.
            let _ = failure.write(&plan.models[0].path().join(cell));
        }
    }
    Ok(Outcome::of_one(finished?))
}

/// Does a cell for the process that started this one, and tells it everything.
fn work(app: &App, command: &BenchmarkCommand) -> u8 {
    let mut parent = ToParent;
    let done = Interrupt::of_worker().and_then(|interrupt| {
        let plan = Plan::new(app, command)?;
        Job::new(&plan, interrupt.stop()).run(loader(app, &interrupt), &mut parent)
    });
    match done {
        Ok(_) => exit::DONE,
        Err(error) => {
            parent.hear(0, progress::Message::Failed(Failure::of(&error)));
            Failure::exit_code(&error)
        }
    }
}

/// Loads the model of a run, after which its contexts are at work.
fn loader<'a>(
    app: &App,
    interrupt: &Interrupt,
) -> impl FnOnce(&'a Plan<'a>, &'a ModelRun) -> anyhow::Result<Loaded<'a>> {
    |plan, run| {
        let loaded = Loaded::load(app, plan, run)?;
        interrupt.work_begins();
        Ok(loaded)
    }
}
