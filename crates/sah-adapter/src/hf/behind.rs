//! What stands before questions: all of a context's keys, or those that are kept of them.

use sah_attention::{AttentionPolicy, KeptKeys, RequestState};

use super::HfAdapter;
use super::generation::{Decoder, Generated, OnToken};
use super::prompt::QuestionTokens;
use crate::Error;
use crate::cache::{KvCache, Together};

/// Questions that are answered together.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) context: &'a [u32],
    pub(super) questions: &'a [QuestionTokens],
    /// The place of the first in its request.
    pub(super) first: usize,
    /// Tokens of the longest question and answer.
    pub(super) longest: usize,
}

/// The keys of a context.
#[derive(Debug)]
pub(super) enum Context {
    /// All of them; questions follow in the same cache, and are cut off again.
    Whole(KvCache),
    /// Those that may still be read; questions follow copies.
    Kept(KvCache, KeptKeys),
}

/// An answer, and the bytes that maskers remember at its end.
pub(super) type Answered = (Generated, usize);

impl HfAdapter {
    /// Answers questions together.
    pub(super) fn answer(
        &self,
        decoder: &Decoder<'_>,
        asked: &Asked<'_>,
        context: &mut Context,
        state: &mut RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Answered>, Error> {
        match context {
            Context::Whole(cache) => self.answer_behind(decoder, asked, cache, state, on_token),
            Context::Kept(cache, kept) => self.answer_apart(decoder, asked, (cache, *kept), state, on_token),
        }
    }

    fn answer_behind(
        &self,
        decoder: &Decoder<'_>,
        asked: &Asked<'_>,
        cache: &mut KvCache,
        state: &mut RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Answered>, Error> {
        let context = asked.context.len();
        cache.truncate(context);
        if let [question] = asked.questions {
            state.truncate(context);
            let mut attention = self.policy(state);
            let answering = decoder.ask((asked.first, question), asked.context, cache, &mut attention)?;
            let generated = decoder.go_on(answering, cache, &mut attention, on_token)?;
            return Ok(vec![(generated, state.bytes())]);
        }
        cache.divide(asked.questions.len(), asked.longest)?;
        let (mut answers, mut states) = (Vec::new(), Vec::new());
        for (tail, question) in (asked.first..).zip(asked.questions).enumerate() {
            state.truncate(context);
            answers.push(decoder.ask(question, asked.context, cache, &mut self.policy(state))?);
            cache.put_away(tail)?;
            states.push(state.fork());
        }
        let mut attentions: Vec<AttentionPolicy<'_>> =
            states.iter_mut().map(|state| self.policy(state)).collect();
        let mut sequences = Together::Tails(cache);
        let generated = decoder.go_on_together(answers, &mut sequences, &mut attentions, on_token)?;
        Ok(generated.into_iter().zip(states.iter().map(RequestState::bytes)).collect())
    }

    /// Each question behind a copy of what is kept, which slides on with its answer.
    fn answer_apart(
        &self,
        decoder: &Decoder<'_>,
        asked: &Asked<'_>,
        (context, kept): (&KvCache, KeptKeys),
        state: &RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Answered>, Error> {
        let (mut answers, mut caches, mut states) = (Vec::new(), Vec::new(), Vec::new());
        for (number, question) in (asked.first..).zip(asked.questions) {
            let mut cache = context.kept(kept, question.ids.len(), question.max_new_tokens)?;
            let mut state = state.fork();
            let mut attention = self.policy(&mut state);
            answers.push(decoder.ask((number, question), asked.context, &mut cache, &mut attention)?);
            caches.push(cache);
            states.push(state);
        }
        let mut attentions: Vec<AttentionPolicy<'_>> =
            states.iter_mut().map(|state| self.policy(state)).collect();
        let mut sequences = Together::Apart(&mut caches);
        let generated = decoder.go_on_together(answers, &mut sequences, &mut attentions, on_token)?;
        Ok(generated.into_iter().zip(states.iter().map(RequestState::bytes)).collect())
    }

    /// How questions and generated tokens attend.
    pub(super) fn policy<'a>(&'a self, state: &'a mut RequestState) -> AttentionPolicy<'a> {
        match &self.attention {
            None => AttentionPolicy::Dense,
            Some(attention) => AttentionPolicy::Sparse { attention, state },
        }
    }
}
