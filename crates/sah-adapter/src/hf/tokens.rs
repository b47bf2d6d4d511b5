//! A model's tokenizer without the model: tokens before any weight is loaded.

use super::download::small_files;
use super::folder::FolderText;
use super::tokenizer::SpecialTokens;
use super::{ChatTemplate, ChatTemplateOptions, ModelSource, ModelThinking, Tokenizer, TokenizerRemark};
use crate::engine::Detokenizer as _;
use crate::weights::gguf::Gguf;
use crate::{Error, ModelError, TokenCount};
use sah_hub::{RepoKind, Repository};

/// The tokenizer and the chat template of a model.
#[derive(Debug)]
pub struct ModelTokenizer {
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
}

impl ModelTokenizer {
    /// Reads the tokenizer of the model at `source`. Of a model on a hub the small files are fetched, weights are not.
    ///
    /// # Errors
    ///
    /// Those of loading the model, as far as they concern its tokenizer and its chat template.
    pub fn open(source: &ModelSource) -> Result<Self, Error> {
        let of_folder = |folder: &std::path::Path| {
            let text = FolderText::read(folder)?;
            let template = text.chat_template(folder)?;
            Ok(Self { tokenizer: text.tokenizer, template })
        };
        match source {
            ModelSource::Folder(folder) => of_folder(folder),
            ModelSource::Gguf(path) => {
                let gguf = Gguf::open(path)?;
                let template = ChatTemplate::of_gguf(&gguf, &SpecialTokens::from_gguf(&gguf)?)?;
                Ok(Self { tokenizer: Tokenizer::from_gguf(&gguf)?, template })
            }
            ModelSource::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                of_folder(&small_files(&repository, &mut ())?.folder)
            }
        }
    }

    /// The same with what a user says about the chat template, as [`LoadedModel::load_with`](crate::LoadedModel::load_with) does it.
    ///
    /// # Errors
    ///
    /// As [`ModelTokenizer::open`], and where the options do not fit the template.
    pub fn open_with(source: &ModelSource, options: &ChatTemplateOptions) -> Result<Self, Error> {
        let special = |source: &ModelSource| -> Result<SpecialTokens, Error> {
            match source {
                ModelSource::Folder(folder) => Ok(FolderText::read(folder)?.special().clone()),
                ModelSource::Gguf(path) => SpecialTokens::from_gguf(&Gguf::open(path)?),
                ModelSource::Hub { repo, revision } => {
                    let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                    let folder = small_files(&repository, &mut ())?.folder;
                    Ok(FolderText::read(&folder)?.special().clone())
                }
            }
        };
        let Self { tokenizer, template } = Self::open(source)?;
        let mut template = options.choose(&special(source)?, || Ok(template))?;
        ModelThinking::set(template.as_mut(), options.thinking, &tokenizer)?;
        Ok(Self { tokenizer, template })
    }

    /// The same for prompts that are put in no chat template.
    #[must_use]
    pub fn without_template(self) -> Self {
        Self { template: None, ..self }
    }

    /// Tokens of `text`, without any in front of it. Special tokens that are written in it are recognised.
    ///
    /// # Errors
    ///
    /// What the tokenizer says.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        self.tokenizer.encode(text)
    }

    /// The text of `ids`, without special tokens.
    ///
    /// # Errors
    ///
    /// What the tokenizer says.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        self.tokenizer.decode(ids)
    }

    /// The token that the model expects before the first token of a text, if any.
    #[must_use]
    pub fn bos(&self) -> Option<u32> {
        self.tokenizer.bos_to_prepend()
    }

    /// A user's message in the chat template, up to where the answer begins; `None` where the model has no template.
    ///
    /// # Errors
    ///
    /// [`Error::ChatTemplate`] where the template fails.
    pub fn prompt(&self, message: &str) -> Result<Option<String>, Error> {
        self.template.as_ref().map(|template| template.render(message)).transpose()
    }

    /// What the files of the tokenizer say and what is not done as they say it.
    #[must_use]
    pub fn remarks(&self) -> &[TokenizerRemark] {
        self.tokenizer.remarks()
    }
}

impl TokenCount for ModelTokenizer {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        let ids = self.encode(text).map_err(ModelError::new)?;
        Ok(ids.len())
    }

    fn count_prompt(&self, message: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        let text = self.prompt(message).map_err(ModelError::new)?;
        let text = text.as_deref().unwrap_or(message).to_owned() + answer_prefix;
        let ids = self.encode(&text).map_err(ModelError::new)?;
        let is_added = self.bos().is_some_and(|bos| ids.first() != Some(&bos));
        Ok(ids.len() + usize::from(is_added))
    }
}
