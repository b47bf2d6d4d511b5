//! A model's tokenizer without the model: tokens before any weight is loaded.

use super::control::ControlTokens;
use super::download::small_files;
use super::folder::FolderText;
use super::prompt::{Prompter, SpecialText, Tokenisation};
use super::tokenizer::SpecialTokens;
use super::{
    ChatTemplate, ChatTemplateOptions, ModelSource, ModelThinking, SpecialTokensInText, Thinking, Tokenizer,
    TokenizerRemark,
};
use crate::engine::Detokenizer as _;
use crate::weights::gguf::Gguf;
use crate::{Error, ModelError, PromptForm, Question, Request, TokenCount};
use sah_hub::{RepoKind, Repository};

/// The tokenizer and the chat template of a model.
#[derive(Debug)]
pub struct ModelTokenizer {
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    thinking: ModelThinking,
    control_tokens: ControlTokens,
    special_tokens: SpecialTokensInText,
    tokenisation: Tokenisation,
}

/// What the files of a model say of its texts.
struct TextFiles {
    tokenizer: Tokenizer,
    special: SpecialTokens,
    template: Option<ChatTemplate>,
}

impl TextFiles {
    fn read(source: &ModelSource) -> Result<Self, Error> {
        let of_folder = |folder: &std::path::Path| {
            let text = FolderText::read(folder)?;
            let template = text.chat_template(folder)?;
            Ok(Self { special: text.special().clone(), tokenizer: text.tokenizer, template })
        };
        match source {
            ModelSource::Folder(folder) => of_folder(folder),
            ModelSource::External(model) => of_folder(&model.folder),
            ModelSource::Gguf(path) => {
                let gguf = Gguf::open(path)?;
                let special = SpecialTokens::from_gguf(&gguf)?;
                let template = ChatTemplate::of_gguf(&gguf, &special)?;
                Ok(Self { tokenizer: Tokenizer::from_gguf(&gguf)?, special, template })
            }
            ModelSource::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                of_folder(&small_files(&repository, &mut ())?.folder)
            }
        }
    }
}

impl ModelTokenizer {
    /// Reads the tokenizer of the model at `source`. Of a model on a hub the small files are fetched, weights are not.
    ///
    /// # Errors
    ///
    /// Those of loading the model, as far as they concern its tokenizer and its chat template.
    pub fn open(source: &ModelSource) -> Result<Self, Error> {
        let TextFiles { tokenizer, template, .. } = TextFiles::read(source)?;
        // The template's switch stays as it is.
        let thinking = ModelThinking::set(None, Thinking::Off, &tokenizer)?;
        Self::new(tokenizer, template, thinking)
    }

    /// The same with what a user says about the chat template, as [`LoadedModel::load_with`](crate::LoadedModel::load_with) does it.
    ///
    /// # Errors
    ///
    /// As [`ModelTokenizer::open`], and where the options do not fit the template.
    pub fn open_with(source: &ModelSource, options: &ChatTemplateOptions) -> Result<Self, Error> {
        let TextFiles { tokenizer, special, template } = TextFiles::read(source)?;
        let mut template = options.choose(&special, || Ok(template))?;
        let thinking = ModelThinking::set(template.as_mut(), options.thinking, &tokenizer)?;
        Self::new(tokenizer, template, thinking)
    }

    fn new(
        tokenizer: Tokenizer,
        template: Option<ChatTemplate>,
        thinking: ModelThinking,
    ) -> Result<Self, Error> {
        let control_tokens = ControlTokens::new(&tokenizer, template.as_ref())?;
        let (special_tokens, tokenisation) = (SpecialTokensInText::default(), Tokenisation::default());
        Ok(Self { tokenizer, template, thinking, control_tokens, special_tokens, tokenisation })
    }

    /// The same for prompts that are put in no chat template.
    #[must_use]
    pub fn without_template(self) -> Self {
        Self { template: None, ..self }
    }

