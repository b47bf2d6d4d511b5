//! A line to standard error for each context that is done.

use std::time::{Duration, Instant};

use sah_bench_core::{GroupFinished, GroupStarted, RunObserver};

/// Tells how far one attention's run is.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    attention: &'a str,
    started: Instant,
    /// Rows that were answered before.
    rows_before: Option<usize>,
}

impl<'a> Progress<'a> {
    /// Progress of a run that starts now.
    pub(super) fn new(attention: &'a str) -> Self {
        Self { attention, started: Instant::now(), rows_before: None }
    }
}

impl RunObserver for Progress<'_> {
    fn group_started(&mut self, group: &GroupStarted<'_>) {
        self.rows_before.get_or_insert(group.rows_done);
    }

    fn group_finished(&mut self, group: &GroupFinished<'_>) {
        let head = format!("[{} {}/{}] {}", self.attention, group.rows_done, group.rows_total, group.task);
        if let Some(error) = group.error {
            eprintln!("{head}: FAILED ({} rows): {error}", group.rows);
            return;
        }
        let rows = group.rows_done - self.rows_before.unwrap_or_default();
        let left = (group.rows_total - group.rows_done) as f64 / rows as f64;
        let left = self.started.elapsed().mul_f64(left);
        eprintln!(
            "{head}: {} tokens in, {} out, {:.1} s; {} left",
            group.context_tokens,
            group.generated_tokens,
            group.elapsed.as_secs_f64(),
            clock(left)
        );
    }
}

/// `1:05`, or `2:01:05` from an hour on.
fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::clock;

    #[test]
    fn a_clock_shows_hours_only_where_there_are_some() {
        assert_eq!(clock(Duration::from_millis(64_600)), "1:05");
        assert_eq!(clock(Duration::from_secs(7265)), "2:01:05");
    }
}
