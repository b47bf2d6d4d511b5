//! `HashAttention`: keys ranked by how many bits of their signatures equal the query's.

mod config;
mod hamming;
mod weights;

use std::ops::Range;

use tch::{Kind, Tensor};

pub use self::config::{HashAttentionConfig, HashSource};
use self::hamming::{best, pack, ranks};
pub use self::weights::{Activation, HashWeights};
use self::weights::{LayerNetworks, Networks};
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{IndexList, Mask};
use crate::masker::Masker;
use crate::masker::toolkit::{
    GrowingTensor, Prefix, Selected, add_top_k, each_row, padded_rows, unfold_scores,
};
use crate::size::Size;
use crate::state::{LayerState, MaskerState};

const NAME: &str = "hash_attention_top_k";

/// Keys whose signatures are computed at once.
const BLOCK: usize = 4096;

/// Selects, for every head and query row, the keys whose signatures share the most bits with the query's.
///
#[expect(clippy::doc_markdown, reason = "the page has fields and ranges as the program lists them")]
#[doc = include_str!("../../../docs/maskers/hash_attention_top_k.md")]
#[derive(Debug)]
pub struct HashAttentionMasker {
    heavy_size: Size,
    hat_bits: usize,
    weights: Weights,
}

#[derive(Debug)]
enum Weights {
    Trained(HashWeights),
    Random,
}

impl HashAttentionMasker {
    /// A masker with these parameters, each within its range; reads the weight file.
    pub fn new(config: &HashAttentionConfig) -> Result<Self> {
        config.check()?;
        let weights = match &config.weights {
            HashSource::Random => Weights::Random,
            HashSource::File { path, mlp_layers, mlp_hidden_size, activation } => {
                let weights = HashWeights::read(path, config.hat_bits, *activation)?;
                weights.check_networks(*mlp_layers, *mlp_hidden_size)?;
                Weights::Trained(weights)
            }
        };
        Ok(Self { heavy_size: config.heavy_size, hat_bits: config.hat_bits, weights })
    }

    fn new_state(&self, inputs: &AttentionInputs<'_>, layer: usize, seed: u64) -> Result<Signatures> {
        let (dims, device) = (inputs.dims(), inputs.device());
        let (networks, drawn) = match &self.weights {
            Weights::Trained(weights) => (weights.layer(layer, inputs)?, 0),
            Weights::Random => {
                let planes = Networks::random(seed, dims.kv_heads, dims.head_dim, self.hat_bits, device)?;
                let drawn = planes.bytes();
                (LayerNetworks { query: planes.copy(), key: planes }, drawn)
            }
        };
        let leading = [dims.batch, networks.key.heads(), self.hat_bits.div_ceil(32)];
        let words = GrowingTensor::new(&leading, Kind::Int, device)?;
        Ok(Signatures { prefix: Prefix::of(inputs), networks, drawn, words })
    }
}

/// Signatures of the keys of one layer.
#[derive(Debug)]
struct Signatures {
    prefix: Prefix,
    networks: LayerNetworks,
    /// Bytes of networks that were drawn for this request.
    drawn: usize,
    /// `[B, L, W, K]` of `Int`, with `L` heads that have a network: `H` or `Hkv`.
    words: GrowingTensor,
}

/// Vectors `[B, heads, N, D]` for `lists` networks: each head repeated, or the heads of a group in a row.
fn by_network(vectors: &Tensor, lists: i64) -> Result<Tensor> {
    let (batch, heads, count, dim) = vectors.size4()?;
    if heads >= lists {
        return Ok(vectors.f_reshape([batch, lists, heads / lists * count, dim])?);
    }
    let spread = vectors.f_unsqueeze(2)?.f_expand([batch, heads, lists / heads, count, dim], false)?;
    Ok(spread.f_reshape([batch, lists, count, dim])?)
}

impl Signatures {
    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        for start in new.clone().step_by(BLOCK) {
            let end = new.end.min(start + BLOCK);
            let keys = inputs.keys_in(start..end)?;
            let keys = by_network(&keys, self.networks.key.heads() as i64)?;
            self.words.write(start, &pack(&self.networks.key.forward(&keys)?)?)?;
            self.prefix.set_keys(end);
        }
        Ok(())
    }

    /// Signatures of the query rows `rows`, `[B, L, W, g * rows]`.
    fn queries(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>) -> Result<Tensor> {
        let queries = inputs.queries().f_narrow(2, rows.start as i64, rows.len() as i64)?;
        let queries = by_network(&queries, self.networks.query.heads() as i64)?;
        pack(&self.networks.query.forward(&queries)?)
    }

    /// On the CPU: the best keys of every row, counted on the packed words.
    fn counted(
        &self,
        inputs: &AttentionInputs<'_>,
        keys: &[&[i32]],
        selected: &Selected<'_>,
        count: usize,
    ) -> Result<Vec<Vec<i64>>> {
        let (dims, visible) = (inputs.dims(), inputs.visible());
        // [B, L, g * Q, W]
        let queries = self.queries(inputs, 0..dims.queries)?.f_transpose(-2, -1)?;
        let (_, lists, _, words) = queries.size4()?;
        let queries = Vec::<i32>::try_from(queries.f_reshape([-1])?)?;
        let (group, words) = (dims.heads / lists as usize, words as usize);
        Ok(each_row(inputs, |head, row| {
            let query = (head * dims.queries + row) * words;
            let first = head / group * words;
            let left = selected.remaining(head, row, visible.row(row));
            best(&queries[query..query + words], &keys[first..first + words], &left, count)
        }))
    }
}

impl MaskerState for Signatures {
    fn fork(&self) -> Box<dyn MaskerState> {
        let networks = LayerNetworks { query: self.networks.query.copy(), key: self.networks.key.copy() };
        let (prefix, words) = (self.prefix.clone(), self.words.fork());
        Box::new(Self { prefix, networks, drawn: self.drawn, words })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.words.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.words.bytes() + self.drawn
    }
}

impl Masker for HashAttentionMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    #[expect(unsafe_code, reason = "reads signatures in place")]
    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let heavy = self.heavy_size.of(dims.keys);
        if previous.is_full() || dims.keys <= heavy {
            return Ok(Mask::full(dims.mask_shape()));
        }
        if heavy == 0 {
            return Ok(previous);
        }
        let (layer, seed) = (state.layer(), state.seed(0));
        let state = state.get_or_try_insert_with(|| self.new_state(inputs, layer, seed))?;
        state.follow(inputs)?;
        // SAFETY: nothing writes to the words' views here.
        if let Some(keys) = unsafe { state.words.host_rows::<i32>() } {
            let rows = state.counted(inputs, &keys, &Selected::of(&previous)?, heavy)?;
            let Some(indices) = padded_rows(inputs, &rows, -1)? else { return Ok(previous) };
            let list = IndexList::assume_valid(indices, None)?;
            return previous.merge(Mask::from_indices(dims.mask_shape(), list)?);
        }
        let keys = state.words.view()?;
        add_top_k(inputs, previous, heavy, |rows| {
            unfold_scores(dims, &ranks(&state.queries(inputs, rows.clone())?, &keys)?, rows.len())
        })
    }
}
