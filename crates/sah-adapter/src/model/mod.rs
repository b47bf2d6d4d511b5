//! Model architectures. Each is one file: config mirror, config, blocks, public model.

mod linear;
mod llama;
mod matvec;
mod rope;

use std::fmt::Display;
use std::path::Path;

use sah_attention::AttentionPolicy;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::cache::{CacheShape, KvCache};
use crate::weights::Weights;

/// A decoder-only language model.
pub(crate) trait CausalLm: std::fmt::Debug {
    /// Runs `ids`, which follow what is in `cache`, and appends them to it. `attention` decides which keys each layer
    /// reads.
    fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error>;

    /// What a cache for this model looks like.
    fn cache_shape(&self) -> CacheShape;

    /// How many positions the model was made for.
    fn positions(&self) -> usize;
}

/// What one forward pass gives.
#[derive(Debug)]
pub(crate) struct Step {
    /// The next-token logits after the last of the ids, `[vocabulary]`, f32.
    pub(crate) logits: Tensor,
    /// Mean share of the visible keys that attention read, over the layers.
    pub(crate) density: f64,
}

/// Loads the architecture that the config at `path` names in `model_type`, its weights as `kind` to `device`.
pub(crate) fn load(
    (json, path): (&Value, &Path),
    weights: &Weights,
    device: Device,
    kind: Kind,
) -> Result<Box<dyn CausalLm>, Error> {
    let config = ConfigFile { json, path };
    let weights = weights.root(device, kind);
    match config.json.get("model_type").and_then(Value::as_str) {
        Some("llama") => Ok(Box::new(llama::Llama::load(config, &weights)?)),
        Some(other) => Err(config.unsupported("model_type", other, "llama")),
        None => Err(config.field("model_type", "the name of an architecture", "nothing")),
    }
}

/// A config in the form of Hugging Face's `config.json`, and the file to name where it is wrong.
#[derive(Clone, Copy, Debug)]
struct ConfigFile<'a> {
    json: &'a Value,
    path: &'a Path,
}

impl ConfigFile<'_> {
    /// The fields that an architecture reads.
    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(self.json).map_err(|error| Error::BadFile {
            path: self.path.to_owned(),
            problem: error.to_string(),
            remedy: "compare it with the config.json of the model's source".to_owned(),
        })
    }

    /// A field that is missing or has an impossible value.
    fn field(&self, field: &str, expected: impl Display, found: impl Display) -> Error {
        Error::Field {
            path: self.path.to_owned(),
            field: field.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// A field that asks for something that is not done here.
    fn unsupported(&self, field: &str, found: impl Display, supported: impl Display) -> Error {
        Error::Unsupported {
            path: self.path.to_owned(),
            field: field.to_owned(),
            found: found.to_string(),
            supported: supported.to_string(),
        }
    }
}
