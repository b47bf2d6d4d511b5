//! A model that can be run, taken from any of its sources.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::identity::{digest_files, digest_safetensors};
use super::tokenizer::SpecialTokens;
use super::{ChatTemplate, ModelIdentity, ModelSource, Tokenizer, WeightFormat, download, eos, json};
use crate::Error;
use crate::weights::Weights;
use crate::weights::gguf::{Gguf, GgufWeights, hf_config, model_stem};
use crate::weights::safetensors::Safetensors;

/// Everything a checkpoint says, in one form whatever the source.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// In the shape of Hugging Face's `config.json`, for GGUF too.
    pub(crate) config: Value,
    /// Where `config` came from, for errors about its fields.
    pub(crate) config_path: PathBuf,
    /// Tensors by Hugging Face names.
    pub(crate) weights: Weights,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) chat_template: Option<ChatTemplate>,
    /// Any of these ends an answer.
    pub(crate) eos_token_ids: Vec<u32>,
    pub(crate) identity: ModelIdentity,
}

impl Checkpoint {
    /// Reads everything but the weights themselves, which are read tensor by tensor when asked for.
    pub(crate) fn open(source: &ModelSource) -> Result<Self, Error> {
        match source {
            ModelSource::Folder(folder) => {
                Self::from_folder(folder, name_of(folder), &folder.display().to_string())
            }
            ModelSource::Gguf(path) => Self::from_gguf(path),
            ModelSource::Hub { repo, revision } => {
                let snapshot = download::checkpoint(repo, revision.as_deref())?;
                let source = format!("{repo}@{}", snapshot.commit);
                Self::from_folder(&snapshot.folder, repo.clone(), &source)
            }
        }
    }

    fn from_folder(folder: &Path, name: String, source: &str) -> Result<Self, Error> {
        let require = |file: &str, remedy: &str| {
            let path = folder.join(file);
            if path.is_file() {
                return Ok(path);
            }
            Err(Error::MissingFile { folder: folder.to_owned(), file: file.into(), remedy: remedy.into() })
        };
        let config_path = require("config.json", "a model folder has one; is this the right folder?")?;
        let config = json::read(&config_path)?;
        let architecture = config["model_type"].as_str().ok_or_else(|| Error::Field {
            path: config_path.clone(),
            field: "model_type".into(),
            expected: "the name of an architecture".into(),
            found: config.get("model_type").map_or("nothing".into(), Value::to_string),
        })?;
        let weights = Safetensors::open(folder)?;
        let remedy = "save it with Python: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)";
        let tokenizer_path = require("tokenizer.json", remedy)?;

        let optional = |file: &str| json::read_optional(&folder.join(file)).map(Option::unwrap_or_default);
        let tokenizer_config = optional("tokenizer_config.json")?;
        let special = SpecialTokens::from_config(&tokenizer_config, &optional("special_tokens_map.json")?);
        let tokenizer = Tokenizer::from_file(&tokenizer_path, &tokenizer_config, &special)?;
        let chat_template = ChatTemplate::of_folder(folder, &tokenizer_config, &special)?;
        let generation_path = folder.join("generation_config.json");
        let generation = json::read_optional(&generation_path)?.unwrap_or_default();
        let eos_token_ids = eos::from_configs(
            &[(&generation_path, &generation), (&config_path, &config)],
            &special,
            &tokenizer,
        )?;
        let identity = ModelIdentity {
            name,
            source: source.into(),
            format: WeightFormat::Safetensors,
            architecture: architecture.into(),
            sha256: digest_safetensors(&[&config_path, &tokenizer_path], &weights)?,
        };
        let weights = Weights::Safetensors(weights);
        Ok(Self { config, config_path, weights, tokenizer, chat_template, eos_token_ids, identity })
    }

    fn from_gguf(path: &Path) -> Result<Self, Error> {
        let gguf = Gguf::open(path)?;
        let config = hf_config(&gguf)?;
        // The hash takes as long as the tokenizer does to build, and needs nothing of it.
        let (digest, text) = rayon::join(|| digest_files(&gguf.files), || gguf_text(&gguf));
        let (tokenizer, chat_template, eos_token_ids) = text?;
        let identity = ModelIdentity {
            name: name_of(path),
            source: path.display().to_string(),
            format: WeightFormat::Gguf,
            architecture: config["model_type"].as_str().unwrap_or_default().into(),
            sha256: digest?,
        };
        let weights = Weights::Gguf(GgufWeights::new(gguf, &config)?);
        let config_path = path.to_owned();
        Ok(Self { config, config_path, weights, tokenizer, chat_template, eos_token_ids, identity })
    }
}

/// Tokenizer, chat template and end-of-answer tokens of a GGUF file.
fn gguf_text(gguf: &Gguf) -> Result<(Tokenizer, Option<ChatTemplate>, Vec<u32>), Error> {
    let tokenizer = Tokenizer::from_gguf(gguf)?;
    let special = SpecialTokens::from_gguf(gguf)?;
    let template = ChatTemplate::of_gguf(gguf, special)?;
    let eos = eos::from_gguf(gguf, &tokenizer)?;
    Ok((tokenizer, template, eos))
}

/// The name of a file or folder, without what only says how it is stored.
fn name_of(path: &Path) -> String {
    // `.` and `models/..` have a name too once they are resolved.
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_file = resolved.is_file();
    if let Some(stem) = resolved.file_name().and_then(|name| name.to_str()).and_then(model_stem)
        && is_file
    {
        return stem.to_owned();
    }
    let name = if is_file { resolved.file_stem() } else { resolved.file_name() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
