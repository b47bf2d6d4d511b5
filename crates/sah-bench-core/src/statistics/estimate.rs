//! A mean with its confidence interval, and what the interval of a difference says.

/// Fewer rows than these say nothing about a difference: an interval from so few is far too narrow.
const ENOUGH_ROWS: usize = 10;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A mean, or a difference of means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its 95 % confidence interval; `None` where a task has a single row.
    pub interval: Option<Interval>,
    /// Rows that it is made of; of a difference, those of the side that has fewer.
    pub rows: usize,
}

/// What the interval of a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It excludes 0.
    BeyondNoise,
    /// It has 0 in it.
    WithinNoise,
    /// There are fewer than 10 rows, or there is no interval.
    TooFewRows,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::BeyondNoise => "beyond noise",
            Self::WithinNoise => "within noise",
            Self::TooFewRows => "too few rows",
        }
    }
}

impl Estimate {
    /// What this says, taken as a difference.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.interval {
            Some(Interval { low, high }) if self.rows >= ENOUGH_ROWS => {
                if low > 0.0 || high < 0.0 {
                    Verdict::BeyondNoise
                } else {
                    Verdict::WithinNoise
                }
            }
            _ => Verdict::TooFewRows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(low: f64, high: f64, rows: usize) -> Verdict {
        Estimate { value: f64::midpoint(low, high), interval: Some(Interval { low, high }), rows }.verdict()
    }

    #[test]
    fn a_difference_is_beyond_noise_where_its_interval_excludes_0() {
        assert_eq!(verdict(0.1, 2.0, 10), Verdict::BeyondNoise);
        assert_eq!(verdict(-2.0, -0.1, 10), Verdict::BeyondNoise);
        assert_eq!(verdict(-0.1, 2.0, 10), Verdict::WithinNoise);
        assert_eq!(verdict(0.0, 0.0, 10), Verdict::WithinNoise, "every row is the same on both sides");
        assert_eq!(verdict(-50.0, -50.0, 9), Verdict::TooFewRows);
        let alone = Estimate { value: -50.0, interval: None, rows: 20 };
        assert_eq!(alone.verdict(), Verdict::TooFewRows);
    }
}
