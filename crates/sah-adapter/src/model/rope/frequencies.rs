//! The angle per position of each pair of dimensions.
//!
//! In f32 and in the order of transformers' `modeling_rope_utils.py`: at position 100,000 the last bit of a frequency is a
//! hundredth of a radian.

use tch::{Kind, Tensor};

use super::config::RopeConfig;
use super::scaling::{Scaling, Yarn};
use crate::Error;

/// The frequencies of a sequence of `length` positions, `[rotary_dim / 2]`.
pub(super) fn frequencies(config: &RopeConfig, length: usize) -> Result<Vec<f32>, Error> {
    let RopeConfig { theta, rotary_dim: dim, .. } = *config;
    Ok(match &config.scaling {
        Scaling::Default => inverse(&powers(theta, dim)?),
        Scaling::Linear { factor } => scaled(&inverse(&powers(theta, dim)?), |_| *factor as f32),
        Scaling::Dynamic { factor, trained } => {
            inverse(&powers(grown(theta, dim, *factor, *trained, length), dim)?)
        }
        Scaling::Alpha { alpha } => inverse(&powers(theta * alpha.powf(dim as f64 / (dim - 2) as f64), dim)?),
        Scaling::Llama3 { factor, low, high, trained } => {
            let plain = inverse(&powers(theta, dim)?);
            plain.into_iter().map(|frequency| llama3(frequency, *factor, (*low, *high), *trained)).collect()
        }
        Scaling::Yarn(yarn) => yarn_frequencies(&powers(theta, dim)?, yarn, theta),
        Scaling::LongRope { short, long, trained, .. } => {
            let factors = if length > *trained { long } else { short };
            powers(theta, dim)?.iter().zip(factors).map(|(power, factor)| 1.0 / (factor * power)).collect()
        }
        Scaling::Proportional { rotated, factor } => {
            let scaled = scaled(&inverse(&powers(theta, dim)?), |_| *factor as f32);
            scaled.into_iter().enumerate().map(|(pair, of)| if pair < *rotated { of } else { 0.0 }).collect()
        }
        Scaling::Factors(factors) => scaled(&inverse(&powers(theta, dim)?), |index| factors[index]),
    })
}

/// `theta^(2i / dim)`, by libtorch, as transformers has it.
fn powers(theta: f64, dim: i64) -> Result<Vec<f32>, Error> {
    let exponents =
        Tensor::f_arange_start_step(0, dim, 2, (Kind::Float, tch::Device::Cpu))?.f_div_scalar(dim)?;
    Ok(Vec::try_from(&Tensor::f_pow_scalar(theta, &exponents)?)?)
}

fn inverse(powers: &[f32]) -> Vec<f32> {
    powers.iter().map(|power| 1.0 / power).collect()
}

fn scaled(frequencies: &[f32], factor: impl Fn(usize) -> f32) -> Vec<f32> {
    frequencies.iter().enumerate().map(|(index, frequency)| frequency / factor(index)).collect()
}

/// The base for `length` positions, at least the `trained` ones: `theta (factor length / trained - factor + 1)^(d / (d - 2))`.
fn grown(theta: f64, dim: i64, factor: f64, trained: f64, length: usize) -> f64 {
    let (factor, length) = (factor as f32, (length as f64).max(trained) as f32);
    let growth = factor * length / trained as f32 - (factor - 1.0);
    f64::from(theta as f32 * growth.powf(dim as f32 / (dim - 2) as f32))
}

/// In f32 and in the order of transformers, where a number divided by a tensor is its product with the reciprocal.
fn llama3(frequency: f32, factor: f64, (low, high): (f64, f64), trained: f64) -> f32 {
    let (long, short) = ((trained / low) as f32, (trained / high) as f32);
    let wavelength = 1.0 / frequency * (2.0 * std::f64::consts::PI) as f32;
    let (is_long, is_short, factor) = (wavelength > long, wavelength < short, factor as f32);
    let slowed = if is_long { frequency / factor } else { frequency };
    if is_long || is_short {
        return slowed;
    }
    // 0 for waves that fit `low` times into the trained context, 1 for those that fit `high` times.
    let keep = (1.0 / wavelength * trained as f32 - low as f32) / (high - low) as f32;
    (1.0 - keep) * slowed / factor + keep * slowed
}

