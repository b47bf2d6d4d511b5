//! What the machine can do at best.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;

/// Bytes that are read once: far more than any cache holds.
const BYTES: usize = 1 << 29;

/// Bytes a second that `threads` threads read from memory: the best of five passes, each of which adds up all words.
pub(crate) fn memory_bandwidth(threads: usize) -> f64 {
    let words = vec![1_u64; BYTES / size_of::<u64>()];
    let pass = || {
        let started = Instant::now();
        let part = words.len().div_ceil(threads);
        let sum: u64 = words.par_chunks(part).map(|words| words.iter().sum::<u64>()).sum();
        black_box(sum);
        BYTES as f64 / started.elapsed().as_secs_f64()
    };
    (0..5).map(|_| pass()).fold(0.0, f64::max)
}
