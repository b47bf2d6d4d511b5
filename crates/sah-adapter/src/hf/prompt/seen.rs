//! Which tokens of a question are its text.

use super::{Prompt, Prompter};
use crate::{Error, GenerationParams, Request};

impl Prompter<'_> {
    /// Finds out how many tokens of each question of `prompt` a retention sees: those of its text, where at least one token is left
    /// after them, which gives the first logits.
    pub(in crate::hf) fn mark_seen(
        &self,
        request: &Request,
        generation: &GenerationParams,
        prompt: &mut Prompt,
    ) -> Result<(), Error> {
        let (texts, _) = self.texts(request, generation)?;
        // The whole context, of which some tokens may have been cut.
        let context = prompt.context.len() + prompt.truncated;
        let questions: Vec<&[u32]> =
            prompt.questions.iter().map(|question| question.ids.as_slice()).collect();
        let seen = texts.seen(self.tokenizer, self.tokenisation, (context, &questions))?;
        for (question, seen) in prompt.questions.iter_mut().zip(seen) {
            question.seen = seen.min(question.ids.len() - 1);
        }
        Ok(())
    }
}
