//! `cargo xtask score longbench`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use comfy_table::Table;
use sah_longbench::{BUCKETS, PredictionScores, score_predictions};

use crate::args::ScoreArgs;
use crate::terminal::{figure, figures};

/// Scores the predictions, prints a table and writes the JSON file that was asked for.
pub(crate) fn run(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let scores = score_predictions(&args.predictions)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", table(&scores));
    eprintln!("{} rows scored in {seconds:.2} s", scores.rows);
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&scores)? + "\n";
        std::fs::write(path, text).with_context(|| format!("--json {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(scores: &PredictionScores) -> Table {
    let header = ["task", "score"].into_iter().chain(BUCKETS).map(str::to_owned).collect();
    let row = |(task, &score): (&String, &f64)| {
        let buckets = scores.extended.get(&format!("{task}_e"));
        let cells = BUCKETS.iter().map(|&bucket| match buckets {
            Some(buckets) => figure(buckets.get(bucket).copied().flatten(), 2),
            None => String::new(),
        });
        [task.clone(), figure(Some(score), 2)].into_iter().chain(cells).collect()
    };
    figures(header, scores.standard.iter().map(row).collect())
}
