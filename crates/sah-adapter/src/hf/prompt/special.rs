//! Special tokens in the text of a request.

use crate::hf::SpecialTokensInText;
use crate::hf::control::{Across, ControlTokens, Marks};
use crate::{Error, Request};

use super::Tokenisation;

/// What becomes of text that reads as special tokens, and what does.
#[derive(Clone, Copy, Debug)]
pub(in crate::hf) struct SpecialText<'a> {
    pub(in crate::hf) tokens: &'a ControlTokens,
    pub(in crate::hf) read: SpecialTokensInText,
}

impl SpecialText<'_> {
    /// Marks for the text of `request`, where its special tokens are text.
    pub(super) fn marks(&self, request: &Request) -> Result<Option<Marks>, Error> {
        if self.read == SpecialTokensInText::Parse {
            return Ok(None);
        }
        let mut texts = vec![request.context.as_str(), &request.answer_prefix];
        for question in &request.questions {
            texts.push(&question.text);
            texts.extend(question.answer_prefix.as_deref());
        }
        Marks::absent_from(&texts).map(Some).ok_or(Error::NoMarks)
    }

    /// The one that begins in `context` and ends in `question`, where it has to be text.
    pub(super) fn text_across(&self, context: &str, question: &str) -> Option<Across> {
        match self.read {
            SpecialTokensInText::Parse => None,
            SpecialTokensInText::Text => self.tokens.across(context, question),
        }
    }

    /// How many special tokens the text of `request` gives.
    pub(super) fn count(&self, request: &Request, how: Tokenisation) -> usize {
        if self.read == SpecialTokensInText::Text {
            return 0;
        }
        let of_question = |text: &str| {
            let across = how == Tokenisation::Whole && self.tokens.across(&request.context, text).is_some();
            self.tokens.count(text) + usize::from(across)
        };
        let questions = request.questions.iter().map(|question| of_question(&question.text));
        self.tokens.count(&request.context) + questions.sum::<usize>()
    }
}
