//! What a download shows: a bar on a terminal, a line for each large file elsewhere.

use std::io::{IsTerminal as _, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use sah_hub::Progress;

/// Smaller files are there before anybody could read about them.
const WORTH_A_LINE: u64 = 10_000_000;

/// Shows on standard error how downloads go on.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    current: Option<ProgressBar>,
}

impl Bars {
    fn end(&mut self) {
        if let Some(bar) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bars {
    fn begin(&mut self, file: &str, size: u64, done: u64) {
        self.end();
        if stderr().is_terminal() {
            let bar = ProgressBar::new(size);
            let style = "{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
            bar.set_style(ProgressStyle::with_template(style).expect("a template that is known to be right"));
            bar.set_message(file.to_owned());
            bar.set_position(done);
            // What was there before says nothing about the speed.
            bar.reset_eta();
            self.current = Some(bar);
        } else if size >= WORTH_A_LINE {
            let resumed =
                if done > 0 { format!(", {} of them here already", megabytes(done)) } else { String::new() };
            tracing::info!("fetching {file}: {}{resumed}", megabytes(size));
        }
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.current {
            bar.inc(bytes);
        }
    }

    fn finish(&mut self) {
        self.end();
    }
}

/// A bar that an error leaves behind would hide it.
impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
