//! Which model a result came from.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::weights::safetensors::Safetensors;
use crate::{Error, digest};

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

/// SHA-256 of a whole file, as `sha256sum` prints it.
pub(super) fn digest_file(path: &Path) -> Result<String, Error> {
    digest::of_file(Sha256::new(), path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// What [`ModelIdentity::sha256`] says of safetensors.
pub(super) fn digest_safetensors(whole: &[&Path], weights: &Safetensors) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for path in whole {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: (*path).to_owned(), source })?;
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    weights.for_each_sample(|bytes| hasher.update(bytes))?;
    Ok(digest::hex(&hasher.finalize()))
}
