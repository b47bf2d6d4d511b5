//! From figures to places on an axis.

/// A linear or logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    /// From `low` to `high`.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        Self { low, high: if high > low { high } else { low + 1.0 }, is_log: false }
    }

    /// From 0 to a round number not below `high`.
    pub(super) fn from_zero(high: f64) -> Self {
        if high <= 0.0 {
            return Self::linear(0.0, 1.0);
        }
        let step = step(high, 4.0);
        Self::linear(0.0, (high / step).ceil().max(1.0) * step)
    }

    /// Around `low` and `high`, both above 0.
    pub(super) fn logarithmic(low: f64, high: f64) -> Self {
        Self { low: low / 1.4, high: high * 1.4, is_log: true }
    }

    /// Where it begins, and where it ends.
    pub(super) fn ends(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Where `value` is, from 0 to 1.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }

    /// Round numbers on the axis.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let all = (-6..7).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
            return all.filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let step = step(self.high - self.low, 5.0);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|count| count as f64 * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, about the `parts`th of `span`.
fn step(span: f64, parts: f64) -> f64 {
    let raw = span / parts;
    let power = 10_f64.powf(raw.log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= raw * 0.999);
    digit.unwrap_or(10.0) * power
}

/// Which numbers are written where at most `most` fit: every one, every second, every fifth and so on.
pub(super) fn every(count: usize, most: usize) -> usize {
    [1, 2, 5, 10, 20, 50].into_iter().find(|every| count.div_ceil(*every) <= most).unwrap_or(100)
}

/// `places`, in any order, moved so that they are at least `gap` apart: those that are too close stand side by side around
/// their middle.
pub(super) fn apart(places: &[f64], gap: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|one, two| places[*one].total_cmp(&places[*two]));
    // Neighbours that stand side by side: how many, and the sum of their places.
    let mut groups: Vec<(usize, f64)> = Vec::new();
    for at in &order {
        let mut last = (1, places[*at]);
        while let Some(before) = groups.pop_if(|before| {
            let middle = |(count, sum): (usize, f64)| sum / count as f64;
            middle(last) - middle(*before) < gap * (before.0 + last.0) as f64 / 2.0
        }) {
            last = (before.0 + last.0, before.1 + last.1);
        }
        groups.push(last);
    }
    let places_of = |(count, sum): (usize, f64)| {
        let first = sum / count as f64 - gap * (count as f64 - 1.0) / 2.0;
        (0..count).map(move |number| first + gap * number as f64)
    };
    let mut moved = vec![0.0; places.len()];
    for (at, place) in order.into_iter().zip(groups.into_iter().flat_map(places_of)) {
        moved[at] = place;
    }
    moved
}

/// A tick in as few digits as it needs.
pub(super) fn label(tick: f64) -> String {
    let rounded = (tick * 1e6).round() / 1e6;
    rounded.to_string().replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_axis() {
        let labels = |scale: Scale| scale.ticks().into_iter().map(label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(Scale::linear(0.0, 100.0)), "0 20 40 60 80 100");
        assert_eq!(labels(Scale::linear(-37.0, 12.0)), "\u{2212}30 \u{2212}20 \u{2212}10 0 10");
        assert_eq!(labels(Scale::from_zero(0.34)), "0 0.1 0.2 0.3 0.4");
        assert_eq!(labels(Scale::logarithmic(0.04, 1.0)), "0.05 0.1 0.2 0.5 1");
        assert_eq!(labels(Scale::from_zero(0.0)), "0 0.2 0.4 0.6 0.8 1");
    }

    #[test]
    fn numbers_do_not_run_into_each_other() {
        assert_eq!([1, 9, 16, 17, 32, 80, 200].map(|count| every(count, 16)), [1, 1, 1, 2, 2, 5, 20]);
    }

    #[test]
    fn places_that_are_too_close_stand_side_by_side() {
        assert_eq!(apart(&[50.0, 10.0, 30.0], 9.0), [50.0, 10.0, 30.0], "there is room");
        assert_eq!(apart(&[20.0, 20.0, 20.0], 10.0), [10.0, 20.0, 30.0], "in their order");
        // The first two push each other into the third.
        assert_eq!(apart(&[24.0, 10.0, 11.0], 10.0), [25.0, 5.0, 15.0]);
        assert!(apart(&[], 10.0).is_empty());
    }

    #[test]
    fn places_go_from_0_to_1() {
        let scale = Scale::linear(0.0, 50.0);
        for (value, place) in [(0.0, 0.0), (25.0, 0.5), (60.0, 1.0)] {
            assert!((scale.at(value) - place).abs() < f64::EPSILON, "{value}");
        }
        let scale = Scale { low: 0.01, high: 1.0, is_log: true };
        assert!((scale.at(0.1) - 0.5).abs() < 1e-12);
    }
}
