//! Mean, median, 95th percentile and greatest of a set of figures.

use serde::{Deserialize, Serialize};

/// Mean, median, 95th percentile and greatest of a set of figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean: f64,
    /// The middle value; of an even number of values, the mean of the middle two.
    pub median: f64,
    /// The smallest value that at least 95 % of the values do not exceed.
    pub p95: f64,
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
        let p95 = values[(values.len() * 95).div_ceil(100) - 1];
        Some(Self { mean, median, p95, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_none() {
        assert_eq!(
            Distribution::of(vec![5.0, 1.0, 3.0]),
            Some(Distribution { mean: 3.0, median: 3.0, p95: 5.0, max: 5.0 })
        );
        assert_eq!(
            Distribution::of(vec![4.0, 1.0, 2.0, 9.0]),
            Some(Distribution { mean: 4.0, median: 3.0, p95: 9.0, max: 9.0 })
        );
        assert_eq!(Distribution::of(Vec::new()), None);
    }

    #[test]
    fn one_value_in_twenty_is_above_the_95th_percentile() {
        let p95 = |count: u32| Distribution::of((1..=count).map(f64::from).collect()).unwrap().p95 as u32;
        assert_eq!([1, 19, 20, 21, 100, 1000].map(p95), [1, 19, 19, 20, 95, 950]);
    }
}
