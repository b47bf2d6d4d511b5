//! Which model a result came from.

use std::path::{Path, PathBuf};

use sah_hub::digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::weights::safetensors::Safetensors;

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
    /// Hash in lower-case hexadecimal. Of a GGUF file: of the whole file, as `sha256sum` prints it; of one in
    /// several parts: of all parts in order. Of safetensors: of `config.json`, `tokenizer.json` and, for each weight file by name, its length, its header and the first
    /// 4 KiB of every tensor, so that a start does not wait for tens of gigabytes to be hashed. Two trainings of one
    /// architecture differ in it; a change deep inside a single tensor does not show.
    pub sha256: String,
}

/// Which chat template a model has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateIdentity {
    /// The file that it is in: `chat_template.jinja`, `tokenizer_config.json`, or the GGUF file.
    pub file: String,
    /// Hash of its text in UTF-8, in lower-case hexadecimal.
    pub sha256: String,
}

/// How the weights of a model are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightFormat {
    /// `*.safetensors` beside a `config.json`.
    Safetensors,
    /// One GGUF file, or one in several parts.
    Gguf,
}

/// SHA-256 of whole files, one after another, as `cat FILES | sha256sum` prints it.
pub(super) fn digest_files(paths: &[PathBuf]) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for path in paths {
        let read_error = |source| Error::Read { path: path.clone(), source };
        digest::add_file(&mut hasher, path).map_err(read_error)?;
    }
    Ok(digest::hex(&hasher.finalize()))
}

/// What [`ModelIdentity::sha256`] says of safetensors.
pub(super) fn digest_safetensors(described: &[&Path], weights: &Safetensors) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for path in described {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: (*path).to_owned(), source })?;
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    weights.for_each_sample(|bytes| hasher.update(bytes))?;
    Ok(digest::hex(&hasher.finalize()))
}

/// SHA-256 of a text.
pub(super) fn digest_text(text: &str) -> String {
    digest::hex(&Sha256::digest(text))
}
