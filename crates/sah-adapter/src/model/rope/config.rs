//! What a config says about rotary embeddings: `rope_theta`, `rope_scaling`, `partial_rotary_factor` at its top, or all of
//! them in `rope_parameters`, as newer versions of transformers write it.

use serde::Deserialize;

use crate::Error;
use crate::model::config_file::{ConfigFile, ConfigObject};

/// Rotary embeddings of a model, checked.
#[derive(Clone, Debug)]
pub(in crate::model) struct RopeConfig {
    /// Base of the frequencies.
    pub(super) theta: f64,
    /// Dimensions of a head that are rotated, the first ones; even.
    pub(super) rotary_dim: i64,
    /// How many positions the config claims.
    max_positions: usize,
    pub(super) scaling: Scaling,
}

/// How frequencies are stretched for contexts longer than those of pre-training.
#[derive(Clone, Debug)]
pub(super) enum Scaling {
    /// Not at all.
    Default,
    /// All by one factor (Chen et al. 2023, arXiv 2306.15595).
    Linear { factor: f64 },
    /// By a base that grows with the sequence beyond `trained` positions ("dynamic NTK").
    Dynamic { factor: f64, trained: f64 },
    /// Llama 3.1: long waves by `factor`, short ones not, those between by something between.
    Llama3 { factor: f64, low: f64, high: f64, trained: f64 },
    /// `YaRN` (Peng et al. 2023, arXiv 2309.00071).
    Yarn(Yarn),
    /// `LongRoPE` (Ding et al. 2024, arXiv 2402.13753): one factor for each frequency; `long` for sequences of more than
    /// `trained` positions, `short` for others.
    LongRope { short: Vec<f32>, long: Vec<f32>, trained: usize, attention_factor: f64 },
    /// One factor for each frequency, for sequences of any length: how GGUF files store what `llama3` comes to.
    Factors(Vec<f32>),
}

/// Between waves that fit `beta_fast` times and `beta_slow` times into `trained` positions, the factor rises from 1 to
/// `factor`.
#[derive(Clone, Debug)]
pub(super) struct Yarn {
    pub(super) factor: f64,
    pub(super) trained: f64,
    pub(super) beta_fast: f64,
    pub(super) beta_slow: f64,
    /// Whether the two bounds are rounded outwards to whole dimensions.
    pub(super) truncate: bool,
    pub(super) attention_factor: f64,
}

/// The fields of `config.json`.
#[derive(Debug, Deserialize)]
struct Fields {
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    max_position_embeddings: usize,
    original_max_position_embeddings: Option<f64>,
}

/// What stands in the object with the scaling, of all that may.
const GENERAL: [&str; 4] = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

impl RopeConfig {
    /// The rotary embeddings of heads of `head_dim`.
    pub(in crate::model) fn read(file: ConfigFile<'_>, head_dim: i64) -> Result<Self, Error> {
        let object = match file.object("rope_parameters")? {
            None => file.object("rope_scaling")?,
            object => object,
        };
        Self::from_object(file, head_dim, object.as_ref())
    }

    /// The rotary embeddings that `object` describes, or that the config does where the object says nothing.
    pub(in crate::model) fn from_object(
        file: ConfigFile<'_>,
        head_dim: i64,
        object: Option<&ConfigObject<'_>>,
    ) -> Result<Self, Error> {
        let fields: Fields = file.read()?;
        let own = |field: &str| object.map_or(Ok(None), |object| object.number(field));
        let theta = own("rope_theta")?.or(fields.rope_theta).unwrap_or(10_000.0);
        if !(theta.is_finite() && theta > 0.0) {
            return Err(file.field("rope_theta", "a number above 0", theta));
        }
        let partial = own("partial_rotary_factor")?.or(fields.partial_rotary_factor).unwrap_or(1.0);
        // Truncated, as in transformers.
        let rotary_dim = (head_dim as f64 * partial) as i64;
        if rotary_dim < 2 || rotary_dim % 2 != 0 || rotary_dim > head_dim {
            let expected =
                format!("a share of the head's {head_dim} dimensions that is an even number of them");
            return Err(file.field("partial_rotary_factor", expected, partial));
        }
        let scaling = match object {
            None => Scaling::Default,
            Some(object) => Scaling::read(object, &fields, (rotary_dim / 2) as usize)?,
        };
        Ok(Self { theta, rotary_dim, max_positions: fields.max_position_embeddings, scaling })
    }

