//! What Gemma 2 and Gemma 3 share: norms by `1 + weight` before and after attention and MLP, embeddings times
//! `sqrt(hidden)`, and a scale of the scores that the config gives.

use super::ConfigFile;
use super::activation::Activation;
use super::attend::Scores;
use super::attention::{KeysAndValues, OutputGate, SelfAttention, output_projection, separate_qkv};
use super::dims::{DefaultDims, Dims};
use super::feed_forward::FeedForward;
use super::mixer::Mixer;
use super::mlp::{GatedNames, Mlp};
use super::norm::{HeadNorm, Norm};
use super::rope::{Rope, RopeConfig};
use super::spec::Build;
use super::tie::Tie;
use super::transformer::{Block, BlockNorms, Embedding, FeedForwardInput, Head, Transformer};
use crate::Error;
use crate::weights::WeightPath;

/// What transformers takes for sizes that a config leaves out.
pub(super) const DEFAULT_DIMS: DefaultDims = DefaultDims {
    vocabulary: 256_000,
    hidden: 2304,
    intermediate: 9216,
    layers: 26,
    heads: 8,
    kv_heads: Some(4),
    head_dim: Some(256),
};

/// The window of a config without `sliding_window`.
pub(super) const WINDOW: usize = 4096;

/// A Gemma model, checked.
#[derive(Clone, Debug)]
pub(super) struct Gemma {
    pub(super) dims: Dims,
    /// Factor of the scores.
    pub(super) scale: f64,
    pub(super) rms_norm_eps: f64,
    pub(super) activation: Activation,
    /// Of all of attention's projections.
    pub(super) attention_bias: bool,
    pub(super) tie: Tie,
    /// Whether query and key heads are normalised.
    pub(super) head_norm: bool,
    /// Bound of the scores.
    pub(super) attention_cap: Option<f64>,
    /// Bound of the logits.
    pub(super) logit_cap: Option<f64>,
    /// The rotary embeddings that layers choose from, that of layers without a window first.
    pub(super) ropes: Vec<RopeConfig>,
    /// The window of each layer, if it has one, and which of `ropes` it uses.
    pub(super) layers: Vec<(Option<usize>, usize)>,
}

impl Gemma {
    /// What the config says, without norms of heads, bounds, rotary embeddings and layers.
    pub(super) fn read(file: &ConfigFile<'_>, defaults: &DefaultDims) -> Self {
        Self {
            dims: Dims::read(file, defaults),
            scale: 1.0 / file.number("query_pre_attn_scalar", 256.0).sqrt(),
            rms_norm_eps: file.number("rms_norm_eps", 1e-6),
            activation: Activation::read(file, "hidden_activation", "gelu_pytorch_tanh"),
            attention_bias: file.bool("attention_bias", false),
            tie: Tie::read(file, true),
            head_norm: false,
            attention_cap: None,
            logit_cap: None,
            ropes: vec![],
            layers: vec![],
        }
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize) -> Result<Block, Error> {
        let Dims { hidden, intermediate, heads, .. } = self.dims;
        let (window, rope) = self.layers[layer];
        let own = path.pp("self_attn");
        let norm = |name: &str| Norm::rms_one_plus(&path.pp(name), hidden, self.rms_norm_eps);
        let attention = SelfAttention {
            layer,
            heads,
            qkv: separate_qkv(&own, hidden, heads, OutputGate::Open, self.attention_bias)?,
            keys: KeysAndValues::Projected,
            head_norm: self
                .head_norm
                .then(|| HeadNorm::each(&own, &heads, self.rms_norm_eps, true))
                .transpose()?,
            gate: OutputGate::Open,
            output: output_projection(&own, hidden, heads, self.attention_bias)?,
            scores: Scores { scale: self.scale, window, soft_cap: self.attention_cap, sinks: None },
        };
        let (mlp, size) = (path.pp("mlp"), (hidden, intermediate));
        let mlp = Mlp::gated(&mlp, GatedNames::LLAMA, size, false, self.activation)?;
        Ok(Block {
            mixer: Mixer::Attention(attention),
            feed_forward: FeedForward::Dense(mlp),
            norms: BlockNorms {
                before_attention: Some(norm("input_layernorm")?),
                after_attention: Some(norm("post_attention_layernorm")?),
                before_feed_forward: FeedForwardInput::AfterAttention(Some(norm(
                    "pre_feedforward_layernorm",
                )?)),
                after_feed_forward: Some(norm("post_feedforward_layernorm")?),
            },
            residual_scale: None,
            rope: Some(rope),
            input: None,
            scale: None,
        })
    }
}

impl Build for Gemma {
    fn build(&self, root: &WeightPath<'_>) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("model");
        let embedding = Embedding::tokens(&model.pp("embed_tokens"), vocabulary, hidden)?.times_root()?;
        let device = embedding.tokens.device();
        let blocks = model.pp("layers");
        let blocks = blocks.layers(layers, |path, layer| self.block(path, layer))?;
        Ok(Transformer {
            ropes: Rope::all(&self.ropes, device)?,
            blocks,
            norm: Norm::rms_one_plus(&model.on_last().pp("norm"), hidden, self.rms_norm_eps)?,
            head: Head { soft_cap: self.logit_cap, ..Head::load(root, &embedding, self.tie)? },
            embedding,
            layer_inputs: None,
            positions: self.positions(),
        })
    }

    fn ropes(&self) -> &[RopeConfig] {
        &self.ropes
    }
}
