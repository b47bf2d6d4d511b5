//! How many threads compute.

use anyhow::{Context as _, bail};
use sah_adapter::Instructions;

use crate::usage::UsageError;

/// Sets the threads of libtorch and of our own kernels: as many as there are cores where `threads` says nothing.
///
/// The calling thread is one of ours, too. A decode step hands out a hundred small pieces of work: a thread that only waits for
/// others would have to be woken after each.
pub(crate) fn set(threads: Option<u16>) -> anyhow::Result<()> {
    if let Err(name) = Instructions::allowed() {
        let expected = "expected x86-64, x86-v3, x86-v4, avx512-bf16 or amx-bf16";
        bail!(UsageError(format!("{}={name}: {expected}", Instructions::VARIABLE)));
    }
    if let Some(threads) = threads {
        tch::set_num_threads(i32::from(threads));
    }
    let count = tch::get_num_threads().max(1) as usize;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).use_current_thread();
    match pool.build_global() {
        Err(_) if rayon::current_num_threads() == count => Ok(()),
        Err(_) if threads.is_some() => bail!(UsageError(format!(
            "--threads {count}: this process computes with {} since its first run; begin a new one",
            rayon::current_num_threads()
        ))),
        built => built.context("starting the threads that compute"),
    }
}