    /// Not scaled.
    pub(in crate::model) fn unscaled(&self) -> Self {
        Self { scaling: Scaling::Default, ..self.clone() }
    }

    /// With another base, which must be above 0.
    pub(in crate::model) fn with_theta(self, theta: f64) -> Self {
        Self { theta, ..self }
    }

    /// How many positions a model with these embeddings was made for.
    pub(in crate::model) fn positions(&self) -> usize {
        match &self.scaling {
            // These two may be switched on for a config whose positions are those of pre-training.
            Scaling::Dynamic { factor, trained } => self.max_positions.max((factor * trained) as usize),
            Scaling::Yarn(yarn) => self.max_positions.max((yarn.factor * yarn.trained) as usize),
            _ => self.max_positions,
        }
    }
}

impl Scaling {
    fn read(object: &ConfigObject<'_>, fields: &Fields, count: usize) -> Result<Self, Error> {
        let max_positions = fields.max_position_embeddings as f64;
        let own_trained = object.number("original_max_position_embeddings")?;
        let only = |known: &[&str]| object.only(&[&GENERAL[..], known].concat());
        let kind = match object.text("rope_type")? {
            None => object.text("type")?,
            kind => kind,
        };
        match kind.ok_or_else(|| object.wrong("rope_type", "a text", "nothing"))? {
            "default" => {
                only(&[])?;
                Ok(Self::Default)
            }
            "linear" => {
                only(&["factor"])?;
                Ok(Self::Linear { factor: object.required("factor")? })
            }
            "dynamic" => {
                // transformers takes the config's positions, whatever the object says of the original ones.
                only(&["factor", "original_max_position_embeddings"])?;
                if count < 2 {
                    let expected = "another type where 2 dimensions are rotated";
                    return Err(object.wrong("rope_type", expected, "dynamic"));
                }
                Ok(Self::Dynamic { factor: object.required("factor")?, trained: max_positions })
            }
            "llama3" => {
                only(&["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"])?;
                let (low, high) = (object.required("low_freq_factor")?, object.required("high_freq_factor")?);
                if high <= low {
                    return Err(object.wrong("high_freq_factor", format!("more than {low}"), high));
                }
                let trained = object.required("original_max_position_embeddings")?;
                Ok(Self::Llama3 { factor: object.required("factor")?, low, high, trained })
            }
            "yarn" => Yarn::read(object, own_trained.unwrap_or(max_positions)).map(Self::Yarn),
            // `su` is what the first Phi-3 checkpoints call it.
            "longrope" | "su" => {
                let known = ["short_factor", "long_factor", "factor", "attention_factor"];
                only(&[&known[..], &["original_max_position_embeddings"]].concat())?;
                // The config's own field comes first in transformers, which then takes the factor from the positions.
                let given = fields.original_max_position_embeddings.or(own_trained);
                let trained = given.unwrap_or(max_positions);
                if !(2.0..=max_positions).contains(&trained) {
                    let expected = format!("2 to the {max_positions} of max_position_embeddings");
                    return Err(object.file.field("original_max_position_embeddings", expected, trained));
                }
                let factor = match given {
                    Some(trained) => max_positions / trained,
                    None => object.number("factor")?.unwrap_or(1.0),
                };
                let suggested =
                    || if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / trained.ln()).sqrt() };
                Ok(Self::LongRope {
                    short: object.numbers("short_factor", count)?,
                    long: object.numbers("long_factor", count)?,
                    trained: trained as usize,
                    attention_factor: object.number("attention_factor")?.unwrap_or_else(suggested),
                })
            }
            "frequency_factors" => {
                only(&["factors"])?;
                Ok(Self::Factors(object.numbers("factors", count)?))
            }
            other => Err(object.file.unsupported(
                &object.full_name("rope_type"),
                other,
                "default, linear, dynamic, llama3, yarn, longrope, frequency_factors",
            )),
        }
    }
}

