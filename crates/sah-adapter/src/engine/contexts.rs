//! Contexts that were prefilled before.

use std::collections::VecDeque;

use sah_attention::retention::Needs;

use super::observed::Observed;
use crate::cache::KvCache;
use crate::model::NewTokens;

/// A prefilled context.
#[derive(Debug)]
pub(super) struct ReadContext {
    pub(super) ids: Vec<u32>,
    /// Tokens of the prompt that it was read as part of.
    pub(super) prompt: usize,
    /// Holds `ids` and nothing after them.
    pub(super) cache: KvCache,
    /// Seconds that its prefill took.
    pub(super) prefill_seconds: f64,
    /// What retentions look at, where one was to choose keys.
    pub(super) observed: Option<Observed>,
    /// The keys that the network left of each layer and KV head, where it drops some itself.
    pub(super) kept: Option<Vec<Vec<Vec<usize>>>>,
}

/// The contexts used last, up to a limit on their memory.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    limit: usize,
    /// The one used last is the last.
    held: VecDeque<ReadContext>,
}

impl Contexts {
    /// Keeps at most `bytes` of keys and values from now on.
    pub(super) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
        self.shrink();
    }

    /// Whether it keeps any.
    pub(super) fn has_room(&self) -> bool {
        self.limit > 0
    }

    /// Takes out a context, if it is there with room for `room` tokens, with what a retention `needs`, and was prefilled as part of a
    /// prompt of the same length, which rotary embeddings may depend on.
    pub(super) fn take(
        &mut self,
        tokens: NewTokens<'_>,
        room: usize,
        needs: Option<Needs>,
    ) -> Option<ReadContext> {
        let fits = |held: &ReadContext| {
            held.ids == tokens.ids
                && held.cache.capacity() >= room
                && held.prompt == tokens.prompt
                && needs.is_none_or(|needs| {
                    held.observed.as_ref().is_some_and(|observed| observed.needs().include(&needs))
                })
        };
        let at = self.held.iter().position(fits)?;
        self.held.remove(at)
    }

    /// What retentions needed so far of the context `ids`, where it is held.
    pub(super) fn needs(&self, ids: &[u32]) -> Option<Needs> {
        let held = self.held.iter().find(|held| held.ids == ids)?;
        held.observed.as_ref().map(|observed| *observed.needs())
    }

    /// Keeps `context` in the place of one with the same tokens, and drops those used longest ago until the limit holds.
    pub(super) fn keep(&mut self, context: ReadContext) {
        self.held.retain(|held| held.ids != context.ids);
        self.held.push_back(context);
        self.shrink();
    }

    fn shrink(&mut self) {
        let mut bytes: usize = self.held.iter().map(|held| held.cache.bytes()).sum();
        while bytes > self.limit {
            let Some(oldest) = self.held.pop_front() else { return };
            bytes -= oldest.cache.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use sah_attention::KvFormat;
    use tch::Kind;

    use super::{Contexts, ReadContext};
    use crate::cache::KvCache;
    use crate::cache::tests::shape;
    use crate::model::NewTokens;

    fn context(id: u32) -> ReadContext {
        let shape = shape(1, 1, 4);
        let cache = KvCache::new(&shape, 8, KvFormat::Plain(Kind::Float)).unwrap();
        ReadContext { ids: vec![id], prompt: 3, cache, prefill_seconds: 1.0, observed: None, kept: None }
    }

    fn tokens(ids: &[u32], prompt: usize) -> NewTokens<'_> {
        NewTokens { ids, prompt }
    }

    #[test]
    fn the_ones_used_last_are_kept() {
        let mut contexts = Contexts::default();
        contexts.keep(context(1));
        assert!(contexts.take(tokens(&[1], 3), 8, None).is_none(), "nothing is kept without a limit");
        // 8 tokens of keys and values of 4 elements.
        contexts.limit(2 * 256);
        (1..=3).for_each(|id| contexts.keep(context(id)));
        assert!(contexts.take(tokens(&[1], 3), 8, None).is_none());
        let second = contexts.take(tokens(&[2], 3), 8, None).unwrap();
        contexts.keep(second);
        contexts.keep(context(4));
        assert!(contexts.take(tokens(&[3], 3), 8, None).is_none());
        assert!(contexts.take(tokens(&[2], 3), 9, None).is_none(), "no room for a ninth token");
        assert!(contexts.take(tokens(&[2], 4), 8, None).is_none(), "read as part of another prompt");
        assert!(contexts.take(tokens(&[2], 3), 7, None).is_some());
        assert!(contexts.take(tokens(&[2], 3), 7, None).is_none(), "it was taken out");
    }
}
