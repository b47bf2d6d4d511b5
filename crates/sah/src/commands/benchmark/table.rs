//! The tables at the end of a run.

use sah_bench_core::{FinishedRun, IntervalFigure, Repeats, TaskScore, Units, Warning};

use crate::remedies;
use crate::terminal::{TextTable, figure, figures, interval, one_line};

/// Score of each task, a column for each attention, the baseline's first, and the differences to it.
pub(super) fn scores(runs: &[FinishedRun], baseline: &str, units: &Units) -> TextTable {
    let base = runs.iter().find(|run| run.attention == baseline).unwrap_or(&runs[0]);
    let others: Vec<&FinishedRun> = runs.iter().filter(|run| run.attention != base.attention).collect();
    let mut header = vec![format!("score ({})", units.score), base.attention.clone()];
    header.extend(others.iter().map(|run| run.attention.clone()));
    header.extend(others.iter().map(|run| format!("{} - {baseline}", run.attention)));
    let mut rows = Vec::new();
    for (task, score) in &base.metrics.task_scores {
        for (label, of_base) in labelled(task, score) {
            let find = |run: &&FinishedRun| {
                let score = run.metrics.task_scores.get(task)?;
                labelled(task, score).into_iter().find(|(other, _)| *other == label)?.1
            };
            rows.push(row(&label, of_base, &others.iter().map(find).collect::<Vec<_>>()));
        }
    }
    let overall: Vec<_> = others.iter().map(|run| run.metrics.overall_score).collect();
    rows.push(row("overall", base.metrics.overall_score, &overall));
    figures(header, rows)
}

/// What several answers to each row say, a column for each attention; `None` where each row has one.
pub(super) fn repeats(runs: &[FinishedRun], units: &Units) -> Option<TextTable> {
    let first = runs.iter().find_map(|run| run.repeats.as_ref())?;
    let mut header = vec![format!("answers to a row: {} ({})", first.count, units.score)];
    header.extend(runs.iter().map(|run| run.attention.clone()));
    let line = |label: String, read: &dyn Fn(&Repeats) -> Option<IntervalFigure>| {
        let cell = |run: &FinishedRun| interval(run.repeats.as_ref().and_then(read), 2);
        std::iter::once(label).chain(runs.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for (label, figures) in &first.figures {
        rows.push(line(format!("{label} avg@{}", first.count), &|of| of.figures.get(label)?.mean));
        for k in figures.pass.keys() {
            rows.push(line(format!("{label} pass@{k}"), &|of| of.figures.get(label)?.pass.get(k).copied()));
        }
    }
    Some(figures(header, rows))
}

/// Time, memory and density, a column for each attention.
pub(super) fn costs(runs: &[FinishedRun]) -> TextTable {
    let mut header = vec!["cost".to_owned()];
    header.extend(runs.iter().map(|run| run.attention.clone()));
    let line = |label: &str, cell: &dyn Fn(&FinishedRun) -> String| {
        std::iter::once(label.to_owned()).chain(runs.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![
        line("rows answered", &|run| format!("{} of {}", run.detailed.rows_answered(), run.detailed.rows)),
        line("contexts read, s", &|run| figure(Some(run.detailed.total.prefill.seconds), 1)),
        line("questions, s", &|run| figure(Some(run.detailed.total.question.seconds), 1)),
        line("decoding, s", &|run| figure(Some(run.detailed.total.decode.seconds), 1)),
        line("total, s", &|run| figure(Some(run.detailed.total.seconds), 1)),
        line("decoded tokens/s", &|run| figure(run.detailed.total.decode.tokens_per_second, 1)),
        line("peak memory, MB", &|run| {
            figure(run.detailed.measures.peak_memory_bytes.map(|bytes| bytes as f64 / 1e6), 0)
        }),
        line("density", &|run| figure(run.detailed.total.density, 3)),
    ];
    if runs.iter().any(|run| run.detailed.total.border_tokens > 0) {
        rows.push(line("border tokens", &|run| run.detailed.total.border_tokens.to_string()));
    }
    if runs.iter().any(|run| run.attention_error().is_some()) {
        rows.push(line("attention error", &|run| figure(run.attention_error(), 3)));
    }
    figures(header, rows)
}

/// What makes scores mean something else than they seem to, each with the attentions that it is true of; `None` where there is
/// nothing.
pub(super) fn warnings(runs: &[FinishedRun]) -> Option<String> {
    let mut of: Vec<(&Warning, Vec<&str>)> = Vec::new();
    for run in runs {
        for warning in &run.warnings {
            match of.iter_mut().find(|(other, _)| *other == warning) {
                Some((_, attentions)) => attentions.push(&run.attention),
                None => of.push((warning, vec![&run.attention])),
            }
        }
    }
    let line = |(warning, attentions): (&Warning, Vec<&str>)| {
        let text = remedies::of_warning(warning);
        format!("warning ({}): {}", attentions.join(", "), one_line(&text))
    };
    (!of.is_empty()).then(|| of.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A task's figures with their labels: one, or one for each bucket that has rows.
fn labelled(task: &str, score: &TaskScore) -> Vec<(String, Option<f64>)> {
    match score {
        TaskScore::Single(score) => vec![(task.to_owned(), Some(*score))],
        TaskScore::Failed { .. } => vec![(task.to_owned(), None)],
        TaskScore::Buckets(buckets) => buckets
            .iter()
            .filter(|(_, score)| score.is_some())
            .map(|(bucket, score)| (format!("{task} {bucket}"), *score))
            .collect(),
    }
}

fn row(label: &str, base: Option<f64>, others: &[Option<f64>]) -> Vec<String> {
    let difference = |other: &Option<f64>| match (other, base) {
        (Some(other), Some(base)) => format!("{:+.2}", other - base),
        _ => "-".to_owned(),
    };
    let mut cells = vec![label.to_owned(), figure(base, 2)];
    cells.extend(others.iter().map(|&score| figure(score, 2)));
    cells.extend(others.iter().map(difference));
    cells
}
