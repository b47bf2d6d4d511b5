//! Makes RULER's rows for the tokenizer and the chat template of the default model, or of a folder or GGUF file, and checks that
//! each keeps its budget, has no room for another unit, and has its answers where they belong; and how they are spread:
//!
//! ```sh
//! cargo xtask example ruler_rows [MODEL]
//! ```
//!
//! 13 tasks, lengths from 512 to 131,072 tokens, 20 seeds: 2,340 rows of 68 million tokens, each of which is counted three times.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::time::Instant;

use anyhow::ensure;
use sah_adapter::{ChatTemplateOptions, ModelSource, ModelTokenizer};
use sah_tests::default_model;
use sah_tests::ruler_rows::{Findings, Fit, Statistic, check};

/// 512 to 131,072 tokens.
const LENGTHS: [usize; 9] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];
const SEEDS: u64 = 20;

fn main() -> anyhow::Result<()> {
    let source = match std::env::args().nth(1) {
        Some(model) => ModelSource::parse(&model)?,
        None => ModelSource::Gguf(default_model()),
    };
    let tokenizer = ModelTokenizer::open_with(&source, &ChatTemplateOptions::default())?;
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let Findings { rows, tokens, fits, statistics } = check(&LENGTHS, 0..SEEDS, folder.path(), &tokenizer)?;
    println!(
        "{rows} rows of {tokens} tokens keep their budgets, have no room for another unit, and have their answers in their \
         places; {:.0} s\n",
        started.elapsed().as_secs_f64()
    );
    println!("| task | rows | tokens left, at most | on average |\n|---|---|---|---|");
    for (task, Fit { rows, most_left, left }) in fits {
        println!("| {task} | {rows} | {most_left} | {:.1} |", left as f64 / rows as f64);
    }
    println!("\n| what is even | count | classes | chi square | bound |\n|---|---|---|---|---|");
    for statistic in &statistics {
        let (name, count, classes) = (statistic.name, statistic.count, statistic.classes);
        println!("| {name} | {count} | {classes} | {:.1} | {:.1} |", statistic.chi_square, statistic.bound);
    }
    ensure!(statistics.iter().all(Statistic::is_even), "not all are even");
    Ok(())
}
