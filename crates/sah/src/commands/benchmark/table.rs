//! The tables at the end of a run.

use sah_bench_core::{
    Benchmark, FinishedRun, FurtherBeside, FurtherFigures, Grid, TaskScore, Units, Warning,
};

use crate::remedies;
use crate::terminal::{self, CellFigure, HeatMaps, TextTable, figure, figures, one_line};

/// The scores of attentions, the baseline's first, and what the benchmark gives beside them.
pub(super) fn scores(runs: &[FinishedRun], baseline: &str, benchmark: &dyn Benchmark) -> String {
    let base = runs.iter().find(|run| run.attention == baseline).unwrap_or(&runs[0]);
    let others = runs.iter().filter(|run| run.attention != base.attention);
    let runs: Vec<&FinishedRun> = std::iter::once(base).chain(others).collect();
    let units = benchmark.units();
    let mut blocks = match Grid::of_scores(&units, runs.iter().flat_map(|run| &run.metrics.task_scores)) {
        None => vec![list(&runs, &units).to_string()],
        Some(grid) if grid.is_map() => {
            vec![
                maps(&runs, &grid, &units).to_string().trim_end().to_owned(),
                means(&runs, &grid, &units).to_string(),
            ]
        }
        Some(grid) => {
            let tables = runs.iter().map(|run| of_grid(run, &grid, &units).to_string());
            tables.chain([means(&runs, &grid, &units).to_string()]).collect()
        }
    };
    blocks.extend(further(&runs, benchmark));
    blocks.join("\n\n")
}

/// Score of each task and bucket, a column for each attention, and the differences to the baseline.
fn list(runs: &[&FinishedRun], units: &Units) -> TextTable {
    let mut labels: Vec<String> = Vec::new();
    for (task, score) in runs.iter().flat_map(|run| &run.metrics.task_scores) {
        for (label, _) in labelled(task, score) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    let find = |run: &FinishedRun, label: &str| {
        let all = run.metrics.task_scores.iter().flat_map(|(task, score)| labelled(task, score));
        all.into_iter().find(|(other, _)| other == label)?.1
    };
    with_differences(runs, units, "score", labels.iter().map(String::as_str), find)
}

/// Of an attention the rows and columns of its scores.
fn of_grid(run: &FinishedRun, grid: &Grid, units: &Units) -> TextTable {
    let head = format!("{} ({})", run.attention, units.score.text());
    let header = std::iter::once(&head).chain(&grid.columns.names).cloned().collect();
    let row = |row: &String| {
        let cell = |column: &String| figure(cell(run, grid, row, column), units.score.digits());
        std::iter::once(row.clone()).chain(grid.columns.names.iter().map(cell)).collect()
    };
    figures(header, grid.rows.names.iter().map(row).collect())
}

fn maps<'a>(runs: &[&'a FinishedRun], grid: &'a Grid, units: &Units) -> HeatMaps<'a> {
    let map = |run: &&'a FinishedRun| {
        let run = *run;
        let value: CellFigure<'a> = Box::new(move |task, bucket| of_bucket(run, task, bucket));
        (run.attention.clone(), value)
    };
    HeatMaps { grid, scale: units.score, maps: runs.iter().map(map).collect() }
}

/// Mean of each column of a grid, and overall.
fn means(runs: &[&FinishedRun], grid: &Grid, units: &Units) -> TextTable {
    let mean = |run: &FinishedRun, column: &str| {
        let figures = grid.rows.names.iter().filter_map(|row| cell(run, grid, row, column));
        let figures: Vec<f64> = figures.collect();
        (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
    };
    let head = format!("mean by {}", grid.columns.word);
    with_differences(runs, units, &head, grid.columns.names.iter().map(String::as_str), mean)
}

/// Lines of figures, a column for each attention, and the differences to the first; at the end the benchmark's single figure, if it has
/// one.
fn with_differences<'a>(
    runs: &[&FinishedRun],
    units: &Units,
    head: &str,
    lines: impl Iterator<Item = &'a str>,
    value: impl Fn(&FinishedRun, &str) -> Option<f64>,
) -> TextTable {
    let (base, others) = (&runs[0], &runs[1..]);
    let digits = units.score.digits();
    let mut header = vec![format!("{head} ({})", units.score.text())];
    header.extend(runs.iter().map(|run| run.attention.clone()));
    header.extend(others.iter().map(|run| format!("{} - {}", run.attention, base.attention)));
    let row = |label: &str, value: &dyn Fn(&FinishedRun) -> Option<f64>| {
        let difference = |run: &&FinishedRun| match (value(run), value(base)) {
            (Some(other), Some(base)) => format!("{:+.digits$}", other - base),
            _ => "-".to_owned(),
        };
        let scores = runs.iter().map(|run| figure(value(run), digits));
        std::iter::once(label.to_owned()).chain(scores).chain(others.iter().map(difference)).collect()
    };
    let mut rows: Vec<Vec<String>> = lines.map(|line| row(line, &|run| value(run, line))).collect();
    if runs.iter().any(|run| run.metrics.overall_score.is_some()) {
        rows.push(row("overall", &|run| run.metrics.overall_score));
    }
    figures(header, rows)
}

/// The tables beside the scores, a column for each attention. Maps are for reports.
fn further(runs: &[&FinishedRun], benchmark: &dyn Benchmark) -> Vec<String> {
    let of_each: Vec<Vec<FurtherFigures>> = runs.iter().map(|run| run.further(benchmark)).collect();
    let of_each: Vec<&[FurtherFigures]> = of_each.iter().map(Vec::as_slice).collect();
    let names: Vec<&str> = runs.iter().map(|run| run.attention.as_str()).collect();
    let tables = FurtherBeside::all(&of_each);
    tables.iter().filter(|beside| !beside.is_map()).map(|beside| terminal::further(&names, beside)).collect()
}

