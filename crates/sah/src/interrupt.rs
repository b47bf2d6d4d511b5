//! Ctrl-C, and the signal with which a scheduler ends a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

/// What a shell says of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Is true from the first signal on. The second one ends the process at once.
#[expect(clippy::exit, reason = "nothing needs to be cleaned up: every finished row is on disk")]
pub(crate) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let on_signal = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        tracing::info!("stopping when this context is answered; once more to stop at once");
    };
    ctrlc::set_handler(on_signal).context("catching Ctrl-C")?;
    Ok(stop)
}

/// The same for a process that works for another: that one tells the user, and its end, at which it lets go of our standard
/// input, ends us.
#[expect(clippy::exit, reason = "nothing needs to be cleaned up: every finished row is on disk")]
pub(crate) fn flag_of_worker() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("catching signals")?;
    std::thread::spawn(|| {
        // Nothing ever comes: this waits for the end.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(i32::from(INTERRUPTED));
    });
    Ok(stop)
}
