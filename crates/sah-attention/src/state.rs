//! What maskers remember during one request.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What one masker remembers of one layer between steps: hash signatures, page bounds, codebooks.
///
/// It describes a prefix of the layer's keys, and lives and forks with the KV cache.
pub trait MaskerState: Any + Debug + Send {
    /// An independent copy, for a request that goes on from the same cache. Immutable tensors may be shared.
    fn fork(&self) -> Box<dyn MaskerState>;

    /// Forgets everything about keys at position `keys` and after.
    fn truncate(&mut self, keys: usize);

    /// Memory that it holds, in bytes.
    fn bytes(&self) -> usize;
}

/// State of all maskers in all layers for one request, owned by whoever owns the KV cache.
///
/// It belongs to one [`ResearchAttention`](crate::ResearchAttention): its slots follow that attention's list of maskers.
///
/// ```
/// let mut state = sah_attention::RequestState::new(17);
/// // A question is answered on a fork; the state of the context stays as it was.
/// let question = state.fork();
/// assert_eq!(question.seed(), 17);
/// // Or on the same cache, which is cut back to the 4,096 keys of the context afterwards.
/// state.truncate(4096);
/// ```
#[derive(Debug, Default)]
pub struct RequestState {
    seed: u64,
    context: Option<usize>,
    layers: Vec<Slots>,
}

/// What maskers remember in one layer, by the first key/value head that it is about and the number of the masker.
type Slots = BTreeMap<(usize, usize), Option<Box<dyn MaskerState>>>;

impl RequestState {
    /// State of a request that has seen nothing yet. `seed` determines every random choice of its maskers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, context: None, layers: Vec::new() }
    }

    /// The same before a context of `keys` tokens is read, however it is divided into calls.
    #[must_use]
    pub fn reading(self, keys: usize) -> Self {
        Self { context: Some(keys), ..self }
    }

    /// The seed of the request.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// An independent copy, to go on from a fork of the KV cache.
    #[must_use]
    pub fn fork(&self) -> Self {
        let fork_layer = |slots: &Slots| {
            slots.iter().map(|(place, state)| (*place, state.as_ref().map(|state| state.fork()))).collect()
        };
        Self { layers: self.layers.iter().map(fork_layer).collect(), ..*self }
    }

    /// Follows a KV cache that was cut back to its first `keys` keys.
    pub fn truncate(&mut self, keys: usize) {
        self.truncate_each(|_, _| keys);
    }

    /// Follows a KV cache of which each layer and key/value head was cut back to a number of keys of its own: `keys(layer, head)`.
    pub fn truncate_each(&mut self, keys: impl Fn(usize, usize) -> usize) {
        for (layer, slots) in self.layers.iter_mut().enumerate() {
            for (&(head, _), state) in slots {
                if let Some(state) = state {
                    state.truncate(keys(layer, head));
                }
            }
        }
    }

    /// Memory that all maskers hold, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layers.iter().flat_map(BTreeMap::values).flatten().map(|state| state.bytes()).sum()
    }

    /// The state of masker number `masker` in layer `layer`.
    ///
    /// [`ResearchAttention`](crate::ResearchAttention) calls this; call it yourself to run a masker alone.
    pub fn layer(&mut self, layer: usize, masker: usize) -> LayerState<'_> {
        self.heads(layer, 0, masker)
    }

    /// The same of the key/value heads from `first` on, in a layer that is computed in several calls.
    pub fn heads(&mut self, layer: usize, first: usize, masker: usize) -> LayerState<'_> {
        if self.layers.len() <= layer {
            self.layers.resize_with(layer + 1, Slots::new);
        }
        let slot = self.layers[layer].entry((first, masker)).or_default();
        LayerState { layer, first, masker, seed: self.seed, context: self.context, slot }
    }
}

/// A masker's own state in one layer of one request, and which layer that is.
#[derive(Debug)]
pub struct LayerState<'a> {
    layer: usize,
    first: usize,
    masker: usize,
    seed: u64,
    context: Option<usize>,
    slot: &'a mut Option<Box<dyn MaskerState>>,
}

