//! The keys of a context that a retention has dropped, for calls that are measured.

use sah_attention::{AttentionInputs, AttentionOutput, CallParts, KvRows};
use tch::Tensor;

use crate::Error;
use crate::cache::KvCache;

/// All keys and values of a context that each layer reads: they are kept aside where errors against dense attention are measured.
#[derive(Debug)]
pub(super) struct WholeContext(Vec<(KvRows, KvRows)>);

impl WholeContext {
    /// Those of `cache`, from which nothing was dropped, where each layer reads those of one of the cache's. Views: their memory stays
    /// until they are gone.
    pub(super) fn of(cache: &KvCache, read: &[usize]) -> Result<Self, Error> {
        let of_layer = |&layer: &usize| {
            let mut entries = cache.entries(layer, 0)?;
            match entries.pop() {
                Some(all) if entries.is_empty() => Ok((all.keys, all.values)),
                _ => unreachable!("a context that was just read has all its entries in one part"),
            }
        };
        Ok(Self(read.iter().map(of_layer).collect::<Result<_, Error>>()?))
    }

    /// Adds to `parts` what the heads of `inputs` gave, measured against all keys of the text.
    pub(super) fn add(
        &self,
        parts: &mut CallParts,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let (dims, positions) = (inputs.dims(), inputs.positions());
        if positions.evicted() == 0 {
            return parts.add(inputs, attended, inputs);
        }
        let (keys, values) = &self.0[layer];
        let (first, count) = (inputs.layer_heads().first as i64, dims.kv_heads as i64);
        let whole = |of_context: &KvRows, rest: Tensor| -> sah_attention::Result<Tensor> {
            let of_context = of_context.expand(inputs.kind())?.f_narrow(1, first, count)?;
            Ok(Tensor::f_cat(&[of_context, rest], 2)?)
        };
        let rest = positions.first()..dims.keys;
        let keys = whole(keys, inputs.keys_in(rest.clone())?)?;
        let values = whole(values, inputs.values_in(rest)?)?;
        let whole = AttentionInputs::new(inputs.queries(), &keys, &values, inputs.scale())?
            .with_window(inputs.window())?
            .with_soft_cap(inputs.soft_cap())?
            .with_sink_scores(inputs.sink_scores())?;
        parts.add(inputs, attended, &whole)
    }
}
