//! What a config says about rotary embeddings: `rope_theta`, `rope_scaling`, `partial_rotary_factor` at its top, or all of
//! them in `rope_parameters`, as transformers 5 writes it.

use std::path::Path;

use sah_tensor::rowwise::Pairs;

use super::scaling::{Scaling, Trained};
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
    /// Which dimensions of a head are turned together.
    pub(super) pairs: Pairs,
    /// How queries grow with their position, where they do.
    pub(super) growth: Option<Growth>,
}

/// Queries at position `p` are `1 + beta ln(1 + floor(p / every))` times as long (Llama 4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    pub(super) beta: f64,
    pub(super) every: f64,
}

/// What transformers takes for fields that a config leaves out.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct DefaultRope {
    /// `max_position_embeddings`.
    pub(in crate::model) positions: i64,
    /// `rope_theta`.
    pub(in crate::model) theta: f64,
    /// `original_max_position_embeddings`, where the architecture has a default for it.
    pub(in crate::model) trained: Option<f64>,
    /// `partial_rotary_factor`.
    pub(in crate::model) partial: f64,
    /// Which dimensions are turned together, which no config says.
    pub(in crate::model) pairs: Pairs,
    /// What is particular to those of the architecture.
    pub(in crate::model) particular: Particular,
}

/// What the rotary embeddings of an architecture have and others have not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Particular {
    Nothing,
    /// Frequencies are shared out among the dimensions of images: all the same for text.
    Sections,
    /// `dynamic` with a field `alpha` is a larger base for sequences of any length.
    Alpha,
    /// Queries grow with their position.
    Growth,
    /// They are `proportional` where the config has no object for them.
    Proportional,
}

/// The two types of layers that may have embeddings of their own.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

impl RopeConfig {
    /// The rotary embeddings of heads of `head_dim`.
    pub(in crate::model) fn read(file: &ConfigFile<'_>, head_dim: i64, defaults: &DefaultRope) -> Self {
        let parameters = file.object("rope_parameters");
        let object = given(file).or_else(|| scaling(file)).or_else(|| parameters.clone());
        Self::of(file, head_dim, object.as_ref(), parameters.as_ref(), "rope_theta", defaults)
    }

    /// Says that a config must have an object for them: transformers takes `yarn` where it is left out, which no published file does.
    pub(in crate::model) fn required(file: &ConfigFile<'_>) {
        let has = |field: &str| file.get(field).is_some_and(|value| !value.is_null());
        if given(file).is_none() && !has("rope_parameters") && !has("rope_scaling") {
            file.wrong("rope_parameters", "an object, as the published files have", "nothing");
        }
    }

    /// Those of layers without a window, and of those with one, which have heads and `rope_parameters` of their own. Before
    /// transformers 5 those with one had a base alone, in the field `sliding_theta`.
    pub(in crate::model) fn of_layer_types(
        file: &ConfigFile<'_>,
        [full_dim, sliding_dim]: [i64; 2],
        full: &DefaultRope,
        sliding: &DefaultRope,
        sliding_theta: &str,
    ) -> [Self; 2] {
        let parameters = file.object("rope_parameters");
        if let Some(parameters) = &parameters {
            parameters.only(&[FULL, SLIDING]);
        }
        let own = |kind: &str| parameters.as_ref().and_then(|parameters| parameters.object(kind));
        let given = given(file);
        let is_nested = given.as_ref().is_some_and(|given| given.has(FULL) || given.has(SLIDING));
        let (given_full, given_sliding) = match &given {
            Some(given) if is_nested => {
                given.only(&[FULL, SLIDING]);
                (given.object(FULL), given.object(SLIDING))
            }
            _ => (given, None),
        };
        let (own_full, own_sliding) = (own(FULL), own(SLIDING));
        let of_full = given_full.or_else(|| scaling(file)).or_else(|| own_full.clone());
        let of_sliding = given_sliding.or_else(|| own_sliding.clone());
        [
            Self::of(file, full_dim, of_full.as_ref(), own_full.as_ref(), "rope_theta", full),
            Self::of(file, sliding_dim, of_sliding.as_ref(), own_sliding.as_ref(), sliding_theta, sliding),
        ]
    }

