//! `cargo xtask results`: which runs there are.

use std::time::SystemTime;

use sah_report::{Listed, State, list};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::args::ResultsArgs;
use crate::exit;
use crate::terminal::{figure, show, words};

/// Prints a line for each attention of each run.
pub(crate) fn run(args: &ResultsArgs) -> anyhow::Result<u8> {
    let listed = list(&args.folder)?;
    if listed.is_empty() {
        tracing::info!("no runs in {}", args.folder.display());
        return Ok(exit::DONE);
    }
    let header = ["run", "last written (UTC)", "model", "attention", "rows", "score", "state"];
    show(format_args!("{}\n", words(header.map(str::to_owned).to_vec(), listed.iter().map(line).collect())))?;
    Ok(exit::DONE)
}

fn line(listed: &Listed) -> Vec<String> {
    let (rows, score, state) = match &listed.state {
        State::Complete { rows, rows_failed: 0, score } => (rows.to_string(), *score, "complete".to_owned()),
        State::Complete { rows, rows_failed, score } => {
            (rows.to_string(), *score, format!("complete, {rows_failed} rows without an answer"))
        }
        State::Unfinished { rows } => (rows.to_string(), None, "unfinished".to_owned()),
        State::Broken { problem } => ("-".to_owned(), None, format!("broken: {problem}")),
    };
    vec![
        listed.run.display().to_string(),
        listed.written.and_then(moment).unwrap_or_else(|| "-".to_owned()),
        listed.model.clone().unwrap_or_else(|| "-".to_owned()),
        listed.attention.clone(),
        rows,
        figure(score, 2),
        state,
    ]
}

fn moment(time: SystemTime) -> Option<String> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    OffsetDateTime::from(time).format(format).ok()
}
