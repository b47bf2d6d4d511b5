//! What was measured: tables for the terminal, figures for a file.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::contenders::Role;
use super::plot;
use super::timer::Time;
use crate::args::HeadsArg;
use crate::terminal::figures;

/// A run of `bench kernels`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) device: String,
    pub(super) dtype: String,
    pub(super) threads: i32,
    /// Bytes a second that were read from memory, just before; on the CPU.
    pub(super) memory_bandwidth: Option<f64>,
    /// Of this project and of libtorch.
    pub(super) versions: [String; 2],
    pub(super) tables: Vec<Table>,
}

/// The heads of a model in one phase.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// Whose heads.
    pub(super) heads: String,
    query_heads: usize,
    kv_heads: usize,
    head_dim: usize,
    /// Query rows, `Q`.
    pub(super) rows: usize,
    pub(super) lengths: Vec<Length>,
}

/// All sides over one number of keys.
#[derive(Debug, Serialize)]
pub(super) struct Length {
    pub(super) keys: usize,
    /// Seconds of the faster of libtorch's two forms.
    pub(super) peer_seconds: f64,
    pub(super) sides: Vec<Line>,
}

/// One side.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) role: Role,
    /// Median.
    pub(super) seconds: f64,
    /// 95 % confidence interval of the median.
    seconds_interval: (f64, f64),
    /// Bytes of keys and values that must be read.
    bytes: Option<f64>,
    /// Seconds that reading them takes at the memory's speed.
    pub(super) bound_seconds: Option<f64>,
}

impl Line {
    /// `read`: the bytes that must be read, and how many a second can be.
    pub(super) fn new(name: String, role: Role, time: Time, read: Option<(f64, f64)>) -> Self {
        Self {
            name,
            role,
            seconds: time.median,
            seconds_interval: time.interval,
            bytes: read.map(|(bytes, _)| bytes),
            bound_seconds: read.map(|(bytes, bandwidth)| bytes / bandwidth),
        }
    }
}

impl Table {
    pub(super) fn new(heads: HeadsArg, rows: usize) -> Self {
        let (query_heads, kv_heads, head_dim) = heads.sizes();
        Self { heads: heads.name().to_owned(), query_heads, kv_heads, head_dim, rows, lengths: Vec::new() }
    }

    pub(super) fn add(&mut self, keys: usize, sides: Vec<Line>) {
        let peers = sides.iter().filter(|line| line.role == Role::Peer).map(|line| line.seconds);
        let peer_seconds = peers.fold(f64::INFINITY, f64::min);
        self.lengths.push(Length { keys, peer_seconds, sides });
    }

    /// What the table is about.
    pub(super) fn title(&self) -> String {
        let Self { heads, query_heads, kv_heads, head_dim, rows, .. } = self;
        let phase = if *rows == 1 { "decode".to_owned() } else { format!("chunk of {rows} rows") };
        format!("{heads} ({query_heads} query and {kv_heads} KV heads of {head_dim}), {phase}")
    }

    /// A line for each side, a column for each number of keys.
    pub(super) fn text(&self, report: &Report) -> String {
        let header = std::iter::once(String::new())
            .chain(self.lengths.iter().map(|length| format!("{} keys", length.keys)))
            .collect();
        let names: Vec<&str> = self
            .lengths
            .first()
            .map_or_else(Vec::new, |length| length.sides.iter().map(|line| line.name.as_str()).collect());
        let row = |(at, name): (usize, &&str)| {
            let cells = self.lengths.iter().map(|length| length.cell(&length.sides[at]));
            std::iter::once((*name).to_owned()).chain(cells).collect()
        };
        let rows = names.iter().enumerate().map(row).collect();
        format!(
            "{}, {}, {} threads: ms (times faster than SDPA; share of the memory's speed)\n\n{}",
            self.title(),
            report.dtype,
            report.threads,
            figures(header, rows)
        )
    }
}

impl Length {
    fn cell(&self, line: &Line) -> String {
        let ratio = match line.role {
            Role::Select => String::new(),
            _ => format!("{}x", rounded(self.peer_seconds / line.seconds)),
        };
        let share = line.bound_seconds.map(|bound| format!("{:.0} %", 100.0 * bound / line.seconds));
        let notes: Vec<String> =
            [Some(ratio), share].into_iter().flatten().filter(|note| !note.is_empty()).collect();
        let ms = rounded(line.seconds * 1e3);
        if notes.is_empty() { ms } else { format!("{ms} ({})", notes.join("; ")) }
    }
}

/// Three digits.
fn rounded(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Report {
    /// The machine's limit, in words.
    pub(super) fn machine(&self) -> String {
        self.memory_bandwidth.map_or_else(
            || self.device.clone(),
            |bandwidth| format!("{} threads read {:.1} GB/s from memory", self.threads, bandwidth / 1e9),
        )
    }

    /// Writes `kernels.json` and `kernels.svg`.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let json = folder.join("kernels.json");
        let text = serde_json::to_string_pretty(self).context("figures are plain data")?;
        std::fs::write(&json, text + "\n").with_context(|| json.display().to_string())?;
        plot::write(self, &folder.join("kernels.svg"))
    }
}
