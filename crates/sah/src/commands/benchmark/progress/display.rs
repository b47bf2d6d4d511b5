//! Progress on standard error: bars on a terminal, a line for each context elsewhere.

use std::collections::HashSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sah_bench_core::Warning;
use tracing_subscriber::fmt::MakeWriter as _;

use super::super::plan::Plan;
use super::{Listener, Message, Pace, Screen, clock};
use crate::logging::Console;
use crate::remedies;

/// Shows how far all cells of a run are.
#[derive(Debug)]
pub(in super::super) struct Display {
    console: Console,
    /// In the order of the plan.
    cells: Vec<CellProgress>,
    pace: Pace,
    /// Of the run; `None` where no bars are shown.
    bar: Option<ProgressBar>,
    /// What was said already: it is the same for all attentions of a model.
    said: HashSet<Warning>,
}

/// How far a cell is.
#[derive(Debug)]
struct CellProgress {
    name: String,
    rows_done: usize,
    rows_total: usize,
    row: Option<Row>,
}

/// The context at work.
#[derive(Debug)]
struct Row {
    task: String,
    /// New tokens of all answers.
    at_most: usize,
    bar: Option<ProgressBar>,
    /// When this part of the work began, for its speed.
    since: Instant,
}

impl Display {
    /// For all parts of `plan`; those that an earlier process finished are done.
    pub(in super::super) fn new(plan: &Plan<'_>, console: &Console, quiet: bool) -> Self {
        let cells: Vec<CellProgress> = plan
            .parts()
            .into_iter()
            .map(|part| {
                // Of a part about as many as of the others, until it says how many.
                let rows = plan.rows() / part.shard.map_or(1, |shard| shard.count().get());
                let rows_total = if plan.is_to_do(part) { rows } else { 0 };
                let is_done = plan.args.resume.is_some() && plan.is_done(part);
                let rows_done = if is_done { rows_total } else { 0 };
                CellProgress { name: plan.part_name(part), rows_done, rows_total, row: None }
            })
            .collect();
        let rows = cells.iter().map(|cell| cell.rows_total as u64).sum();
        let bar = (!quiet && !console.bars.is_hidden()).then(|| {
            let bar = console.bars.add(ProgressBar::new(rows));
            bar.set_style(style("{pos}/{len} rows {wide_bar} {msg}"));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let (console, pace) = (console.clone(), Pace::from(Instant::now()));
        let mut display = Self { console, cells, pace, bar, said: HashSet::new() };
        display.show_rows();
        display
    }

    fn rows_left(&self) -> usize {
        self.cells.iter().map(|cell| cell.rows_total - cell.rows_done).sum()
    }

    fn show_rows(&mut self) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(self.cells.iter().map(|cell| cell.rows_total as u64).sum());
        bar.set_position(self.cells.iter().map(|cell| cell.rows_done as u64).sum());
        bar.set_message(match self.pace.left(self.rows_left()) {
            Some(left) => format!("{} left", clock(left)),
            None => String::new(),
        });
    }

    fn started(&mut self, cell: usize, task: String, at_most: usize) {
        let bar = self.bar.is_some().then(|| {
            let bar = self.console.bars.add(ProgressBar::new(1));
            bar.set_style(style("  {msg} {wide_bar:.dim}"));
            bar
        });
        let row = Row { task, at_most, bar, since: Instant::now() };
        let cell = &mut self.cells[cell];
        row.show(&cell.name, "begins", None);
        cell.row = Some(row);
    }
}

/// Takes the bars away, so that nothing hides what is said in the end.
impl Drop for Display {
    fn drop(&mut self) {
        for row in self.cells.iter_mut().filter_map(|cell| cell.row.take()) {
            row.end();
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Screen for Display {
    /// Past the bars.
    fn line(&self, line: &str) {
        // Nobody is left to be told that standard error is closed.
        let _ = self.console.make_writer().write_all(format!("{line}\n").as_bytes());
    }

    fn leave(&mut self, cell: usize) {
        if let Some(row) = self.cells[cell].row.take() {
            row.end();
        }
    }
}

impl Listener for Display {
    fn hear(&mut self, cell: usize, message: Message) {
        match message {
            Message::Started { task, rows_done, rows_total, at_most } => {
                self.leave(cell);
                (self.cells[cell].rows_done, self.cells[cell].rows_total) = (rows_done, rows_total);
                self.show_rows();
                self.started(cell, task, at_most);
            }
            Message::Read { tokens, of } => {
                let CellProgress { name, row: Some(row), .. } = &mut self.cells[cell] else { return };
                row.show(name, "reads", Some((tokens, of)));
                if tokens == of {
                    row.since = Instant::now();
                }
            }
            Message::Generated { tokens } => {
                let CellProgress { name, row: Some(row), .. } = &mut self.cells[cell] else { return };
                row.show(name, "answers", Some((tokens, row.at_most)));
            }
            Message::Finished {
                task,
                rows,
                rows_done,
                rows_total,
                context_tokens,
                generated_tokens,
                seconds,
                error,
            } => {
                self.leave(cell);
                self.pace.add(rows);
                self.cells[cell].rows_done = rows_done;
                self.show_rows();
                let name = &self.cells[cell].name;
                let head = format!("[{name} {rows_done}/{rows_total}] {task}");
                if let Some(error) = error {
                    let message = format!("{head}: FAILED ({rows} rows): {error}");
                    tracing::warn!(cell = name, task, rows, rows_done, rows_total, error, "{message}");
                } else if self.bar.is_none() {
                    let left = self.pace.left(self.rows_left()).unwrap_or_default();
                    tracing::info!(
                        cell = name,
                        task,
                        rows,
                        rows_done,
                        rows_total,
                        context_tokens,
                        generated_tokens,
                        seconds,
                        seconds_left = left.as_secs_f64(),
                        "{head}: {context_tokens} tokens in, {generated_tokens} out, {seconds:.1} s; {} left",
                        clock(left)
                    );
                }
            }
            Message::Warned(warning) => {
                let text = remedies::of_warning(&warning);
                if self.said.insert(warning) {
                    tracing::warn!("{text}");
                }
            }
            Message::Failed(_) => self.leave(cell),
        }
    }
}

impl Row {
    /// What is done of this part of the work, and how fast; how many tokens of how many.
    fn show(&self, cell: &str, what: &str, tokens: Option<(usize, usize)>) {
        let Some(bar) = &self.bar else { return };
        let (done, of) = tokens.unwrap_or((0, 1));
        bar.update(|state| {
            state.set_len(of as u64);
            state.set_pos(done as u64);
        });
        let task = &self.task;
        let speed = done as f64 / self.since.elapsed().as_secs_f64().max(1e-3);
        bar.set_message(if tokens.is_some() {
            format!("{cell} {task} {what}: {done} of {of} tokens, {speed:.0} a second")
        } else {
            format!("{cell} {task} {what}")
        });
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template that is known to be right")
}