impl LayerState<'_> {
    /// Index of the layer, from 0.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Number of tokens of the context that is read; `None` where that was not [said](RequestState::reading).
    #[must_use]
    pub fn context_length(&self) -> Option<usize> {
        self.context
    }

    /// Seed for a random choice over `keys` keys: it depends on request, layer, heads, masker and number of keys alone, so that a run
    /// repeats whatever the number of threads.
    #[must_use]
    pub fn seed(&self, keys: usize) -> u64 {
        let heads = (self.first > 0).then_some(self.first as u64);
        [self.layer as u64, self.masker as u64, keys as u64]
            .into_iter()
            .chain(heads)
            .fold(self.seed, |seed, part| mix(seed ^ mix(part)))
    }

    /// The state, if this masker has set one of this type.
    pub fn get<S: MaskerState>(&mut self) -> Option<&mut S> {
        let state: &mut dyn Any = self.slot.as_deref_mut()?;
        state.downcast_mut()
    }

    /// Replaces the state.
    pub fn set<S: MaskerState>(&mut self, state: S) {
        *self.slot = Some(Box::new(state));
    }

    /// The state; made by `create` where there is none of this type.
    pub fn get_or_try_insert_with<S: MaskerState, E>(
        &mut self,
        create: impl FnOnce() -> Result<S, E>,
    ) -> Result<&mut S, E> {
        let present = self.slot.as_deref().is_some_and(|state| (state as &dyn Any).is::<S>());
        let state = if present { None } else { Some(Box::new(create()?) as Box<dyn MaskerState>) };
        if state.is_some() {
            *self.slot = state;
        }
        match self.get() {
            Some(state) => Ok(state),
            None => unreachable!("the slot was filled with this type above"),
        }
    }
}

/// One step of `SplitMix64` (Steele, Lea and Flood 2014): spreads nearby seeds over all 64 bits.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Seen(Vec<u32>);

    impl MaskerState for Seen {
        fn fork(&self) -> Box<dyn MaskerState> {
            Box::new(self.clone())
        }
        fn truncate(&mut self, keys: usize) {
            self.0.truncate(keys);
        }
        fn bytes(&self) -> usize {
            4 * self.0.len()
        }
    }

    #[test]
    fn forks_are_independent_and_truncation_reaches_every_slot() {
        let mut state = RequestState::new(3);
        for (layer, masker) in [(0, 1), (2, 0)] {
            let mut place = state.layer(layer, masker);
            assert_eq!(place.get::<Seen>(), None);
            let seen = place.get_or_try_insert_with(|| Ok::<_, ()>(Seen(vec![1, 2, 3]))).unwrap();
            seen.0.push(4);
        }
        let mut fork = state.fork();
        fork.layer(0, 1).get::<Seen>().unwrap().0.push(5);
        state.truncate(2);
        assert_eq!(state.layer(0, 1).get::<Seen>(), Some(&mut Seen(vec![1, 2])));
        assert_eq!(state.layer(2, 0).get::<Seen>(), Some(&mut Seen(vec![1, 2])));
        assert_eq!(fork.layer(0, 1).get::<Seen>(), Some(&mut Seen(vec![1, 2, 3, 4, 5])));
        assert_eq!(state.bytes(), 16);
    }

    #[test]
    fn heads_of_a_layer_are_remembered_and_cut_back_apart() {
        let mut state = RequestState::new(3);
        for first in [0, 2] {
            state.heads(1, first, 0).set(Seen(vec![first as u32; 5]));
        }
        state.truncate_each(|layer, head| layer + head);
        assert_eq!(state.layer(1, 0).get::<Seen>(), Some(&mut Seen(vec![0; 1])));
        assert_eq!(state.heads(1, 2, 0).get::<Seen>(), Some(&mut Seen(vec![2; 3])));
        assert_ne!(state.layer(1, 0).seed(9), state.heads(1, 2, 0).seed(9));
    }

    #[test]
    fn seeds_differ_by_place_and_repeat() {
        let mut seen = std::collections::BTreeSet::new();
        for request in 0..4 {
            let mut state = RequestState::new(request);
            for layer in 0..4 {
                for masker in 0..4 {
                    for keys in [0, 1, 4096] {
                        assert!(seen.insert(state.layer(layer, masker).seed(keys)));
                    }
                }
            }
        }
        assert_eq!(RequestState::new(2).layer(1, 3).seed(9), RequestState::new(2).layer(1, 3).seed(9));
    }
}
