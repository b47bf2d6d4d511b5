//! What asks a model to repeat its context.

use super::Prompter;
use crate::engine::RepeatTokens;
use crate::hf::control::MarkedText;
use crate::{Error, PromptForm};

/// Asks for a context, or its first part: KVzip's text.
const FIRST: &str = "\n\nRepeat the previous context exactly.";
/// Asks for a later part.
const LATER: &str = "\n\nRepeat the part of the previous context exactly, starting with";
/// Ends a request without a chat template.
const END: &str = "\n";

impl Prompter<'_> {
    /// The tokens that ask for it, with what the chat template puts around a message in requests of this form.
    pub(in crate::hf) fn repeat_tokens(&self, form: PromptForm) -> Result<RepeatTokens, Error> {
        // Any two texts.
        let (context, question) = ("context", "question");
        let (before, after) = match (self.chat_template, form) {
            (Some(template), PromptForm::Chat) => template.split(context, question)?,
            _ => (context.to_owned(), format!("{question}{END}")),
        };
        let prefix = before.strip_suffix(context).unwrap_or_default();
        let suffix = after.strip_prefix(question).unwrap_or_default();
        let prefix = match prefix {
            "" => 0,
            prefix => self.tokenizer.encode_prompt(&MarkedText::of(prefix.to_owned(), None))?.len(),
        };
        Ok(RepeatTokens {
            prefix,
            first: self.tokenizer.encode(FIRST)?,
            later: self.tokenizer.encode(LATER)?,
            suffix: self.tokenizer.encode(suffix)?,
        })
    }
}
