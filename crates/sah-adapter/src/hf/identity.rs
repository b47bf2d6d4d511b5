//! Which model a result came from.

use serde::{Deserialize, Serialize};

/// What tells one model from another in a result file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// A short name: of the folder, the file, or the repository.
    pub name: String,
    /// Path, or `org/name@commit`.
    pub source: String,
    /// How the weights are stored.
    pub format: WeightFormat,
    /// `model_type` of the configuration.
    pub architecture: String,
    /// Hash in lower-case hexadecimal. Of a GGUF file: of the whole file, as `sha256sum` prints it. Of safetensors:
    /// of `config.json`, `tokenizer.json` and, for each weight file by name, its length, its header and the first
    /// 4 KiB of every tensor, so that a start does not wait for tens of gigabytes to be hashed. Two trainings of one
    /// architecture differ in it; a change deep inside a single tensor does not show.
    pub sha256: String,
}

/// How the weights of a model are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightFormat {
    /// `*.safetensors` beside a `config.json`.
    Safetensors,
    /// One GGUF file.
    Gguf,
}
