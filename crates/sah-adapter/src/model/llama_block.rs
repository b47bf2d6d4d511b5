//! A layer and a model with the tensor names of Llama, which several architectures have.

use serde::Deserialize;

use super::ConfigFile;
use super::activation::Activation;
use super::attend::Scores;
use super::attention::{SelfAttention, output_projection, separate_qkv};
use super::dims::{Dims, HeadDims};
use super::mlp::Mlp;
use super::norm::{HeadNorm, Norm};
use super::rope::{Rope, RopeConfig};
use super::transformer::{Block, Embedding, Head, Transformer};
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` that all of them have; rotary embeddings are read apart.
#[derive(Debug, Deserialize)]
struct LlamaFields {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    vocab_size: i64,
    #[serde(default = "default_eps")]
    rms_norm_eps: f64,
    #[serde(default = "default_act")]
    hidden_act: String,
    #[serde(default)]
    tie_word_embeddings: bool,
}

fn default_eps() -> f64 {
    1e-6
}

fn default_act() -> String {
    "silu".to_owned()
}

/// In what architectures with Llama's layers differ.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "architectures combine them freely")]
pub(super) struct LlamaLike {
    pub(super) dims: Dims,
    pub(super) rms_norm_eps: f64,
    pub(super) activation: Activation,
    /// Of the query, key and value projections.
    pub(super) qkv_bias: bool,
    /// Of attention's output projection.
    pub(super) output_bias: bool,
    pub(super) mlp_bias: bool,
    /// Whether query and key heads are normalised.
    pub(super) head_norm: bool,
    /// Whether the embedding is the head too.
    pub(super) tied: bool,
}

impl LlamaLike {
    /// What the config says, without biases and norms of heads. `head_dim` is that of a config that has none.
    pub(super) fn read(file: ConfigFile<'_>, head_dim: Option<i64>) -> Result<Self, Error> {
        let fields: LlamaFields = file.read()?;
        let hidden = fields.hidden_size;
        let heads = HeadDims::new(
            hidden,
            fields.num_attention_heads,
            fields.num_key_value_heads,
            fields.head_dim.or(head_dim),
        );
        let dims = Dims {
            hidden,
            intermediate: fields.intermediate_size,
            layers: fields.num_hidden_layers,
            heads,
            vocabulary: fields.vocab_size,
        };
        Ok(Self {
            dims: dims.checked(file)?,
            rms_norm_eps: fields.rms_norm_eps,
            activation: Activation::named(file, "hidden_act", &fields.hidden_act)?,
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            head_norm: false,
            tied: fields.tie_word_embeddings,
        })
    }

    /// The model under `root`. `window` says how many keys a row of a layer reads, if not all.
    pub(super) fn load(
        &self,
        file: ConfigFile<'_>,
        root: &WeightPath<'_>,
        window: impl Fn(usize) -> Option<usize>,
    ) -> Result<Transformer, Error> {
        let layers = root.pp("model.layers");
        let rope = RopeConfig::read(file, self.dims.heads.dim)?;
        self.load_with(rope, root, |layer| {
            self.block(&layers.layer(layer, self.dims.layers), layer, window(layer))
        })
    }

    /// The model under `root`, of layers that `block` loads.
    pub(super) fn load_with(
        &self,
        rope: RopeConfig,
        root: &WeightPath<'_>,
        block: impl Fn(usize) -> Result<Block, Error>,
    ) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("model");
        let embedding = Embedding::tokens(&model.pp("embed_tokens"), vocabulary, hidden)?;
        let blocks = (0..layers).map(block).collect::<Result<_, _>>()?;
        let positions = rope.positions();
        Ok(Transformer {
            ropes: vec![Rope::new(rope, embedding.tokens.device())?],
            blocks,
            norm: Norm::rms(&model.on_last().pp("norm"), hidden, self.rms_norm_eps)?,
            head: Head::load(root, &embedding, self.tied)?,
            embedding,
            positions,
        })
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize, window: Option<usize>) -> Result<Block, Error> {
        let Dims { hidden, intermediate, heads, .. } = self.dims;
        let own = path.pp("self_attn");
        let head_norm =
            self.head_norm.then(|| HeadNorm::load(&own, &heads, self.rms_norm_eps, false)).transpose()?;
        let attention = SelfAttention {
            layer,
            heads,
            qkv: separate_qkv(&own, hidden, heads, self.qkv_bias)?,
            head_norm,
            output: output_projection(&own, hidden, heads, self.output_bias)?,
            scores: Scores::of_heads(heads, window),
        };
        let mlp = Mlp::gated(&path.pp("mlp"), (hidden, intermediate), self.mlp_bias, self.activation)?;
        self.block_of(path, attention, mlp)
    }

    /// Attention and MLP with the two norms of Llama's layers.
    pub(super) fn block_of(
        &self,
        path: &WeightPath<'_>,
        attention: SelfAttention,
        mlp: Mlp,
    ) -> Result<Block, Error> {
        let norm = |name: &str| Norm::rms(&path.pp(name), self.dims.hidden, self.rms_norm_eps);
        Ok(Block {
            input_norm: norm("input_layernorm")?,
            attention,
            attention_norm: None,
            mlp_input_norm: norm("post_attention_layernorm")?,
            mlp,
            mlp_norm: None,
            rope: Some(0),
        })
    }
}
