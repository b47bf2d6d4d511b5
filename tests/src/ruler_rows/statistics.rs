//! Whether things are spread evenly.

use std::collections::BTreeMap;

/// Counts in classes that are all as likely, against that.
#[derive(Clone, Debug)]
pub struct Statistic {
    /// Of what.
    pub name: &'static str,
    /// How many were counted.
    pub count: usize,
    /// Into how many classes.
    pub classes: usize,
    /// Sum of squared differences from the expected count, each over that count.
    pub chi_square: f64,
    /// What a fair draw stays below in all but one of 10,000 trials.
    pub bound: f64,
}

/// Counts of several things.
#[derive(Debug, Default)]
pub(super) struct Statistics(BTreeMap<&'static str, Vec<usize>>);

impl Statistics {
    /// One more in `class` of `classes`.
    pub(super) fn add(&mut self, name: &'static str, class: usize, classes: usize) {
        self.0.entry(name).or_insert_with(|| vec![0; classes])[class] += 1;
    }

    pub(super) fn all(&self) -> Vec<Statistic> {
        self.0.iter().map(|(name, counts)| Statistic::new(name, counts)).collect()
    }
}

impl Statistic {
    fn new(name: &'static str, counts: &[usize]) -> Self {
        let (count, classes) = (counts.iter().sum::<usize>(), counts.len());
        let expected = count as f64 / classes as f64;
        let chi_square = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
        Self { name, count, classes, chi_square, bound: quantile(classes - 1) }
    }

    /// Whether the counts are as a fair draw gives them.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.chi_square < self.bound
    }
}

/// The quantile 0.9999 of chi square with so many degrees of freedom, by Wilson and Hilferty.
fn quantile(degrees: usize) -> f64 {
    const NORMAL: f64 = 3.719;
    let ninth = 2.0 / (9.0 * degrees as f64);
    degrees as f64 * (1.0 - ninth + NORMAL * ninth.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_counts_are_found() {
        // Tables have 33.72 for 9 degrees of freedom; so far out the approximation is 1 % above them.
        assert!((quantile(9) - 33.72).abs() < 0.5, "{}", quantile(9));
        assert!(Statistic::new("x", &[100, 110, 90, 104]).is_even());
        assert!(!Statistic::new("x", &[100, 160, 40, 100]).is_even());
    }
}
