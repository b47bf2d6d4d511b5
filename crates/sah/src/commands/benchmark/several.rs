//! Several benchmarks in one run: one after the other, each a run of its own in the folder of that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::estimate::{self, Estimate};
use super::outcome::Outcome;
use super::plan::Plan;
use super::progress::clock;
use super::{carry_out, checked, interrupt};
use crate::args::{MessageArgs, SeveralCommand};
use crate::failure::{Failure, FailureKind};
use crate::logging::Console;
use crate::terminal::{TextTable, figure, figures, show};
use crate::{App, exit, resume};

/// A benchmark, and its plan or why it has none.
type Planned<'a> = (&'static str, Result<Plan<'a>, Failure>);

/// Runs the benchmarks. One that fails costs no other; a mistake in the options of one is found before any is begun.
pub(super) fn run(
    app: &App,
    several: &SeveralCommand,
    messages: &MessageArgs,
    console: &Console,
) -> anyhow::Result<u8> {
    let SeveralCommand { run, commands, is_resumed } = several;
    let mut planned: Vec<Planned<'_>> = Vec::new();
    for command in commands {
        let plan = checked(app, command).map(|plan| plan.part_of(run));
        let plan = match plan.map_err(|error| (Failure::of(&error), error)) {
            Err((Failure { kind: FailureKind::Usage, .. }, error)) => {
                return Err(error.context(command.benchmark));
            }
            plan => plan.map_err(|(failure, _)| failure),
        };
        planned.push((command.benchmark, plan));
    }
    if commands[0].args.execution.dry_run {
        return describe(&planned);
    }
    let mut results = Results { count: planned.len(), ..Results::default() };
    for (benchmark, plan) in &planned {
        match plan {
            Err(failure) => tracing::warn!("{benchmark} cannot be run: {}", failure.message),
            Ok(plan) if !is_resumed => plan.make_folders()?,
            Ok(_) => {}
        }
    }
    if !is_resumed && planned.iter().any(|(_, plan)| plan.is_ok()) {
        resume::keep_several(run, commands)?;
    }
    let interrupt = interrupt(app, &commands[0], run, console)?;
    for (number, (benchmark, plan)) in planned.into_iter().enumerate() {
        let plan = match plan {
            Ok(plan) => plan,
            Err(failure) => {
                results.failed.push((benchmark, failure));
                continue;
            }
        };
        if interrupt.stop().load(Ordering::Relaxed) {
            results.left.push(benchmark);
            continue;
        }
        tracing::info!("{benchmark}: benchmark {} of {}", number + 1, commands.len());
        let outcome = carry_out(app, &plan, messages, console, &interrupt);
        interrupt.work_ends();
        match outcome {
            Ok(outcome) => {
                show(format_args!("{benchmark}\n\n"))?;
                outcome.conclude(&plan)?;
                show("\n")?;
                results.add(benchmark, &plan, &outcome);
            }
            Err(error) => match Failure::of(&error) {
                Failure { kind: FailureKind::Interrupted, message } => {
                    tracing::error!("{benchmark}: {message}");
                    results.left.push(benchmark);
                }
                failure => results.failed.push((benchmark, failure)),
            },
        }
    }
    if let Some(table) = results.table() {
        show(format_args!("{table}\n\n"))?;
    }
    show(format_args!("results in {}\n", run.display()))?;
    for (benchmark, failure) in &results.failed {
        tracing::error!("{benchmark} failed: {}", failure.message);
    }
    let go_on = format!("go on with --resume {}", run.display());
    let all = commands.len();
    if !results.left.is_empty() {
        tracing::error!(
            "stopped with {} of {all} benchmarks to do: {}; {go_on}",
            results.left.len(),
            results.left.join(", ")
        );
    } else if !results.failed.is_empty() {
        tracing::error!("{} of {all} benchmarks failed; {go_on}", results.failed.len());
    }
    Ok(results.exit_code())
}

