//! Ctrl-C, and the signal with which a scheduler ends a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::exit;

/// Is true from the first signal on. The second one ends the process at once.
pub(crate) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || on_signal(&flag, end)).context("catching Ctrl-C")?;
    Ok(stop)
}

/// The same for a process that works for another, to which signals come once: when the other ends, so does our standard
/// input, and that ends us.
pub(crate) fn flag_of_worker() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("catching signals")?;
    std::thread::spawn(|| {
        // Nothing ever comes: this waits for the end.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        end();
    });
    Ok(stop)
}

/// Sets `stop`, or ends the process where it was set before.
fn on_signal(stop: &AtomicBool, end: impl FnOnce()) {
    if stop.swap(true, Ordering::Relaxed) {
        end();
    } else {
        tracing::info!("stopping when this context is answered; once more to stop at once");
    }
}

#[expect(clippy::exit, reason = "nothing needs to be cleaned up: every finished row is on disk")]
fn end() {
    std::process::exit(i32::from(exit::INTERRUPTED));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn the_first_signal_asks_and_the_second_ends() {
        let stop = AtomicBool::new(false);
        super::on_signal(&stop, || panic!("the first signal lets the context be answered"));
        assert!(stop.load(Ordering::Relaxed));
        let mut ended = 0;
        super::on_signal(&stop, || ended += 1);
        assert_eq!(ended, 1);
        assert!(stop.load(Ordering::Relaxed));
    }
}
