//! How much each head retrieves, by the mean query and the mean key of texts.

use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, KvFormat};
use tch::{Device, Kind, Tensor};

use super::keeping::LayersWithKeys;
use crate::Error;
use crate::cache::KvCache;
use crate::model::{CausalLm, NewTokens};

/// Positions over which a head's mean query is compared with its mean key.
const POSITIONS: usize = 500;

/// Scores of the KV heads of each layer, `[L][Hkv]`, in the mean over `texts`, each of which is read from an empty cache.
///
/// The mean query and the mean key of a text, before they are rotated, are put at all of 500 positions. A head's score is the area under
/// the sum of the weights that the last of the queries gives to the keys up to each position, in the mean over the query heads of a
/// group: near 1 where old keys take the weight, near 0 where new ones do. This is what kvpress 0.5.5 does where there is no pattern.
pub(crate) fn head_scores(
    network: &dyn CausalLm,
    texts: &[Vec<u32>],
    format: KvFormat,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut sums: Vec<Vec<f64>> = Vec::new();
    for ids in texts {
        let mut cache = KvCache::new(&network.cache_shape(), ids.len(), format)?;
        let mut means = Means { network, length: ids.len(), layers: Vec::new() };
        let mut looking = LayersWithKeys::of(&cache, &mut means);
        let mut attention = AttentionPolicy::dense();
        let tokens = NewTokens { ids, prompt: ids.len() };
        network.read(tokens, &mut cache, &mut attention.reborrow().observed(&mut looking), &mut |_| ())?;
        for (number, layer) in means.layers.iter().enumerate() {
            let scores = layer.scores(network, number, ids.len())?;
            match sums.get_mut(number) {
                None => sums.push(scores),
                Some(sums) => sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score),
            }
        }
    }
    sums.iter_mut().flatten().for_each(|sum| *sum /= texts.len() as f64);
    Ok(sums)
}

/// Looks on while a text is read.
#[derive(Debug)]
struct Means<'a> {
    network: &'a dyn CausalLm,
    /// Tokens of the text.
    length: usize,
    layers: Vec<LayerMeans>,
}

/// Sums over tokens of what one layer has before it is rotated.
#[derive(Debug)]
struct LayerMeans {
    /// `[H, D]` of `Double`.
    queries: Tensor,
    /// `[Hkv, D]` of `Double`.
    keys: Tensor,
    scale: f64,
}

impl LayerMeans {
    /// The scores of the KV heads.
    fn scores(&self, network: &dyn CausalLm, layer: usize, tokens: usize) -> Result<Vec<f64>, Error> {
        let mean = |sums: &Tensor| sums.f_div_scalar(tokens as f64)?.f_to_kind(Kind::Float);
        let (queries, keys) = (mean(&self.queries)?, mean(&self.keys)?);
        let ((heads, dim), kv_heads) = (queries.size2()?, keys.size()[0]);
        let at = |position: usize| network.mean_rotation(layer, position..position + 1, POSITIONS);
        let query = queries.f_matmul(&at(POSITIONS - 1)?.f_transpose(0, 1)?)?;
        let query = query.f_view([kv_heads, heads / kv_heads, dim])?;
        let mut logits = Vec::with_capacity(POSITIONS);
        for position in 0..POSITIONS {
            let key = keys.f_matmul(&at(position)?.f_transpose(0, 1)?)?.f_unsqueeze(2)?;
            logits.push(query.f_matmul(&key)?);
        }
        let weights = Tensor::f_cat(&logits, 2)?.f_mul_scalar(self.scale)?.f_softmax(-1, Kind::Float)?;
        let area =
            weights.f_cumsum(-1, Kind::Float)?.f_mean_dim([-1i64, 1].as_slice(), false, Kind::Double)?;
        Ok(Vec::try_from(area.f_to_device(Device::Cpu)?)?)
    }
}

impl AttentionObserver for Means<'_> {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let dims = inputs.dims();
        let sums = |vectors: &Tensor| -> sah_attention::Result<Tensor> {
            let before = self.network.unrotated(layer, vectors, dims.past(), self.length);
            let before = before.map_err(|error| sah_attention::Error::Observer(Box::new(error)))?;
            Ok(before.f_sum_dim_intlist([0i64, 2].as_slice(), false, Kind::Double)?)
        };
        let (queries, keys) = (sums(inputs.queries())?, sums(&inputs.keys_in(dims.past()..dims.keys)?)?);
        let new = LayerMeans { queries, keys, scale: inputs.scale() };
        match self.layers.get_mut(layer) {
            None => self.layers.push(new),
            Some(layer) => {
                layer.queries = layer.queries.f_add(&new.queries)?;
                layer.keys = layer.keys.f_add(&new.keys)?;
            }
        }
        Ok(())
    }
}
