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
    fn places_go_from_0_to_1() {
        let scale = Scale::linear(0.0, 50.0);
        for (value, place) in [(0.0, 0.0), (25.0, 0.5), (60.0, 1.0)] {
            assert!((scale.at(value) - place).abs() < f64::EPSILON, "{value}");
        }
        let scale = Scale { low: 0.01, high: 1.0, is_log: true };
        assert!((scale.at(0.1) - 0.5).abs() < 1e-12);
    }
}