    /// What `object` describes. Where it says nothing of base and rotated share, `config`, the config's own object, does,
    /// and where that says nothing, fields at the top, the base in `theta`.
    fn of(
        file: &ConfigFile<'_>,
        head_dim: i64,
        object: Option<&ConfigObject<'_>>,
        config: Option<&ConfigObject<'_>>,
        theta: &str,
        defaults: &DefaultRope,
    ) -> Self {
        let inside = |field: &str| {
            let number = |object: Option<&ConfigObject<'_>>| object.and_then(|object| object.number(field));
            number(object).or_else(|| number(config))
        };
        let theta = inside("rope_theta").unwrap_or_else(|| file.number(theta, defaults.theta));
        let partial = inside("partial_rotary_factor")
            .or_else(|| file.optional_number("partial_rotary_factor", None))
            .unwrap_or(defaults.partial);
        let is_proportional =
            object.map_or(defaults.particular == Particular::Proportional, Scaling::is_proportional);
        // Truncated, as in transformers.
        let mut rotary_dim = if is_proportional { head_dim } else { (head_dim as f64 * partial) as i64 };
        if rotary_dim < 2 || rotary_dim % 2 != 0 || rotary_dim > head_dim {
            let expected =
                format!("a share of the head's {head_dim} dimensions that is an even number of them");
            file.wrong("partial_rotary_factor", expected, partial);
            rotary_dim = 2;
        }
        let max_positions = file.size("max_position_embeddings", defaults.positions);
        let trained = Trained {
            of_config: file.optional_number("original_max_position_embeddings", None).or(defaults.trained),
            max_positions: max_positions as f64,
        };
        let scaling = match object {
            _ if is_proportional => Scaling::proportional(object, (head_dim as f64 * partial / 2.0) as usize),
            None => Scaling::Default,
            Some(object) => Scaling::read(file, object, trained, (rotary_dim / 2) as usize, defaults),
        };
        let (max_positions, pairs) = (max_positions as usize, defaults.pairs);
        let growth = object.filter(|_| defaults.particular == Particular::Growth).map(|object| Growth {
            beta: object.required("llama_4_scaling_beta"),
            every: object.required("original_max_position_embeddings"),
        });
        Self { theta, rotary_dim, max_positions, scaling, pairs, growth }
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

    /// What cosines and sines are multiplied with, and so the scores with its square.
    pub(super) fn attention_factor(&self) -> Option<f64> {
        match &self.scaling {
            Scaling::Yarn(yarn) => Some(yarn.attention_factor),
            Scaling::LongRope { attention_factor, .. } => Some(*attention_factor),
            _ => None,
        }
    }

    /// What scores of latent attention are multiplied with.
    pub(in crate::model) fn latent_factor(&self) -> f64 {
        if let Scaling::Yarn(yarn) = &self.scaling { yarn.latent_factor } else { 1.0 }
    }

    /// The frequencies of a sequence of `length` positions and the factor of cosines and sines: what a golden has.
    #[cfg(test)]
    pub(in crate::model) fn table(&self, length: usize) -> (Vec<f32>, f64) {
        let frequencies = super::frequencies(self, length).expect("no memory");
        (frequencies, self.attention_factor().unwrap_or(1.0))
    }
}

/// What is used instead of the config's own.
fn given<'a>(file: &'a ConfigFile<'_>) -> Option<ConfigObject<'a>> {
    let given = file.given_rope()?;
    Some(ConfigObject::new(file, Path::new(&given.name), String::new(), &given.value))
}

/// The object of files before transformers 5, which comes first for both versions. An empty one says nothing.
fn scaling<'a>(file: &'a ConfigFile<'_>) -> Option<ConfigObject<'a>> {
    file.object("rope_scaling").filter(|object| !object.is_empty())
}

#[cfg(test)]
mod tests;
