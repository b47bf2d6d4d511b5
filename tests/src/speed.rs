//! What examples share that measure.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use rayon::prelude::*;

/// Bytes a second at which all threads read `words`, each in four streams.
#[must_use]
pub fn bandwidth(words: &[u64]) -> f64 {
    let started = Instant::now();
    let part = words.len().div_ceil(rayon::current_num_threads());
    let sum = |part: &[u64]| -> u64 {
        part.chunks(part.len().div_ceil(4))
            .map(|stream| stream.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word)))
            .sum()
    };
    black_box(words.par_chunks(part).map(sum).reduce(|| 0, u64::wrapping_add));
    size_of_val(words) as f64 / started.elapsed().as_secs_f64()
}

/// The median of some values, the upper one of two.
///
/// # Panics
///
/// Where there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bytes that `/proc/self/status` says of this process under `name`, such as `VmHWM`. Linux only.
///
/// # Errors
///
/// There is no such file or figure.
pub fn status(name: &str) -> io::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let figure = status.lines().find_map(|line| {
        line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix("kB")?.trim().parse().ok()
    });
    let kibibytes: f64 = figure.ok_or_else(|| io::Error::other(format!("no {name}")))?;
    Ok(kibibytes * 1024.0)
}
