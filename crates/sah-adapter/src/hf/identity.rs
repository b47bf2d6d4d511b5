//! Which model a result came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sah_hub::digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file_hash;
use super::tokenizer::{MERGES, VOCABULARY};
use crate::Error;
use crate::weights::safetensors::INDEX;

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
    /// Hash of the weights in lower-case hexadecimal. Of one file: as `sha256sum FILE` prints it. Of several: the hash of what
    /// `sha256sum FILES` prints for them, in order of their names.
    pub sha256: String,
    /// Hashes of all other files that decide answers, by their names in the model's folder: configurations, tokenizer, chat
    /// template. None of a GGUF file, which has all of it inside.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// Which chat template a model is used with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateIdentity {
    /// The file that it is in: `chat_template.jinja`, `tokenizer_config.json`, the GGUF file, or the user's own.
    pub file: String,
    /// Hash of its text in UTF-8, in lower-case hexadecimal.
    pub sha256: String,
    /// Values for its variables, by name.
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

/// How the weights of a model are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightFormat {
    /// `*.safetensors` beside a `config.json`.
    Safetensors,
    /// One GGUF file, or one in several parts.
    Gguf,
    /// In the memory of another library.
    External,
}

/// Files beside the weights that decide answers, wherever they are. Those that a folder lacks are left out.
const DESCRIBING: [&str; 11] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    VOCABULARY,
    MERGES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    INDEX,
];

/// Where a model comes from and which files it is made of: a [`ModelIdentity`] once they are hashed.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) format: WeightFormat,
    pub(super) architecture: String,
    pub(super) weights: WeightFiles,
    /// The folder of the files that describe the weights; `None` of a GGUF file.
    pub(super) folder: Option<PathBuf>,
}

/// What the weights of a model are hashed by.
#[derive(Debug)]
pub(super) enum WeightFiles {
    /// In order of their names.
    Files(Vec<PathBuf>),
    /// The hash that is known of them.
    Hashed(String),
}

impl Origin {
    /// Hashes every byte of all files, several at a time. The hash of a large file that has not changed since it was hashed
    /// last comes from the user's cache.
    pub(crate) fn identity(&self) -> Result<ModelIdentity, Error> {
        let _span = tracing::debug_span!("hash").entered();
        let described = self.folder.iter().flat_map(|folder| DESCRIBING.map(|name| folder.join(name)));
        let described: Vec<PathBuf> = described.filter(|path| path.is_file()).collect();
        let stored: &[PathBuf] = match &self.weights {
            WeightFiles::Files(files) => files,
            WeightFiles::Hashed(_) => &[],
        };
        let all: Vec<&PathBuf> = stored.iter().chain(&described).collect();
        let hashes = hashes(&all)?;
        let (weights, files) = hashes.split_at(stored.len());
        let names = described.iter().map(|path| name(path));
        Ok(ModelIdentity {
            name: self.name.clone(),
            source: self.source.clone(),
            format: self.format,
            architecture: self.architecture.clone(),
            sha256: match &self.weights {
                WeightFiles::Files(files) => combined(files, weights),
                WeightFiles::Hashed(sha256) => sha256.clone(),
            },
            files: names.zip(files.iter().cloned()).collect(),
        })
    }
}

/// The hash of each file. On threads of its own: those of the pool are busy loading the model, or are the very thread that waits
/// for this. Each takes every so-many-th file, since the large ones stand side by side.
fn hashes(files: &[&PathBuf]) -> Result<Vec<String>, Error> {
    let threads = rayon::current_num_threads().min(files.len());
    let from = |first: usize| files.iter().skip(first).step_by(threads).map(|path| hash(path)).collect();
    let parts: Vec<Vec<String>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|first| scope.spawn(move || from(first))).collect();
        started.into_iter().map(|part| part.join().expect("hashing does not panic")).collect::<Result<_, _>>()
    })?;
    Ok((0..files.len()).map(|at| parts[at % threads][at / threads].clone()).collect())
}

fn hash(path: &Path) -> Result<String, Error> {
    file_hash::of(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The hash of a single file, or of the lines that `sha256sum` prints for several.
fn combined(files: &[PathBuf], hashes: &[String]) -> String {
    if let [only] = hashes {
        return only.clone();
    }
    let lines = files.iter().zip(hashes).map(|(file, hash)| format!("{hash}  {}\n", name(file)));
    digest_text(&lines.collect::<String>())
}

/// SHA-256 of a text.
pub(super) fn digest_text(text: &str) -> String {
    digest::hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Origin, WeightFiles, WeightFormat, digest_text};

    fn origin(folder: &Path, weights: &[&str]) -> Origin {
        Origin {
            name: "m".to_owned(),
            source: "m".to_owned(),
            format: WeightFormat::Safetensors,
            architecture: "llama".to_owned(),
            weights: WeightFiles::Files(weights.iter().map(|name| folder.join(name)).collect()),
            folder: Some(folder.to_owned()),
        }
    }

    /// As `printf a | sha256sum` and `printf b | sha256sum` print it.
    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    #[test]
    fn hashes_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [("1.safetensors", "a"), ("2.safetensors", "b"), ("merges.txt", "b")] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let one = origin(folder.path(), &["1.safetensors"]).identity().unwrap();
        assert_eq!(one.sha256, A);
        assert_eq!(one.files.into_iter().collect::<Vec<_>>(), [("merges.txt".to_owned(), B.to_owned())]);
        let two = origin(folder.path(), &["1.safetensors", "2.safetensors"]).identity().unwrap();
        assert_eq!(two.sha256, digest_text(&format!("{A}  1.safetensors\n{B}  2.safetensors\n")));
        let error = origin(folder.path(), &["3.safetensors"]).identity().unwrap_err().to_string();
        assert!(error.contains("3.safetensors"), "{error}");
    }
}