fn cell(run: &FinishedRun, grid: &Grid, row: &str, column: &str) -> Option<f64> {
    let (task, bucket) = grid.cell(row, column);
    of_bucket(run, task, bucket)
}

fn of_bucket(run: &FinishedRun, task: &str, bucket: &str) -> Option<f64> {
    match run.metrics.task_scores.get(task)? {
        TaskScore::Buckets(buckets) => *buckets.get(bucket)?,
        TaskScore::Single(_) | TaskScore::Failed { .. } => None,
    }
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
    if runs.iter().any(|run| run.detailed.total.kept.is_some()) {
        rows.push(line("context keys kept", &|run| figure(Some(run.detailed.total.kept.unwrap_or(1.0)), 3)));
        let megabytes = |bytes: Option<f64>| figure(bytes.map(|bytes| bytes / 1e6), 1);
        rows.push(line("KV cache kept, MB", &|run| {
            megabytes(run.detailed.per_row.cache_bytes.map(|bytes| bytes.mean))
        }));
        rows.push(line("KV cache peak, MB", &|run| {
            megabytes(run.detailed.per_row.peak_cache_bytes.map(|bytes| bytes.max))
        }));
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use sah_bench_core::{Column, Error, Layout, Metrics, RowScore, Sample, Scale, TokenCount};
    use serde_json::json;

    use super::*;
    use crate::commands::benchmark::job::Job;
    use crate::commands::benchmark::testing::{Recorder, ScriptedModel, TestRun};

    /// Says how figures are laid out, and has a rate beside them.
    struct Laid(Layout);

    impl Benchmark for Laid {
        fn name(&self) -> &'static str {
            "laid"
        }

        fn subsets(&self) -> Vec<&str> {
            Vec::new()
        }

        fn extra_columns(&self) -> &'static [Column] {
            &[]
        }

        fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
            Ok(Vec::new())
        }

        fn score(&self, _: &Sample, _: &str) -> Result<RowScore, Error> {
            Ok(RowScore { value: 0.0, bucket: None })
        }

        fn references<'a>(&self, _: &'a Sample) -> &'a [String] {
            &[]
        }

        fn units(&self) -> Units {
            Units { layout: self.0.clone(), ..Units::default() }
        }

        fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
            let stored = metrics.further.get("rates");
            vec![FurtherFigures::new("rates", "Rates", Scale::One).with_stored(stored)]
        }
    }

    /// Dense and `streaming_llm` with a figure for each task and bucket.
    fn runs() -> Vec<FinishedRun> {
        let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
        let (plan, stop) = (test.plan(), AtomicBool::new(false));
        let model = ScriptedModel::default();
        let mut runs = Job::new(&plan, &stop).run(|_, _| Ok(model.load()), &mut Recorder::default()).unwrap();
        for (run, lost) in runs.iter_mut().zip([0.0, 40.0]) {
            let task = |name: &str, short: f64, long: f64| {
                let buckets = [("512", Some(short - lost)), ("1024", Some(long - lost))];
                let buckets = buckets.map(|(bucket, score)| (bucket.to_owned(), score));
                (name.to_owned(), TaskScore::Buckets(buckets.into_iter().collect()))
            };
            run.metrics.task_scores = [task("vt", 100.0, 60.0), task("qa", 80.0, 40.0)].into_iter().collect();
            run.metrics.overall_score = Some(70.0 - lost);
            run.metrics.further = json!({"rates": {"all": 0.5}}).as_object().unwrap().clone();
        }
        runs
    }

    #[test]
    fn buckets_across_have_a_table_for_each_attention_and_their_means() {
        let text = scores(&runs(), "dense", &Laid(Layout::Across { threshold: None }));
        let tables: Vec<&str> = text.split("\n\n").collect();
        assert_eq!(tables.len(), 4, "{text}");
        assert_eq!(
            tables[1],
            "| streaming_llm (0 to 100) |   512 |  1024 |\n\
             |--------------------------|-------|-------|\n\
             | vt                       | 60.00 | 20.00 |\n\
             | qa                       | 40.00 |  0.00 |"
        );
        let means: Vec<Vec<&str>> = tables[2].lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(means[2].join(" "), "| 512 | 90.00 | 50.00 | -40.00 |");
        assert_eq!(means[4].join(" "), "| overall | 70.00 | 30.00 | -40.00 |");
        assert!(
            tables[3].starts_with("Rates\n| rates (0 to 1) |") && tables[3].contains("| 0.5000 |"),
            "{text}"
        );
    }

    #[test]
    fn a_map_has_its_tasks_across_and_a_list_every_line() {
        let layout = Layout::Map { task: "task".to_owned(), task_axis: "task".to_owned() };
        let text = scores(&runs(), "dense", &Laid(layout));
        for part in [
            "\nlength   vt   qa          vt   qa\n",
            "\n512     100\u{2588}  80\u{2593}         60\u{2592}  40\u{2592}\n",
            "| mean by task (0 to 100) |",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
        let text = scores(&runs(), "dense", &Laid(Layout::List));
        assert!(text.starts_with("| score (0 to 100) |") && text.contains("| vt 1024 "), "{text}");
        let mut runs = runs();
        for run in &mut runs {
            run.metrics.overall_score = None;
        }
        assert!(!scores(&runs, "dense", &Laid(Layout::List)).contains("overall"));
    }
}