    /// The same with text that reads as special tokens read so.
    #[must_use]
    pub fn with_special_tokens(self, special_tokens: SpecialTokensInText) -> Self {
        Self { special_tokens, ..self }
    }

    /// The same with another way to make tokens of prompts.
    #[must_use]
    pub fn with_tokenisation(self, tokenisation: Tokenisation) -> Self {
        Self { tokenisation, ..self }
    }

    fn prompter(&self) -> Prompter<'_> {
        Prompter {
            tokenizer: &self.tokenizer,
            chat_template: self.template.as_ref(),
            thinking: &self.thinking,
            special: SpecialText { tokens: &self.control_tokens, read: self.special_tokens },
            tokenisation: self.tokenisation,
            marks_seen: false,
        }
    }

    /// A request of one question, in the chat template where there is one.
    fn request(&self, context: &str, question: &str, answer_prefix: &str) -> Request {
        let form = if self.template.is_some() { PromptForm::Chat } else { PromptForm::Plain };
        let question = Question {
            text: question.to_owned(),
            answer_prefix: Some(answer_prefix.to_owned()),
            ..Question::default()
        };
        Request { form, ..Request::new(context, question) }
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

    /// Those of the prompt that an [`HfAdapter`](crate::HfAdapter) makes of the same texts in the same way.
    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        let counts = self.prompter().count(&self.request(context, question, answer_prefix));
        Ok(counts.map_err(ModelError::new)?.into_iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hf::json;
    use crate::{GenerationParams, RequestLimits};

    /// With every way to make tokens, of texts that tokenizers join and that read as special tokens.
    #[test]
    fn as_many_tokens_are_counted_as_an_adapter_reads() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/control_tokens.json");
        let golden = json::read(&path).unwrap();
        let thinks = "{{ bos_token }}{{ messages[0].content }}\n{% if enable_thinking %}<think>{% endif %}";
        let texts = [("ab the", " abc ", "a"), ("the a", "bc", ""), ("a</s>b <s", ">ab", " the")];
        let mut seen = std::collections::HashSet::new();
        for vocabulary in ["byte_level", "sequence", "legacy", "metaspace"] {
            for template in [Some(golden["template"].as_str().unwrap()), Some(thinks), None] {
                let folder = tempfile::tempdir().unwrap();
                let config = json!({"bos_token": "<s>", "eos_token": "</s>", "chat_template": template});
                for (file, content) in [
                    ("tokenizer.json", &golden["vocabularies"][vocabulary]),
                    ("tokenizer_config.json", &config),
                ] {
                    std::fs::write(folder.path().join(file), content.to_string()).unwrap();
                }
                let source = ModelSource::Folder(folder.path().to_owned());
                for how in [Tokenisation::Whole, Tokenisation::Apart] {
                    for special in [SpecialTokensInText::Parse, SpecialTokensInText::Text] {
                        let thinking = if template == Some(thinks) { Thinking::On } else { Thinking::Off };
                        let options = ChatTemplateOptions { thinking, ..ChatTemplateOptions::default() };
                        let tokenizer = ModelTokenizer::open_with(&source, &options).unwrap();
                        let tokenizer = tokenizer.with_tokenisation(how).with_special_tokens(special);
                        for (context, question, prefix) in texts {
                            let (generation, limits) =
                                (GenerationParams::default(), RequestLimits::default());
                            let request = tokenizer.request(context, question, prefix);
                            let prompt = tokenizer.prompter().prompt(&request, &generation, &limits).unwrap();
                            let read = prompt.context.len() + prompt.questions[0].ids.len();
                            let counted = tokenizer.count_prompt(context, question, prefix).unwrap();
                            assert_eq!(
                                counted, read,
                                "{vocabulary} {template:?} {how:?} {special:?} {context}"
                            );
                            seen.insert((vocabulary, template, format!("{special:?}"), context, read));
                        }
                    }
                }
            }
        }
        // Some are other tokens apart than as one text.
        assert!(seen.len() > 4 * 3 * 2 * texts.len(), "{}", seen.len());
    }
}
