//! A thread pool that stays busy between the small pieces of work of a decode step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// How long a thread looks for work before it may sleep: longer than anything between two products of a step.
const PATIENCE: Duration = Duration::from_micros(500);

/// Keeps the other threads of rayon's pool looking for work: a decode step hands out work more than a hundred times, and to
/// wake a thread takes as long as its part of the work.
///
/// Does nothing where the caller is not one of the pool's threads: its own wait would then be the longer one.
#[derive(Debug)]
pub(super) struct BusyPool {
    /// Which threads look for work because of this value; empty where it does nothing.
    looking: Arc<[AtomicBool]>,
    caller: usize,
}

impl BusyPool {
    /// Of the pool that the caller belongs to.
    pub(super) fn new() -> Self {
        let caller = rayon::current_thread_index();
        let threads = if caller.is_some() { rayon::current_num_threads() } else { 0 };
        Self {
            looking: (0..threads).map(|_| AtomicBool::new(false)).collect(),
            caller: caller.unwrap_or_default(),
        }
    }

    /// Before a step: wakes the threads that have gone to sleep.
    pub(super) fn before_step(&self) {
        let caller = self.caller;
        let sleeps =
            |(thread, looks): (usize, &AtomicBool)| thread != caller && !looks.load(Ordering::Relaxed);
        if !self.looking.iter().enumerate().any(sleeps) {
            return;
        }
        let looking = Arc::clone(&self.looking);
        rayon::spawn_broadcast(move |context| {
            let own = &looking[context.index()];
            // The caller comes here when it waits for the others, who must not wait for it.
            if context.index() != caller && !own.swap(true, Ordering::Relaxed) {
                look_for_work();
                own.store(false, Ordering::Relaxed);
            }
        });
    }
}

/// Does what there is to do until there was nothing for a while. It always ends: whoever waits for this thread finds no work
/// for it.
fn look_for_work() {
    let mut since = Instant::now();
    while since.elapsed() < PATIENCE {
        if rayon::yield_now() == Some(Yield::Executed) {
            since = Instant::now();
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::BusyPool;

    /// Work gets done, and everything ends: on one thread, on several, and where several keep the pool busy.
    #[test]
    fn all_work_is_done_while_the_pool_is_busy() {
        let steps = |_| {
            let pool = BusyPool::new();
            let step = |_| {
                pool.before_step();
                (0..100_u32).into_par_iter().with_max_len(1).map(u64::from).sum::<u64>()
            };
            (0..50).map(step).sum::<u64>()
        };
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| steps(0)), 50 * 4950);
            let sums: Vec<u64> = pool.install(|| (0..8).into_par_iter().with_max_len(1).map(steps).collect());
            assert_eq!(sums, [50 * 4950; 8]);
        }
        assert_eq!(steps(0), 50 * 4950, "outside of a pool");
    }
}
