//! How long something takes.

use std::time::{Duration, Instant};

/// How fast rows are answered, from the first one that is.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Pace {
    started: Instant,
    rows: usize,
}

impl Pace {
    pub(super) fn from(started: Instant) -> Self {
        Self { started, rows: 0 }
    }

    /// Takes note of rows that are done now.
    pub(super) fn add(&mut self, rows: usize) {
        self.rows += rows;
    }

    /// The time that `rows` more will take; `None` before the first.
    pub(super) fn left(&self, rows: usize) -> Option<Duration> {
        (self.rows > 0).then(|| self.started.elapsed().mul_f64(rows as f64 / self.rows as f64))
    }
}

/// `1:05`, or `2:01:05` from an hour on.
pub(in super::super) fn clock(duration: Duration) -> String {
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
