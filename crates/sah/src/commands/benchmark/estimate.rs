//! `--dry-run`: what would be run, and how long it may take.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sah_bench_core::{DetailedResults, RunConfig, Sample, read_json};

use super::parts::Cell;
use super::plan::Plan;
use super::progress::clock;
use crate::remedies;
use crate::terminal::figures;

/// Bytes of text for a token: about right for English and these tokenizers, and too much for Chinese.
const BYTES_PER_TOKEN: usize = 4;
/// Folders of runs, benchmarks, models and attentions.
const DEPTH: usize = 4;

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    rows: usize,
    contexts: usize,
    /// By the length of the text.
    context_tokens: usize,
    /// If every answer were as long as it may be.
    new_tokens: usize,
}

/// How fast an earlier run was.
#[derive(Clone, Debug, PartialEq)]
struct Speed {
    /// The folder of its attention.
    folder: PathBuf,
    finished: SystemTime,
    read_tokens_per_second: f64,
    seconds_per_question: f64,
    decoded_tokens_per_second: f64,
}

/// A plan in words and tables, and its time.
pub(super) struct Estimate {
    /// The words and tables.
    pub(super) text: String,
    /// How long it may take; `None` where that is unknown.
    pub(super) time: Option<Duration>,
}

/// What `plan` would run.
pub(super) fn of(plan: &Plan<'_>) -> anyhow::Result<Estimate> {
    let work = |samples: &mut dyn Iterator<Item = &Sample>| Work::of(plan, samples);
    let all = work(&mut plan.samples.iter());
    let mut subsets = Vec::new();
    for subset in &plan.subsets {
        subsets.push(work(&mut plan.samples.iter().filter(|sample| &sample.task == subset)).row(subset));
    }
    subsets.push(all.row("total"));
    let columns = ["subset", "rows", "contexts", "context tokens, about", "new tokens, at most"];
    let mut text = format!("{}\n\n", figures(columns.map(str::to_owned).to_vec(), subsets));

    let (mut cells, mut total, mut speeds) = (Vec::new(), Some(Duration::ZERO), Vec::new());
    for cell in plan.cells() {
        let is_left = !(plan.args.resume.is_some() && plan.is_finished(cell));
        let speed = speed(plan, cell);
        let time = if is_left { speed.as_ref().map(|speed| speed.time(all)) } else { Some(Duration::ZERO) };
        total = total.zip(time).map(|(total, time)| total + time);
        let rows = if is_left { all.rows } else { 0 };
        let time = time.map_or_else(|| "unknown".to_owned(), clock);
        cells.push(vec![plan.name(cell), rows.to_string(), time]);
        speeds.extend(speed);
    }
    let columns = ["cell", "rows to do", "time, about"].map(str::to_owned).to_vec();
    writeln!(text, "{}\n", figures(columns, cells))?;
    let devices = plan.args.models.device.len();
    let total = total.map(|total| total / devices as u32);
    match total {
        Some(total) => {
            let at_once = if devices > 1 { format!(", {devices} at a time") } else { String::new() };
            writeln!(text, "in total about {}{at_once}", clock(total))?;
        }
        None => writeln!(
            text,
            "no estimate for some cells: there is no finished run of the same model in {}; one with --max-samples 1 is enough",
            result_dir(plan).display()
        )?,
    }
    write!(
        text,
        "counted with {BYTES_PER_TOKEN} bytes of text for a token and answers as long as they may be"
    )?;
    writeln!(text, "{}", if speeds.is_empty() { "" } else { ", at the speed of" })?;
    speeds.sort_by(|one, other| one.folder.cmp(&other.folder));
    speeds.dedup();
    for speed in speeds {
        writeln!(
            text,
            "  {}: {:.0} tokens read a second, {:.2} s for a question, {:.1} tokens decoded a second",
            speed.folder.display(),
            speed.read_tokens_per_second,
            speed.seconds_per_question,
            speed.decoded_tokens_per_second
        )?;
    }
    for warning in &plan.warnings {
        writeln!(text, "warning: {}", remedies::of_warning(warning))?;
    }
    Ok(Estimate { text, time: total })
}

