//! From a [`Request`] to tokens.

mod repeat;
mod special;
mod tokenisation;

pub(super) use special::SpecialText;
pub use tokenisation::Tokenisation;
use tokenisation::{Rest, Texts, Tokens};

use super::control::MarkedText;
use super::{ChatTemplate, ModelThinking, Tokenizer};
use crate::engine::{AnswerLimit, QuestionTokens, RepeatTokens, TokenRequest};
use crate::{Draws, Error, GenerationParams, PromptForm, Request, RequestLimits, Truncation};

/// How requests become tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompter<'a> {
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) chat_template: Option<&'a ChatTemplate>,
    pub(super) thinking: &'a ModelThinking,
    pub(super) special: SpecialText<'a>,
    pub(super) tokenisation: Tokenisation,
    /// Whether it is to be known which tokens of a question are its text.
    pub(super) marks_seen: bool,
}

/// The tokens of a request.
#[derive(Debug)]
pub(super) struct Prompt {
    /// The context, truncated, with what the chat template puts before it.
    pub(super) context: Vec<u32>,
    /// How many tokens truncation dropped.
    pub(super) truncated: usize,
    /// Tokens at the end of the context's text that belong to each question. Truncation drops none of them.
    pub(super) border: usize,
    pub(super) questions: Vec<QuestionTokens>,
    /// How the model is asked to repeat the context; empty where nothing asks it.
    pub(super) repeat: RepeatTokens,
    /// How many special tokens the text of context and questions gave.
    pub(super) special_tokens: usize,
}

impl Prompter<'_> {
    /// The tokens of `request`.
    ///
    /// With a chat template, the context and one question form a user's turn, and the answer prefix stands inside the
    /// model's turn. Without, one follows the other.
    pub(super) fn prompt(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<Prompt, Error> {
        let (texts, frames) = self.texts(request, generation)?;
        let Tokens { mut context, border, questions } = texts.tokens(self.tokenizer, self.tokenisation)?;
        let seen = if self.marks_seen {
            texts.seen(self.tokenizer, self.tokenisation, (context.len(), &questions))?
        } else {
            vec![0; questions.len()]
        };
        let truncated = truncate(&mut context, limits);
        let questions = questions.into_iter().zip(seen).zip(frames);
        let questions = questions
            .map(|((ids, seen), AnswerFrame { in_thoughts, limit, draws })| QuestionTokens {
                // The first logits need a token that is left after them.
                seen: seen.min(ids.len() - 1),
                ids,
                in_thoughts,
                limit,
                draws,
            })
            .collect();
        let special_tokens = self.special.count(request, self.tokenisation);
        let repeat = RepeatTokens::default();
        Ok(Prompt { context, truncated, border, questions, repeat, special_tokens })
    }

    /// How many tokens the prompt of each question has, the context's among them.
    pub(super) fn count(&self, request: &Request) -> Result<Vec<usize>, Error> {
        let (texts, _) = self.texts(request, &GenerationParams::default())?;
        texts.count(self.tokenizer, self.tokenisation)
    }

    /// The texts of `request` as the model gets them.
    fn texts(
        &self,
        request: &Request,
        generation: &GenerationParams,
    ) -> Result<(Texts, Vec<AnswerFrame>), Error> {
        let Self { chat_template, thinking, special, .. } = *self;
        let marks = special.marks(request)?;
        let shared = special.tokens.read(&request.context, marks);
        let mut context = None;
        let (mut rests, mut frames) = (Vec::new(), Vec::new());
        let is_chat = request.form == PromptForm::Chat;
        for question in &request.questions {
            let own = special.tokens.read(&question.text, marks);
            let across = special.text_across(&request.context, &question.text);
            let (before, after) = match (chat_template, request.form) {
                (Some(template), PromptForm::Chat) => template.split(&shared, &own)?,
                _ => (shared.clone(), own.clone()),
            };
            let asked = question_end(&own, &after);
            let in_thoughts = is_chat && thinking.is_opened_by(&after);
            let prefix = question.answer_prefix.as_deref().unwrap_or(&request.answer_prefix);
            // Inside or before thoughts it would not begin the answer.
            let thinks = is_chat && thinking.mode.thinks();
            let prefix = if thinks || in_thoughts { "" } else { prefix };
            let thoughts = if is_chat { generation.thinking_tokens } else { 0 };
            let limit = AnswerLimit { thoughts, answer: generation.limit_for(question) };
            let asked = MarkedText::of(after[..asked].to_owned(), marks);
            rests.push(Rest { text: MarkedText::of(format!("{after}{prefix}"), marks), asked, across });
            frames.push(AnswerFrame { in_thoughts, limit, draws: question.draws });
            match &context {
                None => context = Some(before),
                Some(first) if *first == before => {}
                Some(_) => return Err(Error::ContextDependsOnQuestion),
            }
        }
        let context = MarkedText::of(context.unwrap_or_default(), marks);
        Ok((Texts { context, rests }, frames))
    }
}

