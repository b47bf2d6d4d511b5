//! Prefill: from a context's tokens to its KV cache.

use std::time::Instant;

use sah_attention::{AttentionPolicy, KeptKeys};
use tch::Device;

use super::contexts::ReadContext;
use super::observed::Observed;
use super::{AttentionPlan, Engine, TokenRequest};
use crate::cache::KvCache;
use crate::model::NewTokens;
use crate::{Error, RequestObserver};

impl Engine {
    /// Prefills the context into a cache with room for `room` tokens, or takes it from the kept contexts where it was prefilled
    /// densely. Where keys are evicted while it is read, the cache holds no more of the context than prefilling a chunk needs.
    pub(super) fn prefill(
        &self,
        request: &TokenRequest<'_>,
        room: usize,
        plan: &AttentionPlan,
        attention: &mut AttentionPolicy<'_>,
        observer: &mut dyn RequestObserver,
    ) -> Result<ReadContext, Error> {
        let tokens = NewTokens { ids: request.context, prompt: request.prompt() };
        let NewTokens { ids, prompt } = tokens;
        let needs = plan.retention.as_ref().map(|plan| plan.retention.needs());
        let _span = tracing::debug_span!("prefill", tokens = ids.len()).entered();
        if attention.is_dense()
            && let Some(context) = self.contexts.borrow_mut().take(tokens, room, needs)
        {
            return Ok(context);
        }
        let mut cache = self.context_cache(room, plan.kept_while_reading())?;
        let started = Instant::now();
        // A context that is read again serves the retentions before, too.
        let before = self.contexts.borrow().needs(ids);
        let needs = needs.map(|needs| before.map_or(needs, |before| needs.and(before)));
        let mut seen = needs.map(|needs| Observed::new(needs, prompt));
        let mut on_read = |read| observer.context_read(read, ids.len());
        let mut kept = None;
        match &mut seen {
            None if self.network.drops_keys() && !ids.is_empty() => {
                kept = Some(self.network.read_dropping(tokens, &mut cache)?);
                on_read(ids.len());
            }
            None => drop(self.network.read(tokens, &mut cache, attention, &mut on_read)?),
            Some(seen) => seen.read(&*self.network, ids, &mut cache, attention, &mut on_read)?,
        }
        let devices: Vec<Device> =
            self.network.cache_shape().layers.iter().map(|layer| layer.device).collect();
        wait(&devices);
        Ok(ReadContext {
            ids: ids.to_vec(),
            prompt,
            cache,
            prefill_seconds: started.elapsed().as_secs_f64(),
            observed: seen,
            kept,
        })
    }

    fn context_cache(&self, room: usize, kept: Option<KeptKeys>) -> Result<KvCache, Error> {
        let shape = self.network.cache_shape();
        match kept {
            None => KvCache::new(&shape, room, self.cache_format),
            Some(kept) => {
                let room = room.min(kept.count().saturating_add(self.network.chunk()));
                Ok(KvCache::new(&shape, room, self.cache_format)?.evicting(kept))
            }
        }
    }
}

/// Waits for devices that work in the background, so that times are those of the work.
fn wait(devices: &[Device]) {
    for (number, device) in devices.iter().enumerate() {
        if let Device::Cuda(index) = device
            && !devices[..number].contains(device)
        {
            tch::Cuda::synchronize(*index as i64);
        }
    }
}
