//! How many keys of a context stay.

use crate::error::{Error, Result};

/// How many keys stay of a context's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// All but this share: of `n` keys `max(1, int(n (1 - ratio)))` stay, in f64, as in kvpress.
    Ratio(f64),
    /// So many, or all, where there are fewer.
    Keys(usize),
}

impl Budget {
    /// What the fields `ratio` and `keys` of a configuration say; half of the keys stay where they say nothing.
    pub(super) fn of(ratio: Option<f64>, keys: Option<usize>) -> Result<Self> {
        match (ratio, keys) {
            (Some(_), Some(keys)) => Err(Error::Field {
                field: "keys",
                expected: "left out where `ratio` is given",
                found: keys.to_string(),
            }),
            (Some(ratio), None) if !(0.0..1.0).contains(&ratio) => Err(Error::Field {
                field: "ratio",
                expected: "the share of keys that are dropped, from 0 to below 1",
                found: ratio.to_string(),
            }),
            (None, Some(0)) => {
                Err(Error::Field { field: "keys", expected: "at least 1", found: "0".to_owned() })
            }
            (Some(ratio), None) => Ok(Self::Ratio(ratio)),
            (None, Some(keys)) => Ok(Self::Keys(keys)),
            (None, None) => Ok(Self::Ratio(0.5)),
        }
    }

    /// Of `n` keys.
    #[must_use]
    pub fn keys(self, n: usize) -> usize {
        match self {
            Self::Ratio(ratio) => share(n, ratio).clamp(1.min(n), n),
            Self::Keys(keys) => keys.min(n),
        }
    }

    /// How many of `count` things, of which each stands for as many of `n` keys, stay: one at least.
    #[must_use]
    pub fn of_parts(self, count: usize, n: usize) -> usize {
        match self {
            Self::Ratio(ratio) => share(count, ratio).clamp(1.min(count), count),
            Self::Keys(keys) => (keys * count / n.max(1)).clamp(1.min(count), count),
        }
    }
}

/// What stays of `n` things without the share `ratio`.
fn share(n: usize, ratio: f64) -> usize {
    (n as f64 * (1.0 - ratio)) as usize
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn a_share_is_truncated_as_python_does_it() {
        // 1 - 0.8 is below 0.2 in f64.
        for (n, ratio, keys) in
            [(600, 0.8, 119), (1000, 0.9, 99), (624, 0.5, 312), (10, 0.0, 10), (3, 0.99, 1), (0, 0.5, 0)]
        {
            assert_eq!(Budget::Ratio(ratio).keys(n), keys, "{n} {ratio}");
        }
        assert_eq!((Budget::Keys(5).keys(3), Budget::Keys(5).keys(9)), (3, 5));
        assert_eq!(Budget::Ratio(0.5).of_parts(31, 610), 15);
        assert_eq!((Budget::Keys(100).of_parts(31, 610), Budget::Keys(1).of_parts(31, 610)), (5, 1));
    }

    #[test]
    fn a_budget_is_a_ratio_or_a_number() {
        assert_eq!(Budget::of(None, None).unwrap(), Budget::Ratio(0.5));
        assert_eq!(Budget::of(Some(0.0), None).unwrap(), Budget::Ratio(0.0));
        assert_eq!(Budget::of(None, Some(7)).unwrap(), Budget::Keys(7));
        for (ratio, keys, part) in [
            (Some(1.0), None, "from 0 to below 1, got 1"),
            (Some(-0.1), None, "got -0.1"),
            (Some(f64::NAN), None, "got NaN"),
            (None, Some(0), "keys must be at least 1"),
            (Some(0.5), Some(9), "left out where `ratio` is given"),
        ] {
            let error = Budget::of(ratio, keys).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
