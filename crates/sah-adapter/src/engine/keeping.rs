//! Looking on in layers that keep keys.

use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput};

use crate::cache::KvCache;

/// Tells an observer of the calls of layers that keep keys, which are the first ones: keys go by the queries of these alone, whoever else
/// reads them.
#[derive(Debug)]
pub(super) struct LayersWithKeys<'a, O> {
    count: usize,
    observer: &'a mut O,
}

impl<'a, O: AttentionObserver> LayersWithKeys<'a, O> {
    pub(super) fn of(cache: &KvCache, observer: &'a mut O) -> Self {
        Self { count: cache.layers(), observer }
    }
}

impl<O: AttentionObserver> AttentionObserver for LayersWithKeys<'_, O> {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        if layer < self.count { self.observer.attended(layer, inputs, attended) } else { Ok(()) }
    }
}