impl Yarn {
    fn read(object: &ConfigObject<'_>, trained: f64) -> Result<Self, Error> {
        let known = ["factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"];
        // transformers does not read `attn_factor`, which DeepSeek's Qwen3 has, and neither do we.
        let known = [&GENERAL[..], &known, &["original_max_position_embeddings", "truncate", "attn_factor"]];
        object.only(&known.concat())?;
        if object.number("attn_factor")?.is_some() {
            tracing::warn!("{} has no effect, as in transformers", object.full_name("attn_factor"));
        }
        let factor = object.required("factor")?;
        let mscale = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
        let suggested = match (object.number("mscale")?, object.number("mscale_all_dim")?) {
            (Some(own), Some(all)) => mscale(own) / mscale(all),
            _ => mscale(1.0),
        };
        let beta_fast = object.number("beta_fast")?.unwrap_or(32.0);
        let beta_slow = object.number("beta_slow")?.unwrap_or(1.0);
        if beta_fast < beta_slow {
            return Err(object.wrong("beta_fast", format!("at least beta_slow, {beta_slow}"), beta_fast));
        }
        Ok(Self {
            factor,
            trained,
            beta_fast,
            beta_slow,
            truncate: object.bool("truncate")?.unwrap_or(true),
            attention_factor: object.number("attention_factor")?.unwrap_or(suggested),
        })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same formula gives the same number")]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn read(mut config: Value) -> Result<RopeConfig, Error> {
        config["max_position_embeddings"] = json!(1000);
        RopeConfig::read(ConfigFile { json: &config, path: Path::new("config.json") }, 8)
    }

    fn problem(config: Value) -> String {
        read(config).unwrap_err().to_string()
    }

    #[test]
    fn both_ways_of_writing_a_config_are_read() {
        let old =
            read(json!({"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 2.0}})).unwrap();
        let new =
            read(json!({"rope_parameters": {"rope_theta": 500.0, "rope_type": "linear", "factor": 2.0}}));
        for config in [old, new.unwrap()] {
            assert_eq!((config.theta, config.rotary_dim), (500.0, 8));
            assert!(matches!(config.scaling, Scaling::Linear { factor: 2.0 }));
        }
        let plain = read(json!({"rope_scaling": null, "partial_rotary_factor": 0.5})).unwrap();
        assert_eq!((plain.theta, plain.rotary_dim), (10_000.0, 4));
    }

    #[test]
    fn what_is_unknown_or_impossible_names_the_field() {
        for (config, part) in [
            (json!({"rope_scaling": {"rope_type": "spiral"}}), "`rope_scaling.rope_type` is `spiral`"),
            (json!({"rope_scaling": {"factor": 2}}), "`rope_scaling.rope_type`: expected a text"),
            (json!({"rope_scaling": {"type": "linear"}}), "`rope_scaling.factor`: expected a number"),
            (json!({"rope_scaling": {"type": "linear", "factor": -1}}), "`rope_scaling.factor`"),
            (
                json!({"rope_scaling": {"type": "default", "mrope_section": [1]}}),
                "`rope_scaling.mrope_section` is `[1]`, which is not supported",
            ),
            (
                json!({"rope_scaling": {"type": "frequency_factors", "factors": [1]}}),
                "`rope_scaling.factors`: expected 4 numbers above 0, found 1 numbers",
            ),
            (
                json!({"rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1]}}),
                "`rope_scaling.long_factor`",
            ),
            (json!({"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 0.5}}), "beta_fast"),
            (json!({"partial_rotary_factor": 0.4}), "`partial_rotary_factor`"),
            (json!({"partial_rotary_factor": 2}), "`partial_rotary_factor`"),
            (json!({"rope_theta": -3.0}), "`rope_theta`"),
        ] {
            let found = problem(config.clone());
            assert!(found.contains(part), "{config}: {found}");
        }
    }

    #[test]
    fn attention_factors_are_those_that_the_papers_suggest() {
        let yarn = |extra: Value| {
            let mut scaling =
                json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 500});
            scaling.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let config = read(json!({"rope_scaling": scaling})).unwrap();
            assert_eq!(config.positions(), 2000);
            let Scaling::Yarn(yarn) = config.scaling else { panic!("{config:?}") };
            yarn.attention_factor
        };
        let suggested = 0.1 * 4f64.ln() + 1.0;
        assert_eq!(yarn(json!({})), suggested);
        assert_eq!(yarn(json!({"attn_factor": 0.5})), suggested, "transformers does not read it");
        assert_eq!(yarn(json!({"attention_factor": 0.5})), 0.5);
        assert_eq!(yarn(json!({"mscale": 2.0, "mscale_all_dim": 1.0})), (0.2 * 4f64.ln() + 1.0) / suggested);

        let longrope = read(json!({
            "original_max_position_embeddings": 100,
            "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1, 2, 3, 4]}
        }));
        let Scaling::LongRope { trained: 100, attention_factor, .. } = longrope.unwrap().scaling else {
            panic!()
        };
        assert_eq!(attention_factor, (1.0 + 10f64.ln() / 100f64.ln()).sqrt());
    }
}