impl Work {
    fn of(plan: &Plan<'_>, samples: &mut dyn Iterator<Item = &Sample>) -> Self {
        let limits = &plan.args.limits;
        let (mut work, mut contexts) = (Self::default(), HashSet::new());
        let repeats = limits.repeats.get();
        for sample in samples {
            work.rows += repeats;
            let second = plan.benchmark.follow_up(sample, "").map(|asked| asked.max_new_tokens);
            let own = std::iter::once(sample.max_new_tokens).chain(second);
            let limits_of_row = own.map(|own| limits.of_every_answer().unwrap_or(own));
            work.new_tokens += repeats * limits_of_row.sum::<usize>();
            if contexts.insert(&sample.context) {
                let limit = limits.max_context_length.map_or(usize::MAX, |limit| limit as usize);
                work.context_tokens += (sample.context.len() / BYTES_PER_TOKEN).min(limit);
            }
        }
        work.contexts = contexts.len();
        work
    }

    fn row(self, name: &str) -> Vec<String> {
        let figures = [self.rows, self.contexts, self.context_tokens, self.new_tokens];
        std::iter::once(name.to_owned()).chain(figures.map(|figure| figure.to_string())).collect()
    }
}

impl Speed {
    fn time(&self, work: Work) -> Duration {
        let seconds = work.context_tokens as f64 / self.read_tokens_per_second
            + work.rows as f64 * self.seconds_per_question
            + work.new_tokens as f64 / self.decoded_tokens_per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// Of the results in `folder`, if they have all figures.
    fn read(folder: &Path) -> Option<(RunConfig, Self)> {
        let config: RunConfig = read_json(&folder.join("config.json")).ok()?;
        let detailed: DetailedResults = read_json(&folder.join("detailed_results.json")).ok()?;
        let metrics = fs::metadata(folder.join("metrics.json")).ok()?;
        let total = &detailed.total;
        let speed = Self {
            folder: folder.to_path_buf(),
            finished: metrics.modified().ok()?,
            read_tokens_per_second: total.prefill.tokens_per_second?,
            seconds_per_question: total.question.seconds / detailed.rows_answered() as f64,
            decoded_tokens_per_second: total.decode.tokens_per_second?,
        };
        Some((config, speed))
    }
}

/// The speed of the last finished run of the cell's model in the same precision: of its attention, or else of another one.
fn speed(plan: &Plan<'_>, cell: Cell) -> Option<Speed> {
    let (model, attention) = (&plan.models[cell.model].args, &plan.attentions[cell.attention]);
    let config = serde_json::to_value(&attention.config).ok()?;
    let precision = model.precision;
    let fits = |of: &RunConfig| {
        of.model.name == model.place.model
            && of.dtype == precision.dtype.name()
            && of.weights == precision.weights.name()
            && of.kv_dtype == precision.kv_dtype()
            && of.prefill == attention.prefill.name()
    };
    let mut found = Vec::new();
    folders(result_dir(plan), DEPTH, &mut found);
    let speeds = found.iter().filter_map(|folder| Speed::read(folder)).filter(|(of, _)| fits(of));
    let best = speeds.max_by_key(|(of, speed)| (of.attention == config, speed.finished));
    best.map(|(_, speed)| speed)
}

/// The folder in which runs are.
fn result_dir<'a>(plan: &'a Plan<'_>) -> &'a Path {
    plan.whole.parent().unwrap_or(&plan.args.output.result_dir)
}

/// Folders up to so many levels below `folder` that have results.
fn folders(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()) {
        if path.join("metrics.json").exists() {
            found.push(path);
        } else if depth > 1 {
            folders(&path, depth - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use super::{Speed, Work};

    #[test]
    fn time_is_that_of_contexts_questions_and_answers() {
        let speed = Speed {
            folder: PathBuf::new(),
            finished: SystemTime::UNIX_EPOCH,
            read_tokens_per_second: 500.0,
            seconds_per_question: 0.5,
            decoded_tokens_per_second: 20.0,
        };
        let work = Work { rows: 4, contexts: 2, context_tokens: 2000, new_tokens: 100 };
        assert_eq!(speed.time(work), Duration::from_secs(4 + 2 + 5));
        assert_eq!(speed.time(Work::default()), Duration::ZERO);
    }
}
