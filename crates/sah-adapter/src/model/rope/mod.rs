//! Rotary position embeddings (Su et al. 2021, arXiv 2104.09864) in the half-rotated form of Hugging Face.

use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use super::ConfigFile;
use crate::Error;

/// `rope_scaling` of a `config.json`: how frequencies are stretched for contexts longer than those of pre-training.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RopeScaling {
    #[serde(alias = "type")]
    rope_type: String,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    /// One for each frequency: how GGUF files store what `llama3` scaling comes to.
    factors: Option<Vec<f32>>,
}

/// The frequencies of a model.
#[derive(Debug)]
pub(super) struct Rope {
    /// Angle per position, `[1, D / 2]`, f32.
    inverse_frequencies: Tensor,
    kind: Kind,
}

/// Cosines and sines for the positions of one forward pass, `[Q, 1, D]` each: they fit heads in `[1, Q, H, D]`.
#[derive(Debug)]
pub(super) struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl Rope {
    /// Frequencies `theta^(-2i/D)`, scaled as `scaling` asks.
    pub(super) fn new(
        file: ConfigFile<'_>,
        theta: f64,
        head_dim: i64,
        scaling: Option<&RopeScaling>,
        (kind, device): (Kind, Device),
    ) -> Result<Self, Error> {
        let mut frequencies: Vec<f32> =
            (0..head_dim / 2).map(|i| (1.0 / theta.powf(2.0 * i as f64 / head_dim as f64)) as f32).collect();
        if let Some(scaling) = scaling {
            scaling.apply(file, &mut frequencies)?;
        }
        let inverse_frequencies = Tensor::from_slice(&frequencies).view([1, -1]).f_to_device(device)?;
        Ok(Self { inverse_frequencies, kind })
    }

    /// The rotation of `count` positions from `start` on.
    pub(super) fn at(&self, start: usize, count: usize) -> Result<Rotation, Error> {
        let options = (Kind::Float, self.inverse_frequencies.device());
        let positions = Tensor::f_arange_start(start as i64, (start + count) as i64, options)?.view([-1, 1]);
        let angles = positions.f_mul(&self.inverse_frequencies)?;
        let angles = Tensor::f_cat(&[&angles, &angles], -1)?.f_unsqueeze(1)?;
        Ok(Rotation {
            cos: angles.f_cos()?.f_to_kind(self.kind)?,
            sin: angles.f_sin()?.f_to_kind(self.kind)?,
        })
    }
}

impl Rotation {
    /// Rotates `heads`, `[1, Q, H, D]`: `x cos + rotate_half(x) sin`.
    pub(super) fn apply(&self, heads: &Tensor) -> Result<Tensor, Error> {
        let half = heads.size()[3] / 2;
        let (first, second) = (heads.f_narrow(3, 0, half)?, heads.f_narrow(3, half, half)?);
        let rotated = Tensor::f_cat(&[&second.f_neg()?, &first], 3)?;
        Ok(heads.f_mul(&self.cos)?.f_addcmul_(&rotated, &self.sin)?)
    }
}

impl RopeScaling {
    fn apply(&self, file: ConfigFile<'_>, frequencies: &mut [f32]) -> Result<(), Error> {
        match self.rope_type.as_str() {
            "default" => Ok(()),
            "linear" => {
                let factor = required(file, self.factor, "factor")?;
                for frequency in frequencies {
                    *frequency /= factor as f32;
                }
                Ok(())
            }
            "frequency_factors" => self.apply_factors(file, frequencies),
            "llama3" => self.apply_llama3(file, frequencies),
            other => Err(file.unsupported(
                "rope_scaling.rope_type",
                other,
                "default, linear, llama3, frequency_factors",
            )),
        }
    }

    fn apply_factors(&self, file: ConfigFile<'_>, frequencies: &mut [f32]) -> Result<(), Error> {
        let factors = self.factors.as_deref().unwrap_or_default();
        if factors.len() != frequencies.len() {
            let expected = format!("{} numbers", frequencies.len());
            return Err(file.field("rope_scaling.factors", expected, format!("{} numbers", factors.len())));
        }
        for (frequency, factor) in frequencies.iter_mut().zip(factors) {
            *frequency /= factor;
        }
        Ok(())
    }

