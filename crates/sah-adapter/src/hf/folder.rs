//! The files of a folder in Hugging Face form, weights aside.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tokenizer::{MERGES, SpecialTokens, TOKENIZER, TokenizerFiles, VOCABULARY};
use super::{ChatTemplate, Tokenizer, eos, json};
use crate::Error;

/// `config.json`.
#[derive(Debug)]
pub(super) struct FolderConfig {
    pub(super) path: PathBuf,
    pub(super) json: Value,
    /// `model_type`.
    pub(super) architecture: String,
}

impl FolderConfig {
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let path = require(folder, "config.json", "a model folder has one; is this the right folder?")?;
        let json = json::read(&path)?;
        // Where there is none, reading the model says so, with all else that is wrong.
        let architecture = json["model_type"].as_str().unwrap_or_default().to_owned();
        Ok(Self { path, json, architecture })
    }
}

/// The tokenizer and what is said about it.
#[derive(Debug)]
pub(super) struct FolderText {
    pub(super) tokenizer: Tokenizer,
    beside: TokenizerFiles,
    special: SpecialTokens,
}

impl FolderText {
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let json = vec![folder.join(TOKENIZER)];
        let two = [VOCABULARY, MERGES].map(|file| folder.join(file)).to_vec();
        if ![json, two].iter().any(|files| files.iter().all(|file| file.is_file())) {
            return Err(missing_tokenizer(folder));
        }
        let beside = TokenizerFiles::read(folder)?;
        let (tokenizer, special) = Tokenizer::from_folder(folder, &beside)?;
        Ok(Self { tokenizer, beside, special })
    }

    /// The special tokens by role.
    pub(super) fn special(&self) -> &SpecialTokens {
        &self.special
    }

    /// See [`ChatTemplate::of_folder`].
    pub(super) fn chat_template(&self, folder: &Path) -> Result<Option<ChatTemplate>, Error> {
        ChatTemplate::of_folder(folder, &self.beside.config, &self.special)
    }

    /// The tokens that end an answer: what `generation_config.json` says, else `config.json`, else the tokenizer.
    pub(super) fn eos(&self, folder: &Path, config: &FolderConfig) -> Result<Vec<u32>, Error> {
        let path = folder.join("generation_config.json");
        let generation = json::read_optional(&path)?.unwrap_or_default();
        eos::from_configs(
            // A wrapper may say it of its language model alone.
            &[
                (&path, &generation),
                (&config.path, &config.json),
                (&config.path, &config.json["text_config"]),
            ],
            &self.special,
            &self.tokenizer,
        )
    }
}

/// A folder without a tokenizer in the form that can be read here.
pub(super) fn missing_tokenizer(folder: &Path) -> Error {
    Error::MissingFile {
        folder: folder.to_owned(),
        file: format!("tokenizer.json (nor {VOCABULARY} with {MERGES})"),
        remedy: "save it with Python: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)".into(),
    }
}

fn require(folder: &Path, file: &str, remedy: &str) -> Result<PathBuf, Error> {
    let path = folder.join(file);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::MissingFile { folder: folder.to_owned(), file: file.into(), remedy: remedy.into() })
}
