//! Makes RULER's rows for the tokenizer and the chat template of the default model, and says how long each task takes:
//!
//! ```sh
//! cargo xtask example ruler_speed [LENGTH [ROWS [THREADS]]]
//! ```
//!
//! By default 100 rows of each of the 13 tasks of 32,768 tokens, on all cores. The hash is that of all rows: it is the same whatever
//! the number of threads.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::time::Instant;

use anyhow::Context as _;
use sah_adapter::{ChatTemplateOptions, ModelSource, ModelTokenizer, TokenCount as _};
use sah_bench_core::samples_hash;
use sah_ruler::SUBSETS;
use sah_tests::default_model;
use sah_tests::ruler_rows::{rows, write_questions};

fn main() -> anyhow::Result<()> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .context("three numbers")?;
    let number = |place: usize, default: usize| numbers.get(place).copied().unwrap_or(default);
    let (length, count, threads) = (number(0, 32_768), number(1, 100), number(2, 0));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let source = ModelSource::Gguf(default_model());
    let tokenizer = ModelTokenizer::open_with(&source, &ChatTemplateOptions::default())?;
    let folder = tempfile::tempdir()?;
    let questions = write_questions(folder.path())?;

    println!("| task | s | CPU s | ms a row |\n|---|---|---|---|");
    let (started, processor) = (Instant::now(), processor_seconds());
    let mut all = Vec::new();
    for task in SUBSETS {
        let (started, processor) = (Instant::now(), processor_seconds());
        all.append(&mut rows(&[task], &[length], count, 42, &questions, &tokenizer)?);
        let (seconds, processor) = (started.elapsed().as_secs_f64(), processor_seconds() - processor);
        println!("| {task} | {seconds:.2} | {processor:.2} | {:.1} |", 1000.0 * seconds / count as f64);
    }
    let (seconds, processor) = (started.elapsed().as_secs_f64(), processor_seconds() - processor);
    let made = all.len();
    println!("| all | {seconds:.2} | {processor:.2} | {:.1} |", 1000.0 * seconds / made as f64);

    // What no generator can do without: the tokens of each finished row.
    let counted = processor_seconds();
    for row in all.iter().step_by(count) {
        tokenizer.count_prompt(&row.context, &row.question, &row.answer_prefix)?;
    }
    let once = (processor_seconds() - counted) * 1000.0 / SUBSETS.len() as f64;
    println!(
        "\n{made} rows of {length} tokens on {} threads, sha256 {}; to count the tokens of one takes {once:.1} ms of processor time",
        rayon::current_num_threads(),
        samples_hash(&all)
    );
    Ok(())
}

/// Processor time of this process so far, of all threads; 0 where the system does not say it.
fn processor_seconds() -> f64 {
    // In hundredths of a second, behind the name in brackets.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
