//! A model's tokenizer without the model: counting tokens before any weight is loaded.

use super::download::small_files;
use super::folder::FolderText;
use super::{ModelSource, Tokenizer};
use crate::weights::gguf::Gguf;
use crate::{Error, ModelError, TokenCount};
use sah_hub::{RepoKind, Repository};

/// The tokenizer of a model.
#[derive(Debug)]
pub struct ModelTokenizer(Tokenizer);

impl ModelTokenizer {
    /// Reads the tokenizer of the model at `source`. Of a model on a hub the small files are fetched, weights are not.
    ///
    /// # Errors
    ///
    /// Those of loading the model, as far as they concern its tokenizer.
    pub fn open(source: &ModelSource) -> Result<Self, Error> {
        Ok(Self(match source {
            ModelSource::Folder(folder) => FolderText::read(folder)?.tokenizer,
            ModelSource::Gguf(path) => Tokenizer::from_gguf(&Gguf::open(path)?)?,
            ModelSource::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                FolderText::read(&small_files(&repository, &mut ())?.folder)?.tokenizer
            }
        }))
    }
}

impl TokenCount for ModelTokenizer {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        let ids = self.0.encode(text).map_err(ModelError::new)?;
        Ok(ids.len())
    }
}
