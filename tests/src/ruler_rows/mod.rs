//! What RULER's generated rows promise, checked from outside with the tokenizer of a model: each keeps its budget, has no room for
//! another unit of its haystack, and has its answers where its task says; needles, words and documents are spread as published.

mod questions;
mod row;
mod statistics;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use rayon::prelude::*;
use sah_bench_core::{Benchmark as _, Sample, TokenCount};
use sah_ruler::{Generator, Rows, Ruler, SUBSETS};

pub use self::questions::write as write_questions;
pub use self::statistics::Statistic;

use self::row::Row;
use self::statistics::Statistics;

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// How many rows were made and checked.
    pub rows: usize,
    /// The tokens in all of them, with the room for answers.
    pub tokens: usize,
    /// By task, in RULER's order.
    pub fits: Vec<(&'static str, Fit)>,
    /// How things are spread.
    pub statistics: Vec<Statistic>,
}

/// How much of its budget a task's rows leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fit {
    /// How many rows.
    pub rows: usize,
    /// The most tokens that a row leaves.
    pub most_left: usize,
    /// The tokens that rows leave, all together.
    pub left: usize,
}

/// So many rows of each of `tasks` and `lengths`; `questions` are the files of [`write_questions`].
///
/// # Errors
///
/// Those of the generator.
pub fn rows(
    tasks: &[&str],
    lengths: &[usize],
    rows: usize,
    seed: u64,
    questions: &[PathBuf],
    tokens: &dyn TokenCount,
) -> anyhow::Result<Vec<Sample>> {
    // In the order in which the files are written.
    let of_tasks = ["qa_1", "qa_2"].iter().zip(questions).filter(|(task, _)| tasks.contains(task));
    let generator = Generator {
        seed,
        rows,
        lengths: lengths.to_vec(),
        questions: of_tasks.map(|(_, file)| file.clone()).collect(),
        ..Generator::default()
    };
    Ok(Ruler::new(Rows::Generated(generator)).load(tasks, tokens)?)
}

/// Makes a row of each task, length and seed, and checks all of them. `folder` is for files of questions.
///
/// # Errors
///
/// The first row that breaks a promise, by task, length and seed.
pub fn check(
    lengths: &[usize],
    seeds: Range<u64>,
    folder: &Path,
    tokens: &dyn TokenCount,
) -> anyhow::Result<Findings> {
    let questions = write_questions(folder)?;
    let mut all: Vec<Row> = Vec::new();
    for seed in seeds {
        let samples = rows(&SUBSETS, lengths, 1, seed, &questions, tokens)?;
        ensure!(samples.len() == SUBSETS.len() * lengths.len(), "{} rows", samples.len());
        for sample in samples {
            all.push(Row::new(sample, seed)?);
        }
    }
    let distinct: HashSet<&str> = all.iter().map(|row| row.sample.context.as_str()).collect();
    ensure!(distinct.len() == all.len(), "two rows are the same");

    let longest = longest_units(&all, tokens)?;
    all.par_iter().try_for_each(|row| {
        let checked = row.check_budget(tokens, longest[row.task()]).and_then(|()| row.check_answers());
        checked.with_context(|| format!("{} at {}, seed {}", row.task(), row.length, row.seed))
    })?;

    let mut fits: BTreeMap<usize, Fit> = BTreeMap::new();
    let mut statistics = Statistics::default();
    for row in &all {
        let task = SUBSETS.iter().position(|name| *name == row.task()).context("a task of RULER")?;
        let fit = fits.entry(task).or_default();
        let left = row.length - row.used;
        *fit = Fit { rows: fit.rows + 1, most_left: fit.most_left.max(left), left: fit.left + left };
        row.count(&mut statistics)?;
    }
    Ok(Findings {
        rows: all.len(),
        tokens: all.iter().map(|row| row.used).sum(),
        fits: fits.into_iter().map(|(task, fit)| (SUBSETS[task], fit)).collect(),
        statistics: statistics.all(),
    })
}

/// The unit of each task's haystack that takes the most tokens.
fn longest_units<'a>(rows: &'a [Row], tokens: &dyn TokenCount) -> anyhow::Result<HashMap<&'a str, &'a str>> {
    let mut units: HashMap<&str, HashSet<&str>> = HashMap::new();
    for row in rows {
        units.entry(row.task()).or_default().extend(row.units()?);
    }
    let mut longest = HashMap::new();
    for (task, units) in units {
        let mut most = (0, "");
        for unit in units {
            most = most.max((tokens.count(&format!(" {unit}"))?, unit));
        }
        longest.insert(task, most.1);
    }
    Ok(longest)
}
