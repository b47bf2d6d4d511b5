//! Random tensors of a seed, also where tests run side by side: libtorch has one generator for all threads.

use std::sync::{Mutex, PoisonError};

static GENERATOR: Mutex<()> = Mutex::new(());

/// What `draw` gives with the generator begun anew by `seed`. Every draw of the tests goes through here, none within another.
pub(crate) fn seeded<T>(seed: i64, draw: impl FnOnce() -> T) -> T {
    let _held = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(seed);
    draw()
}