#[expect(clippy::float_cmp, reason = "only a ramp of exactly no width has to be widened")]
fn yarn_frequencies(powers: &[f32], yarn: &Yarn, theta: f64) -> Vec<f32> {
    let dim = (2 * powers.len()) as f64;
    // The dimension whose wave fits `turns` times into the trained positions.
    let dimension =
        |turns: f64| dim * (yarn.trained / (turns * 2.0 * std::f64::consts::PI)).ln() / (2.0 * theta.ln());
    let (mut low, mut high) = (dimension(yarn.beta_fast), dimension(yarn.beta_slow));
    if yarn.truncate {
        (low, high) = (low.floor(), high.ceil());
    }
    (low, high) = (low.max(0.0), high.min(dim - 1.0));
    if low == high {
        high += 0.001;
    }
    let factor = yarn.factor as f32;
    let of = |(index, power): (usize, &f32)| {
        let keep = 1.0 - ((index as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
        1.0 / (factor * power) * (1.0 - keep) + 1.0 / power * keep
    };
    powers.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::rope::testing::read;

    fn of(scaling: &Value, length: usize) -> Vec<f32> {
        let config = json!({"max_position_embeddings": 100, "rope_scaling": scaling});
        frequencies(&read(&config, 8).unwrap(), length).unwrap()
    }

    fn close(found: &[f32], expected: &[f32]) {
        let equal = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs();
        assert!(found.iter().zip(expected).all(equal), "{found:?}, not {expected:?}");
    }

    #[test]
    fn frequencies_fall_geometrically() {
        close(&of(&Value::Null, 50), &[1.0, 0.1, 0.01, 0.001]);
        close(&of(&json!({"type": "default"}), 5000), &[1.0, 0.1, 0.01, 0.001]);
    }

    #[test]
    fn factors_divide() {
        close(&of(&json!({"type": "linear", "factor": 2.0}), 1), &[0.5, 0.05, 0.005, 0.0005]);
        let factors = json!({"rope_type": "frequency_factors", "factors": [1, 1, 4, 8]});
        close(&of(&factors, 1), &[1.0, 0.1, 0.0025, 0.000_125]);
    }

    #[test]
    fn llama3_keeps_short_waves_and_slows_long_ones() {
        let scaled = of(
            &json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 100}),
            1,
        );
        // Wavelengths 6.3, 63, 628 and 6283 in a trained context of 100: kept, interpolated, slowed, slowed.
        let keep = (100.0 / 62.831_853 - 1.0) / 3.0;
        close(&scaled, &[1.0, 0.1 * keep + 0.0125 * (1.0 - keep), 0.00125, 0.000_125]);
    }

    #[test]
    fn dynamic_grows_the_base_with_the_sequence() {
        let at = |length| of(&json!({"type": "dynamic", "factor": 2.0}), length);
        close(&at(1), &[1.0, 0.1, 0.01, 0.001]);
        close(&at(100), &[1.0, 0.1, 0.01, 0.001]);
        // Twice the trained length: base 10,000 * 3^(8 / 6).
        let base = 10_000.0 * 3f32.powf(4.0 / 3.0);
        let expected: Vec<f32> = (0..4).map(|i| base.powf(-(i as f32) / 4.0)).collect();
        close(&at(200), &expected);
    }

    #[test]
    fn longrope_has_factors_for_short_and_long_sequences() {
        let scaling = json!({"type": "longrope", "short_factor": [1, 1, 1, 2], "long_factor": [1, 2, 4, 10]});
        close(&of(&scaling, 100), &[1.0, 0.1, 0.01, 0.0005]);
        close(&of(&scaling, 101), &[1.0, 0.05, 0.0025, 0.0001]);
    }

    #[test]
    fn yarn_slows_the_dimensions_beyond_the_bounds() {
        // With 10 and 1 turns of 100 positions the bounds are dimensions 0.20 and 1.20: 0 and 2 when rounded.
        let scaling = |truncate: bool| json!({"type": "yarn", "factor": 4.0, "beta_fast": 10, "beta_slow": 1, "truncate": truncate});
        close(&of(&scaling(true), 1), &[1.0, 0.1 * 0.625, 0.0025, 0.000_25]);
        let bound = |turns: f32| 4.0 * (100.0 / (turns * std::f32::consts::TAU)).ln() / 10_000f32.ln();
        let keep = 1.0 - (1.0 - bound(10.0)) / (bound(1.0) - bound(10.0));
        close(&of(&scaling(false), 1), &[1.0, 0.1 * (keep + 0.25 * (1.0 - keep)), 0.0025, 0.000_25]);
    }
}
