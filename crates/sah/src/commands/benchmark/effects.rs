//! Options that cannot have an effect: whoever gives one expects something of it, so that it is an error and not ignored.

use super::plan::Plan;
use crate::args::{BenchOptions, BenchmarkArgs};
use crate::attention::NamedAttention;
use crate::benchmarks::GENERATED;
use crate::usage::UsageError;

/// Of a new run.
pub(super) fn check(plan: &Plan<'_>) -> Result<(), UsageError> {
    let (args, options) = (plan.args, plan.options);
    if options.gives("truncation") && args.limits.max_context_length.is_none() {
        return Err(none("truncation", "contexts are cut with --max-context-length only"));
    }
    let is_exact = |attention: &NamedAttention| {
        attention.config.is_none() && attention.retention.is_none() && attention.prefill.config().is_none()
    };
    if args.output.micro_metrics > 0.0 && plan.attentions.iter().all(is_exact) {
        let why = "it measures errors against dense attention, and --attention names dense alone";
        return Err(none("micro-metrics", why));
    }
    if args.limits.keep_contexts > 0.0 && plan.attentions.len() == 1 {
        return Err(none("keep-contexts", "one attention reads each context once; it is for several"));
    }
    if args.models.precision.packs() && plan.samples.iter().all(|sample| sample.context.is_empty()) {
        let name = format!("kv-dtype {}", args.models.precision.kv_dtype());
        return Err(none(&name, "it packs contexts once they are read, and no row has one"));
    }
    if args.sampling.is_greedy() {
        check_greedy(plan)?;
    }
    Ok(())
}

/// Where only attentions can draw random numbers.
fn check_greedy(plan: &Plan<'_>) -> Result<(), UsageError> {
    let limits = &plan.args.limits;
    let of_attentions = |draws: bool| plan.attentions.iter().filter(move |one| one.may_draw() == draws);
    let is_random = of_attentions(true).next().is_some();
    let rows_are_drawn = plan.data.source == GENERATED;
    if plan.options.gives("seed") && !is_random && !rows_are_drawn {
        let seed = limits.seed;
        tracing::warn!("--seed {seed} changes nothing: decoding is greedy, and no attention draws anything");
    }
    let repeats = limits.repeats.get();
    if repeats == 1 {
        return Ok(());
    }
    if !is_random {
        let why = "decoding is greedy, and no attention draws anything, so that all answers to a row would be the same; \
                   --temperature T draws tokens at random";
        return Err(none("repeats", why));
    }
    let names: Vec<&str> = of_attentions(false).map(|attention| attention.name.as_str()).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        tracing::warn!("{names}: nothing is random, so that all {repeats} answers to a row are the same");
    }
    Ok(())
}

/// Of how a run is carried out: `given` are the options of now, `args` with those that the run was started with.
pub(crate) fn check_execution(given: &BenchOptions, args: &BenchmarkArgs) -> Result<(), UsageError> {
    let execution = &args.execution;
    let useless = |names: &[&'static str]| names.iter().copied().find(|name| given.gives(name));
    if execution.collect {
        return match useless(&["dry-run", "jobs", "timeout", "retries", "device", "threads"]) {
            Some(name) => Err(none(name, "--collect answers nothing")),
            None => Ok(()),
        };
    }
    if execution.cell.is_some() {
        return match useless(&["dry-run", "jobs", "timeout", "retries"]) {
            Some(name) => {
                Err(none(name, "--cell does one cell in this process; whoever started it watches it"))
            }
            None => Ok(()),
        };
    }
    match useless(&["retries"]) {
        Some(name) if !args.is_matrix() => Err(none(
            name,
            "it is for cells in processes of their own (--jobs, --timeout, several models or devices)",
        )),
        _ => Ok(()),
    }
}

/// Of a run whose cells are tasks of a scheduler.
pub(super) fn check_scheduled(plan: &Plan<'_>) -> Result<(), UsageError> {
    check(plan)?;
    for (name, why) in [
        ("jobs", "each cell is a task of its own"),
        ("timeout", "the scheduler ends a task that takes too long"),
    ] {
        if plan.options.gives(name) {
            return Err(none(name, why));
        }
    }
    if plan.args.models.device.len() > 1 {
        return Err(none("device", "a task has one device, and here are several"));
    }
    Ok(())
}

fn none(name: &str, why: &str) -> UsageError {
    UsageError(format!("--{name} has no effect: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{check, check_execution, check_scheduled};
    use crate::commands::benchmark::testing::TestRun;

    #[test]
    fn what_changes_nothing_is_refused() {
        for (flags, words) in [
            (&["--truncation=middle"][..], "--truncation has no effect: contexts are cut"),
            (&["--attention=dense", "--micro-metrics=0.1"], "--micro-metrics has no effect"),
            (&["--attention=dense", "--keep-contexts=1"], "--keep-contexts has no effect"),
            (&["--attention=dense,quest", "--repeats=2"], "--repeats has no effect: decoding is greedy"),
        ] {
            let test = TestRun::of_one(flags);
            let error = check(&test.plan()).unwrap_err().to_string();
            assert!(error.contains(words), "{flags:?}: {error}");
        }
        let flags =
            ["--truncation=middle", "--max-context-length=9", "--micro-metrics=0.1", "--keep-contexts=1"];
        check(&TestRun::of_one(&flags).plan()).unwrap();
        for random in ["--temperature=0.6", "--attention=dense,vattention"] {
            check(&TestRun::of_one(&["--repeats=4", random]).plan()).unwrap();
        }
    }

    #[test]
    fn how_a_run_is_carried_out_depends_on_who_does_it() {
        for (flags, words) in [
            (&["--retries=3"][..], "--retries has no effect: it is for cells in processes of their own"),
            (&["--resume=r", "--cell=dense", "--jobs=2"], "--jobs has no effect: --cell does"),
            (&["--resume=r", "--cell=dense", "--dry-run"], "--dry-run has no effect: --cell does"),
            (
                &["--resume=r", "--collect", "--device=cpu"],
                "--device has no effect: --collect answers nothing",
            ),
        ] {
            let test = TestRun::of_one(flags);
            let error = check_execution(&test.command.options, &test.command.args).unwrap_err().to_string();
            assert!(error.contains(words), "{flags:?}: {error}");
        }
        for flags in [&["--retries=3", "--jobs=1"][..], &["--resume=r", "--cell=dense", "--threads=1"]] {
            let test = TestRun::of_one(flags);
            check_execution(&test.command.options, &test.command.args).unwrap();
        }
    }

    #[test]
    fn a_scheduler_starts_and_ends_processes_itself() {
        for (flag, words) in [
            ("--jobs=2", "each cell is a task of its own"),
            ("--timeout=1h", "the scheduler ends a task"),
            ("--micro-metrics=0.1", "--attention names dense alone"),
        ] {
            let test = TestRun::of_one(&["--attention=dense", flag]);
            let error = check_scheduled(&test.plan()).unwrap_err().to_string();
            assert!(error.contains(words), "{flag}: {error}");
        }
        check_scheduled(&TestRun::of_one(&["--retries=3"]).plan()).unwrap();
    }
}
