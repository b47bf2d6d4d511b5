//! Parameters of `HashAttention`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::masker::hash_attention::HashAttentionMasker;
use crate::masker::hash_attention::weights::Activation;
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;

/// Parameters of the [`HashAttentionMasker`](crate::HashAttentionMasker).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct HashAttentionConfig {
    /// Keys to add; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Bits of a signature, from 1 to 1024.
    pub hat_bits: usize,
    /// Where the functions that compute signatures come from.
    pub weights: HashSource,
}

/// Where the functions that compute signatures come from.
#[derive(Debug, Clone, PartialEq)]
pub enum HashSource {
    /// Trained networks from a file; see [`HashWeights`](crate::HashWeights).
    File {
        /// The safetensors file.
        path: PathBuf,
        /// Matrices of each network, where it is to be checked.
        mlp_layers: Option<usize>,
        /// Outputs of the matrices before the last, where it is to be checked.
        mlp_hidden_size: Option<usize>,
        /// What is applied after each matrix but the last. Needed where there is more than one.
        activation: Option<Activation>,
    },
    /// Random hyperplanes through the origin, the same for queries and keys: the untrained baseline.
    Random,
}

/// What a file may contain.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    heavy_size: Size,
    hat_bits: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hat_mlp_layers: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hat_mlp_hidden_size: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hat_mlp_activation: Option<Activation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hat_weights: Option<NamedWeights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hat_weight_file: Option<PathBuf>,
}

/// Weights that need no file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NamedWeights {
    Random,
}

impl TryFrom<Fields> for HashAttentionConfig {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self> {
        let network = fields.hat_mlp_layers.is_some()
            || fields.hat_mlp_hidden_size.is_some()
            || fields.hat_mlp_activation.is_some();
        let weights = match (fields.hat_weights, fields.hat_weight_file) {
            (None, Some(path)) => HashSource::File {
                path,
                mlp_layers: fields.hat_mlp_layers,
                mlp_hidden_size: fields.hat_mlp_hidden_size,
                activation: fields.hat_mlp_activation,
            },
            (Some(NamedWeights::Random), None) if network => {
                return Err(Error::Field {
                    field: "hat_weights",
                    expected: "given without `hat_mlp_` fields: random hyperplanes have no network",
                    found: "both".to_owned(),
                });
            }
            (Some(NamedWeights::Random), None) => HashSource::Random,
            (given, _) => {
                return Err(Error::Field {
                    field: "hat_weight_file",
                    expected: "a safetensors file, or else hat_weights \"random\": exactly one of the two",
                    found: if given.is_some() { "both" } else { "neither" }.to_owned(),
                });
            }
        };
        let config = Self { heavy_size: fields.heavy_size, hat_bits: fields.hat_bits, weights };
        config.check()?;
        Ok(config)
    }
}

impl From<HashAttentionConfig> for Fields {
    fn from(config: HashAttentionConfig) -> Self {
        let mut fields = Self {
            heavy_size: config.heavy_size,
            hat_bits: config.hat_bits,
            hat_mlp_layers: None,
            hat_mlp_hidden_size: None,
            hat_mlp_activation: None,
            hat_weights: None,
            hat_weight_file: None,
        };
        match config.weights {
            HashSource::Random => fields.hat_weights = Some(NamedWeights::Random),
            HashSource::File { path, mlp_layers, mlp_hidden_size, activation } => {
                fields.hat_weight_file = Some(path);
                fields.hat_mlp_layers = mlp_layers;
                fields.hat_mlp_hidden_size = mlp_hidden_size;
                fields.hat_mlp_activation = activation;
            }
        }
        fields
    }
}

impl HashAttentionConfig {
    /// Checks everything but the file.
    pub(super) fn check(&self) -> Result<()> {
        self.heavy_size.validate("heavy_size")?;
        if !(1..=1024).contains(&self.hat_bits) {
            let found = self.hat_bits.to_string();
            return Err(Error::Field { field: "hat_bits", expected: "from 1 to 1024", found });
        }
        Ok(())
    }
}

impl MaskerConfig for HashAttentionConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "hash_attention_top_k",
        about: "the keys whose trained signatures share the most bits with the query's",
        fields: &[
            FieldInfo::size("heavy_size"),
            FieldInfo::required("hat_bits", "from 1 to 1024"),
            FieldInfo::optional("hat_mlp_layers", "the number of matrices in the file", "not checked"),
            FieldInfo::optional("hat_mlp_hidden_size", "their outputs before the last", "not checked"),
            FieldInfo::optional(
                "hat_mlp_activation",
                "relu, silu, gelu, tanh; needed from 2 matrices on",
                "none",
            ),
            FieldInfo::optional(
                "hat_weights",
                "random: untrained; without hat_weight_file",
                "hat_weight_file",
            ),
            FieldInfo::optional(
                "hat_weight_file",
                "a safetensors file; exactly one of this and hat_weights",
                "hat_weights",
            ),
        ],
        source: "HashAttention, arXiv 2412.14468",
        cost: "K words of 32 bits for each 32 hat_bits",
        state: "hat_bits bits, in words of 32, for each head with a network",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(HashAttentionMasker::new(self)?))
    }

    fn validate(&self) -> Result<()> {
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_source_of_weights() {
        let read = |rest: &str| {
            let text = format!(r#"{{"heavy_size": 9, "hat_bits": 32{rest}}}"#);
            serde_json::from_str::<HashAttentionConfig>(&text)
        };
        let random = read(r#", "hat_weights": "random""#).unwrap();
        assert_eq!(random.weights, HashSource::Random);
        let file = read(
            r#", "hat_weight_file": "w.safetensors", "hat_mlp_layers": 3, "hat_mlp_activation": "silu""#,
        );
        for config in [random, file.unwrap()] {
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<HashAttentionConfig>(&text).unwrap(), config, "{text}");
        }
        let check = |rest: &str, part: &str| {
            let error = read(rest).unwrap_err().to_string();
            assert!(error.contains(part), "{rest}: {error}");
        };
        check("", "exactly one of the two, got neither");
        check(r#", "hat_weights": "random", "hat_weight_file": "w""#, "exactly one of the two, got both");
        check(r#", "hat_weights": "random", "hat_mlp_layers": 3"#, "without `hat_mlp_` fields");
        check(r#", "hat_weights": "zero""#, "unknown variant `zero`, expected `random`");
        check(r#", "hat_weight_file": "w", "hat_mlp_activation": "sine""#, "unknown variant `sine`");
        check(r#", "hat_weight_file": "w", "bits": 3"#, "unknown field `bits`");
        let error = serde_json::from_str::<HashAttentionConfig>(
            r#"{"heavy_size": 9, "hat_bits": 0, "hat_weights": "random"}"#,
        );
        assert_eq!(error.unwrap_err().to_string(), "hat_bits must be from 1 to 1024, got 0");
    }
}
