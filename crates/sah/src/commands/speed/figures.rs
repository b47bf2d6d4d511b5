//! What was measured, side by side and round by round.

use serde::{Deserialize, Serialize};

/// What a figure says. Of all of them less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// Seconds from starting a process to the first token that it answers.
    FirstToken,
    /// The same without reading context and question.
    Startup,
    /// Seconds for reading a context.
    Prefill,
    /// Seconds for each new token after the first.
    Decode,
    /// Seconds from several questions about one context to all answers.
    Shared,
    /// Bytes of the process's largest resident set while it read a context and decoded.
    Memory,
}

impl Measure {
    /// All, in the order of tables.
    pub(super) const ALL: [Self; 6] =
        [Self::FirstToken, Self::Startup, Self::Prefill, Self::Decode, Self::Shared, Self::Memory];
}

/// A measure of one side at one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) measure: Measure,
    /// Tokens of the context.
    pub(super) context: usize,
    pub(super) side: String,
    /// Whether others are compared with this side.
    pub(super) is_baseline: bool,
    /// A value for each round.
    pub(super) rounds: Vec<f64>,
    /// What the machine allowed in the same rounds; empty where nothing says.
    pub(super) limits: Vec<f64>,
}

impl Figure {
    /// Median of the rounds.
    pub(super) fn median(&self) -> f64 {
        median(self.rounds.iter().copied())
    }

    /// Smallest and largest value.
    pub(super) fn range(&self) -> (f64, f64) {
        let fold = |start: f64, choose: fn(f64, f64) -> f64| self.rounds.iter().copied().fold(start, choose);
        (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max))
    }

    /// Median of the limits; `None` where there are none.
    pub(super) fn limit(&self) -> Option<f64> {
        (!self.limits.is_empty()).then(|| median(self.limits.iter().copied()))
    }

    /// How many times the limit the values are: the median of the rounds' ratios.
    pub(super) fn times_limit(&self) -> Option<f64> {
        let ratios = self.rounds.iter().zip(&self.limits).map(|(value, limit)| value / limit);
        (!self.limits.is_empty()).then(|| median(ratios))
    }

    /// How many times this is in `other`: the median of the ratios within the rounds that both have.
    pub(super) fn times_in(&self, other: &Self) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| theirs / ours))
    }
}

/// All figures, in the order in which they were first measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Figures(pub(super) Vec<Figure>);

/// Whose value it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) context: usize,
    pub(super) side: &'a str,
    pub(super) is_baseline: bool,
}

impl Figures {
    /// Adds the value of one round, and the limit that held in it.
    pub(super) fn record(&mut self, measure: Measure, of: Subject<'_>, value: f64, limit: Option<f64>) {
        let same = |figure: &&mut Figure| {
            figure.measure == measure && figure.context == of.context && figure.side == of.side
        };
        if let Some(figure) = self.0.iter_mut().find(same) {
            figure.rounds.push(value);
            figure.limits.extend(limit);
            return;
        }
        let Subject { context, side, is_baseline } = of;
        self.0.push(Figure {
            measure,
            context,
            side: side.to_owned(),
            is_baseline,
            rounds: vec![value],
            limits: limit.into_iter().collect(),
        });
    }

    /// Those of one measure.
    pub(super) fn of(&self, measure: Measure) -> Vec<&Figure> {
        self.0.iter().filter(|figure| figure.measure == measure).collect()
    }
}

/// The middle value; of an even number of values, the mean of the middle two. 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut figures = Figures::default();
        let ours = Subject { context: 64, side: "ours", is_baseline: false };
        let theirs = Subject { side: "theirs", is_baseline: true, ..ours };
        // The machine gets slower: both do, and so does the limit.
        for slow in [1.0, 2.0, 8.0] {
            figures.record(Measure::Prefill, ours, 2.0 * slow, Some(slow));
            figures.record(Measure::Prefill, theirs, 6.0 * slow, None);
        }
        figures.record(Measure::Decode, ours, 1.0, None);
        let [ours, theirs] = figures.of(Measure::Prefill)[..] else { panic!("{figures:?}") };
        assert_eq!(ours.rounds, [2.0, 4.0, 16.0]);
        assert_eq!((ours.median(), ours.range()), (4.0, (2.0, 16.0)));
        assert_eq!((ours.limit(), ours.times_limit()), (Some(2.0), Some(2.0)));
        assert_eq!((theirs.limit(), theirs.times_limit()), (None, None));
        assert!((ours.times_in(theirs) - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_side_that_ran_once_is_compared_with_that_round() {
        let figure = |rounds: &[f64]| Figure {
            measure: Measure::Prefill,
            context: 64,
            side: String::new(),
            is_baseline: false,
            rounds: rounds.to_vec(),
            limits: Vec::new(),
        };
        let ratio = figure(&[1.0, 5.0, 9.0]).times_in(&figure(&[4.0]));
        assert!((ratio - 4.0).abs() < f64::EPSILON);
    }
}
