//! `cargo xtask score NAME`.

use std::time::Instant;

use anyhow::Context as _;
use sah_bench_core::FurtherBeside;
use sah_request::ThoughtsInAnswers;

use crate::args::ScoreCommand;
use crate::exit;
use crate::terminal::{figures, further, show};

/// Scores the predictions, prints a table and writes the JSON file, if there is to be one.
pub(crate) fn run(command: &ScoreCommand) -> anyhow::Result<u8> {
    let ScoreCommand { scorer, args, matches } = command;
    let started = Instant::now();
    let thoughts = match (args.keep_thoughts, args.cut_thoughts) {
        (true, _) => Some(ThoughtsInAnswers::Kept),
        (_, true) => Some(ThoughtsInAnswers::LeftOut),
        (false, false) => None,
    };
    let scores = (scorer.score)(&args.predictions, thoughts, matches)?;
    let seconds = started.elapsed().as_secs_f64();
    show(format_args!("{}\n", figures(scores.header, scores.rows)))?;
    for beside in FurtherBeside::all(&[scores.further.as_slice()]) {
        show(format_args!("\n{}\n", further(&["figure"], &beside)))?;
    }
    for note in &scores.notes {
        tracing::warn!("{note}");
    }
    tracing::info!("{} rows scored in {seconds:.2} s", scores.count);
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&scores.json)? + "\n";
        std::fs::write(path, text).with_context(|| format!("--json {}", path.display()))?;
    }
    Ok(exit::DONE)
}
