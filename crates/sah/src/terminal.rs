//! What is printed to standard output: texts, and tables that fit the terminal.

mod maps;
mod table;
mod text;

use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};

use anyhow::Context as _;
use sah_bench_core::IntervalFigure;
use sah_report::visible;

pub(crate) use self::maps::{CellFigure, HeatMaps};
pub(crate) use self::table::{TextTable, figures, further, table, words};
pub(crate) use self::text::Facts;

/// Prints `text` to standard output. A pipe that nobody reads any more is no error.
pub(crate) fn show(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("standard output"),
    }
}

/// The columns of the terminal that standard output is; `None` where it is a file or a pipe, in which nothing is broken.
fn width() -> Option<usize> {
    let out = stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// `text` on one line, with its control characters made visible.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// A figure with `digits` decimals, or a dash where there is none.
pub(crate) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A figure with its interval, if it has one: `0.43 [0.30, 0.57]`.
pub(crate) fn interval(of: Option<IntervalFigure>, digits: usize) -> String {
    let ends = of.and_then(|of| Some([of.low?, of.high?]));
    between(of.map(|of| of.value), ends, digits)
}

/// The same of a figure and the ends of its interval.
fn between(value: Option<f64>, ends: Option<[f64; 2]>, digits: usize) -> String {
    let text = figure(value, digits);
    match ends {
        Some([low, high]) => format!("{text} [{low:.digits$}, {high:.digits$}]"),
        None => text,
    }
}
