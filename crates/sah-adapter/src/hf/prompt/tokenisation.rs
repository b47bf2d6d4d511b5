//! Which tokens of a request are its context, and which are its questions.

use rayon::prelude::*;

use crate::Error;
use crate::hf::Tokenizer;
use crate::hf::control::{Across, MarkedText};

/// How the text of a prompt becomes tokens. Tokenizers join characters across the border between context and question, so
/// the two are not the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokenisation {
    /// A prompt is one text: its tokens are those that transformers makes of it. The context is what the prompts of all its
    /// questions and the text of the context alone begin with; the tokens after it, those at the border among them, belong
    /// to the questions.
    #[default]
    Whole,
    /// Context and question are two texts, as in the reference system.
    Apart,
}

/// The texts of a request: each prompt is the context and one of the rests.
#[derive(Debug)]
pub(super) struct Texts {
    /// The context, with what the chat template puts before it.
    pub(super) context: MarkedText,
    /// Of each question: its text, what the chat template puts after it, and the answer prefix.
    pub(super) rests: Vec<Rest>,
}

/// What follows the context in a prompt.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) text: MarkedText,
    /// Its beginning up to the end of the question's text.
    pub(super) asked: MarkedText,
    /// A special token that begins in the context and ends here, where it has to be text.
    pub(super) across: Option<Across>,
}

/// The tokens of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) context: Vec<u32>,
    /// Tokens at the end of the context's text that each question has, in another form or again, among its own.
    pub(super) border: usize,
    pub(super) questions: Vec<Vec<u32>>,
}

impl Texts {
    /// The tokens. A beginning of sequence is put in front where the model expects one.
    pub(super) fn tokens(&self, tokenizer: &Tokenizer, how: Tokenisation) -> Result<Tokens, Error> {
        let context = || tokenizer.encode_prompt(&self.context);
        let tokens = match how {
            Tokenisation::Whole => {
                let prompt = |rest: &Rest| {
                    tokenizer.encode_prompt(&self.context.joined(&rest.text, rest.across.as_ref()))
                };
                let prompts = || self.rests.par_iter().map(prompt).collect::<Result<_, _>>();
                let (context, prompts) = rayon::join(context, prompts);
                Tokens::of_prompts(&context?, prompts?)
            }
            Tokenisation::Apart => {
                let questions = self.rests.iter().map(|rest| tokenizer.encode_marked(&rest.text));
                Tokens { context: context()?, border: 0, questions: questions.collect::<Result<_, _>>()? }
            }
        };
        if tokens.questions.iter().any(Vec::is_empty) {
            return Err(Error::EmptyQuestion);
        }
        Ok(tokens)
    }

    /// How many of the tokens of each question, `questions`, are tokens of its text, when they follow `context` tokens. Those in which
    /// its text is joined with what follows are not.
    pub(super) fn seen(
        &self,
        tokenizer: &Tokenizer,
        how: Tokenisation,
        (context, questions): (usize, &[Vec<u32>]),
    ) -> Result<Vec<usize>, Error> {
        let seen = |(rest, ids): (&Rest, &Vec<u32>)| {
            let asked = match how {
                Tokenisation::Whole => {
                    let text = self.context.joined(&rest.asked, rest.across.as_ref());
                    tokenizer.encode_prompt(&text)?.split_off(context)
                }
                Tokenisation::Apart => tokenizer.encode_marked(&rest.asked)?,
            };
            Ok(equal_beginning(&asked, ids))
        };
        self.rests.iter().zip(questions).map(seen).collect()
    }

    /// How many tokens each prompt has.
    pub(super) fn count(&self, tokenizer: &Tokenizer, how: Tokenisation) -> Result<Vec<usize>, Error> {
        let of = |ids: Result<Vec<u32>, Error>| ids.map(|ids| ids.len());
        match how {
            Tokenisation::Whole => {
                let whole = |rest: &Rest| self.context.joined(&rest.text, rest.across.as_ref());
                self.rests.iter().map(|rest| of(tokenizer.encode_prompt(&whole(rest)))).collect()
            }
            Tokenisation::Apart => {
                let context = of(tokenizer.encode_prompt(&self.context))?;
                let rest = |rest: &Rest| Ok(context + of(tokenizer.encode_marked(&rest.text))?);
                self.rests.iter().map(rest).collect()
            }
        }
    }
}

impl Tokens {
    /// Splits `prompts` behind the tokens that all of them and `context`, the tokens of the context alone, begin with. At least
    /// one token of each prompt stays with the question, whose last token gives the first logits.
    fn of_prompts(context: &[u32], prompts: Vec<Vec<u32>>) -> Self {
        let own = |prompt: &Vec<u32>| equal_beginning(context, prompt).min(prompt.len().saturating_sub(1));
        let shared = prompts.iter().map(own).min().unwrap_or(context.len());
        let questions = prompts.into_iter().map(|mut prompt| prompt.split_off(shared)).collect();
        Self { context: context[..shared].to_vec(), border: context.len() - shared, questions }
    }
}

/// How many elements both begin with.
fn equal_beginning(left: &[u32], right: &[u32]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests;