    /// Llama 3.1: long waves are slowed down by `factor`, short ones kept, those between interpolated.
    fn apply_llama3(&self, file: ConfigFile<'_>, frequencies: &mut [f32]) -> Result<(), Error> {
        let factor = required(file, self.factor, "factor")?;
        let low = required(file, self.low_freq_factor, "low_freq_factor")?;
        let high = required(file, self.high_freq_factor, "high_freq_factor")?;
        let trained =
            required(file, self.original_max_position_embeddings, "original_max_position_embeddings")?;
        for frequency in frequencies {
            let exact = f64::from(*frequency);
            let wavelength = 2.0 * std::f64::consts::PI / exact;
            // 0 for waves that did not fit into the trained context, 1 for those that fitted `high` times.
            let keep = ((trained / wavelength - low) / (high - low)).clamp(0.0, 1.0);
            *frequency = ((1.0 - keep) * exact / factor + keep * exact) as f32;
        }
        Ok(())
    }
}

fn required(file: ConfigFile<'_>, value: Option<f64>, field: &str) -> Result<f64, Error> {
    value.ok_or_else(|| file.field(&format!("rope_scaling.{field}"), "a number", "nothing"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ConfigFile, Rope, RopeScaling};
    use crate::Error;
    use tch::{Device, Kind, Tensor};

    fn rope(scaling: Option<&str>) -> Result<Rope, Error> {
        let scaling: Option<RopeScaling> = scaling.map(|json| serde_json::from_str(json).unwrap());
        let file = ConfigFile { json: &serde_json::Value::Null, path: Path::new("config.json") };
        Rope::new(file, 10_000.0, 8, scaling.as_ref(), (Kind::Float, Device::Cpu))
    }

    fn frequencies(scaling: Option<&str>) -> Vec<f32> {
        Vec::try_from(rope(scaling).unwrap().inverse_frequencies.view([-1])).unwrap()
    }

    #[test]
    fn frequencies_fall_geometrically() {
        assert_eq!(frequencies(None), [1.0, 0.1, 0.01, 0.001]);
    }

    #[test]
    fn linear_scaling_divides_every_frequency() {
        assert_eq!(frequencies(Some(r#"{"type": "linear", "factor": 2.0}"#)), [0.5, 0.05, 0.005, 0.0005]);
    }

    #[test]
    fn frequency_factors_divide_one_by_one() {
        let scaled = frequencies(Some(r#"{"rope_type": "frequency_factors", "factors": [1, 1, 4, 8]}"#));
        assert_eq!(scaled, [1.0, 0.1, 0.0025, 0.000_125]);
        let error =
            rope(Some(r#"{"rope_type": "frequency_factors", "factors": [1]}"#)).unwrap_err().to_string();
        assert!(error.contains("rope_scaling.factors") && error.contains('4'), "{error}");
    }

    #[test]
    fn llama3_scaling_keeps_short_waves_and_slows_long_ones() {
        let scaled = frequencies(Some(
            r#"{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 100}"#,
        ));
        // Wavelengths 6.3, 63, 628 and 6283 in a trained context of 100: kept, interpolated, slowed, slowed.
        assert_eq!((scaled[0], scaled[2], scaled[3]), (1.0, 0.00125, 0.000_125));
        let keep = (100.0 / 62.831_853 - 1.0) / 3.0;
        assert!((scaled[1] - (0.1 * keep + 0.0125 * (1.0 - keep))).abs() < 1e-7);
    }

    #[test]
    fn an_unknown_scaling_is_an_error_that_names_the_field() {
        let error = rope(Some(r#"{"rope_type": "spiral"}"#)).unwrap_err().to_string();
        assert!(error.contains("rope_scaling.rope_type") && error.contains("spiral"), "{error}");
    }

    #[test]
    fn a_rotation_keeps_lengths_and_position_zero() {
        let heads = Tensor::randn([1, 3, 2, 8], (Kind::Float, Device::Cpu));
        let rotated = rope(None).unwrap().at(0, 3).unwrap().apply(&heads).unwrap();
        assert!(rotated.select(1, 0).equal(&heads.select(1, 0)));
        let norm = |x: &Tensor| x.square().sum_dim_intlist([3i64].as_slice(), false, Kind::Float);
        assert!(norm(&rotated).allclose(&norm(&heads), 1e-5, 1e-5, false));
    }
}
