//! Ctrl-C, and the signals with which a terminal or a scheduler ends a job.
//!
//! The first signal lets the context at work be answered; the second ends the process at once. While a model loads there is no
//! context at work, so that one signal is enough.
//!
//! The end comes from another thread than the one that computes. It runs no destructors: those of libtorch's statics would take
//! away what an operation at work still needs, which then fails, and its rows with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit;
use crate::logging::Console;

/// Catches the signals of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether a context may be at work.
    works: AtomicBool,
    /// Whether the run is to stop.
    stop: AtomicBool,
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Stop after the context at work.
    Stop,
    /// End now: nothing is at work.
    EndIdle,
    /// End now, for the second time.
    EndAtWork,
}

impl Interrupt {
    /// For the run in the folder `run`.
    pub(crate) fn of_run(run: &Path, console: &Console) -> anyhow::Result<Self> {
        let this = Self::default();
        let (state, console) = (Arc::clone(&this.state), console.clone());
        let resume = format!("go on with --resume {}", run.display());
        on_signals(move || {
            let what = match state.hear() {
                Answer::Stop => {
                    tracing::info!("stopping when this context is answered; once more to stop at once");
                    return;
                }
                Answer::EndIdle => "stopped before a context was begun",
                Answer::EndAtWork => "stopped; answers before this context are kept",
            };
            tracing::error!("{what}; {resume}");
            // Nobody is left who takes the bars away.
            let _ = console.bars.clear();
            end();
        })?;
        Ok(this)
    }

    /// For a process that works for another, to which signals come once: when the other ends, so does our standard input, and
    /// that ends us.
    pub(crate) fn of_worker() -> anyhow::Result<Self> {
        let this = Self::default();
        let state = Arc::clone(&this.state);
        on_signals(move || {
            if state.hear() == Answer::EndIdle {
                end();
            }
        })?;
        std::thread::spawn(|| {
            // Nothing ever comes: this waits for the end.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            end();
        });
        Ok(this)
    }

    /// From now on a context may be at work.
    pub(crate) fn work_begins(&self) {
        self.state.works.store(true, Ordering::Relaxed);
    }

    /// No context is at work until a further model is loaded.
    pub(crate) fn work_ends(&self) {
        self.state.works.store(false, Ordering::Relaxed);
    }

    /// True from the first signal on.
    pub(crate) fn stop(&self) -> &AtomicBool {
        &self.state.stop
    }
}

impl State {
    fn hear(&self) -> Answer {
        if !self.works.load(Ordering::Relaxed) {
            Answer::EndIdle
        } else if self.stop.swap(true, Ordering::Relaxed) {
            Answer::EndAtWork
        } else {
            Answer::Stop
        }
    }
}

/// Calls `hear` for each signal, in a thread of its own.
fn on_signals(hear: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("catching Ctrl-C")?;
    std::thread::spawn(move || signals.forever().for_each(|_| hear()));
    Ok(())
}

/// Ends the process without destructors. Every finished row is on disk.
fn end() {
    signal_hook::low_level::exit(i32::from(exit::INTERRUPTED));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{Answer, Interrupt};

    #[test]
    fn the_first_signal_asks_and_the_second_ends() {
        let interrupt = Interrupt::default();
        interrupt.work_begins();
        assert_eq!(interrupt.state.hear(), Answer::Stop);
        assert!(interrupt.stop().load(Ordering::Relaxed));
        assert_eq!(interrupt.state.hear(), Answer::EndAtWork);
    }

    #[test]
    fn one_signal_is_enough_while_nothing_is_at_work() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.state.hear(), Answer::EndIdle);
        assert!(!interrupt.stop().load(Ordering::Relaxed));
    }
}