/// What would be run.
fn describe(planned: &[Planned<'_>]) -> anyhow::Result<u8> {
    let (mut code, mut total) = (exit::DONE, Some(Duration::ZERO));
    for (benchmark, plan) in planned {
        match plan {
            Ok(plan) => {
                let Estimate { text, time } = estimate::of(plan)?;
                show(format_args!("{benchmark}\n\n{text}\n"))?;
                total = total.zip(time).map(|(total, time)| total + time);
            }
            Err(failure) => {
                tracing::error!("{benchmark} cannot be run: {}", failure.message);
                code = code.max(failure.kind.exit_code());
                total = None;
            }
        }
    }
    if let Some(total) = total {
        show(format_args!("{} benchmarks in about {}\n", planned.len(), clock(total)))?;
    }
    Ok(code)
}

/// What came of the benchmarks.
#[derive(Debug, Default)]
struct Results {
    /// How many there are.
    count: usize,
    /// Of each that came to its end its name with its scale, and the single figure of each method, as it is shown.
    scores: Vec<(String, Vec<(String, String)>)>,
    /// The worst exit code of those.
    code: u8,
    /// Those that could not be run, and why.
    failed: Vec<(&'static str, Failure)>,
    /// Those that are not done because the run was stopped.
    left: Vec<&'static str>,
}

impl Results {
    fn add(&mut self, benchmark: &'static str, plan: &Plan<'_>, outcome: &Outcome) {
        let code = outcome.exit_code();
        if code == exit::INTERRUPTED {
            self.left.push(benchmark);
        }
        self.code = self.code.max(code);
        let scale = plan.benchmark.units().score;
        let mut scores = Vec::new();
        for (model, finished) in outcome.finished.iter().enumerate() {
            for run in finished {
                let method = plan.name_of(model, &run.attention);
                scores.push((method, figure(run.metrics.overall_score, scale.digits())));
            }
        }
        self.scores.push((format!("{benchmark} ({})", scale.text()), scores));
    }

    /// The single figure of each method (a model with an attention) in each benchmark.
    fn table(&self) -> Option<TextTable> {
        let mut methods: Vec<&String> = Vec::new();
        for (method, _) in self.scores.iter().flat_map(|(_, scores)| scores) {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        let header =
            std::iter::once("score".to_owned()).chain(self.scores.iter().map(|(name, _)| name.clone()));
        let row = |method: &String| {
            let score = |scores: &[(String, String)]| {
                let found = scores.iter().find(|(other, _)| other == method);
                found.map_or_else(|| "-".to_owned(), |(_, score)| score.clone())
            };
            let cells = self.scores.iter().map(|(_, scores)| score(scores));
            std::iter::once(method.clone()).chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = methods.iter().map(|method| row(method)).collect();
        (!rows.is_empty()).then(|| figures(header.collect(), rows))
    }

    /// The exit code of the command.
    fn exit_code(&self) -> u8 {
        match &*self.failed {
            _ if !self.left.is_empty() => exit::INTERRUPTED,
            [] => self.code,
            [(_, first), ..] if self.failed.len() == self.count => first.kind.exit_code(),
            _ => exit::CELLS_FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, FailureKind, Results};
    use crate::exit;

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, message: String::new() }
    }

    #[test]
    fn the_worst_of_all_benchmarks_is_the_exit_code() {
        let mut results = Results { count: 2, ..Results::default() };
        assert_eq!(results.exit_code(), exit::DONE);
        results.code = exit::ROWS_FAILED;
        assert_eq!(results.exit_code(), exit::ROWS_FAILED);
        results.failed.push(("a", failure(FailureKind::Network)));
        assert_eq!(results.exit_code(), exit::CELLS_FAILED);
        results.failed.push(("b", failure(FailureKind::Data)));
        assert_eq!(results.exit_code(), exit::MAY_PASS, "nothing could be run, and it may be tried again");
        results.left.push("b");
        assert_eq!(results.exit_code(), exit::INTERRUPTED);
    }

    #[test]
    fn each_method_is_a_line_and_each_benchmark_a_column_with_its_scale() {
        let scores = |scores: &[(&str, &str)]| {
            scores
                .iter()
                .map(|(method, score)| ((*method).to_owned(), (*score).to_owned()))
                .collect::<Vec<_>>()
        };
        let results = Results {
            scores: vec![
                ("one (0 to 100)".to_owned(), scores(&[("m/dense", "40.00"), ("m/quest", "30.50")])),
                ("two (0 to 1)".to_owned(), scores(&[("m/dense", "0.500")])),
            ],
            ..Results::default()
        };
        let table = results.table().unwrap().to_string();
        let lines: Vec<String> =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "| score | one (0 to 100) | two (0 to 1) |");
        assert_eq!(lines[2..], ["| m/dense | 40.00 | 0.500 |", "| m/quest | 30.50 | - |"]);
        assert!(Results::default().table().is_none());
    }
}
