//! How large a model is, for the limits that a machine sets to it.

use sah_attention::KvFormat;
use serde::{Deserialize, Serialize};

use super::attention::KeysAndValues;
use super::layer_input::LayerInputs;
use super::linear::Linear;
use super::mixer::AttentionShape;
use super::transformer::{Block, Transformer};

/// What a model multiplies and keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSizes {
    /// The matrices that a token is multiplied with, of experts those that it uses, fused as they are computed, those of one shape
    /// together; without the embedding, of which a token reads one row, and without the head.
    pub products: Vec<MatrixSize>,
    /// The head, which only tokens that another one follows are multiplied with.
    pub head: MatrixSize,
    /// The layers with attention.
    pub attention: Vec<AttentionSize>,
    /// Bytes of `products` and `head` in memory: what decoding one token reads.
    pub weight_bytes: u64,
}

/// The attention of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionSize {
    /// H.
    pub query_heads: usize,
    /// Hkv, of keys that are the layer's own or those of another that it reads.
    pub kv_heads: usize,
    /// D.
    pub key_dim: usize,
    /// Dv.
    pub value_dim: usize,
    /// How many keys a row reads, its own included; `None` for all before it.
    pub window: Option<usize>,
    /// Bytes of a key and its value of one head in the KV cache.
    pub row_bytes: usize,
    /// Whether the keys are those of another layer, so that it takes no room in the cache.
    pub shares_keys: bool,
}

/// Weights of one shape, `[outputs, inputs]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixSize {
    /// Rows.
    pub outputs: usize,
    /// Columns.
    pub inputs: usize,
    /// How many of them there are.
    pub count: usize,
}

impl MatrixSize {
    /// Number of values in all of them.
    #[must_use]
    pub fn values(self) -> u64 {
        self.outputs as u64 * self.inputs as u64 * self.count as u64
    }
}

impl ModelSizes {
    /// Of `decoder` with a cache in `format`.
    pub(super) fn of(decoder: &Transformer, format: KvFormat) -> Self {
        let mut products: Vec<MatrixSize> = Vec::new();
        let size = |linear: &Linear| MatrixSize {
            outputs: linear.outputs() as usize,
            inputs: linear.inputs() as usize,
            count: 1,
        };
        let mut weight_bytes = decoder.head.linear.bytes();
        let mut add = |linear: &Linear| {
            weight_bytes += linear.bytes();
            let new = size(linear);
            let same = |known: &&mut MatrixSize| (known.outputs, known.inputs) == (new.outputs, new.inputs);
            match products.iter_mut().find(same) {
                Some(known) => known.count += 1,
                None => products.push(new),
            }
        };
        decoder.blocks.iter().flat_map(Block::products).for_each(&mut add);
        decoder.layer_inputs.iter().map(LayerInputs::product).for_each(&mut add);
        let attention = |(_, attention): (_, AttentionShape)| AttentionSize {
            query_heads: attention.heads.query as usize,
            kv_heads: attention.heads.kv as usize,
            key_dim: attention.heads.dim as usize,
            value_dim: attention.value_dim as usize,
            window: attention.window,
            row_bytes: [attention.heads.dim, attention.value_dim]
                .map(|dim| format.row_bytes(dim as usize))
                .iter()
                .sum(),
            shares_keys: matches!(attention.keys, KeysAndValues::OfLayer(_)),
        };
        let attention = decoder.attention_blocks().map(attention).collect();
        Self { products, head: size(&decoder.head.linear), attention, weight_bytes }
    }

    /// Values of all matrices.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.products.iter().chain([&self.head]).map(|size| size.values()).sum()
    }
}