impl Prompt {
    /// The request for the engine.
    pub(super) fn tokens(&self) -> TokenRequest<'_> {
        TokenRequest { context: &self.context, questions: &self.questions, repeat: &self.repeat }
    }

    /// An error where the context with the longest question and answer needs more than `positions`. The last token of an
    /// answer is never read, so it needs none.
    pub(super) fn check_length(&self, positions: usize) -> Result<(), Error> {
        let context = self.context.len();
        let Some(longest) = self.questions.iter().max_by_key(|question| question.length()) else {
            return Ok(());
        };
        let (question, answer) = (longest.ids.len(), longest.limit.tokens());
        if context + question + answer.saturating_sub(1) > positions {
            return Err(Error::TooLong { context, question, answer, positions });
        }
        Ok(())
    }
}

/// Where the text of a question ends in what follows the context, which begins with it but for white space that a template trims.
fn question_end(question: &str, after: &str) -> usize {
    if after.starts_with(question) {
        return question.len();
    }
    let text = question.trim();
    after.find(text).map_or(0, |start| start + text.len())
}

/// Where an answer begins, how long it may be, and what it draws.
struct AnswerFrame {
    in_thoughts: bool,
    limit: AnswerLimit,
    draws: Option<Draws>,
}

/// Cuts `ids` as `limits` say; how many are gone.
fn truncate(ids: &mut Vec<u32>, limits: &RequestLimits) -> usize {
    let length = ids.len();
    let Some(max) = limits.max_context_length.filter(|&max| max < length) else { return 0 };
    match limits.truncation {
        Truncation::Head => ids.truncate(max),
        Truncation::Middle => {
            let head = max / 2;
            ids.drain(head..length - (max - head));
        }
    }
    length - max
}

#[cfg(test)]
mod tests {
    use super::{Prompt, truncate};
    use crate::engine::{AnswerLimit, QuestionTokens, RepeatTokens};
    use crate::{RequestLimits, Truncation};

    #[test]
    fn the_last_token_of_an_answer_needs_no_position() {
        let prompt = |answer| {
            let limit = AnswerLimit { thoughts: 0, answer };
            let question =
                QuestionTokens { ids: vec![0; 2], seen: 0, in_thoughts: false, limit, draws: None };
            Prompt {
                context: vec![0; 5],
                truncated: 0,
                border: 0,
                questions: vec![question],
                repeat: RepeatTokens::default(),
                special_tokens: 0,
            }
        };
        // Tokens 0 to 6 are the prompt, 7 and 8 are read to give the third of the answer.
        prompt(3).check_length(9).unwrap();
        assert!(prompt(3).check_length(8).is_err());
        prompt(1).check_length(7).unwrap();
        prompt(0).check_length(7).unwrap();
        assert!(prompt(0).check_length(6).is_err());
    }

    fn cut(max: usize, truncation: Truncation) -> (Vec<u32>, usize) {
        let mut ids = vec![0, 1, 2, 3, 4, 5, 6];
        let dropped = truncate(
            &mut ids,
            &RequestLimits { max_context_length: Some(max), truncation, ..RequestLimits::default() },
        );
        (ids, dropped)
    }

    #[test]
    fn head_keeps_the_first_tokens() {
        assert_eq!(cut(3, Truncation::Head), (vec![0, 1, 2], 4));
    }

    #[test]
    fn middle_keeps_both_ends() {
        assert_eq!(cut(4, Truncation::Middle), (vec![0, 1, 5, 6], 3));
        assert_eq!(cut(5, Truncation::Middle), (vec![0, 1, 4, 5, 6], 2));
    }

    #[test]
    fn a_context_that_fits_is_left_alone() {
        assert_eq!(cut(7, Truncation::Middle).1, 0);
        assert_eq!(cut(100, Truncation::Head).0.len(), 7);
    }
}
