//! Mean, median and greatest of a set of figures.

use serde::{Deserialize, Serialize};

/// Mean, median and greatest of a set of figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean: f64,
    /// The middle value; of an even number of values, the mean of the middle two.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Distribution {
    /// Of `values`; `None` where there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        let max = values.iter().copied().reduce(f64::max)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { mean, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_none() {
        assert_eq!(
            Distribution::of(vec![5.0, 1.0, 3.0]),
            Some(Distribution { mean: 3.0, median: 3.0, max: 5.0 })
        );
        assert_eq!(
            Distribution::of(vec![4.0, 1.0, 2.0, 9.0]),
            Some(Distribution { mean: 4.0, median: 3.0, max: 9.0 })
        );
        assert_eq!(Distribution::of(Vec::new()), None);
    }
}
