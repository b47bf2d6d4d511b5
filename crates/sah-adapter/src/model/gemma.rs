//! What Gemma 2 and Gemma 3 share: norms by `1 + weight` before and after attention and MLP, embeddings times
//! `sqrt(hidden)`, and a scale of the scores that the config gives.

use serde::Deserialize;
use tch::Tensor;

use super::ConfigFile;
use super::activation::Activation;
use super::attend::Scores;
use super::attention::{SelfAttention, output_projection, separate_qkv};
use super::dims::{Dims, HeadDims};
use super::mlp::Mlp;
use super::norm::{HeadNorm, Norm};
use super::rope::Rope;
use super::transformer::{Block, Embedding, Head, Transformer};
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` that both have; rotary embeddings and windows are read apart.
#[derive(Debug, Deserialize)]
struct GemmaFields {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    #[serde(default = "default_kv_heads")]
    num_key_value_heads: i64,
    #[serde(default = "default_head_dim")]
    head_dim: i64,
    vocab_size: i64,
    #[serde(default = "default_eps")]
    rms_norm_eps: f64,
    #[serde(default = "default_activation")]
    hidden_activation: String,
    #[serde(default = "default_query_scalar")]
    query_pre_attn_scalar: f64,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default = "default_tied")]
    tie_word_embeddings: bool,
}

fn default_kv_heads() -> i64 {
    4
}

fn default_head_dim() -> i64 {
    256
}

fn default_eps() -> f64 {
    1e-6
}

fn default_activation() -> String {
    "gelu_pytorch_tanh".to_owned()
}

fn default_query_scalar() -> f64 {
    256.0
}

fn default_tied() -> bool {
    true
}

/// The window of a config without `sliding_window`.
pub(super) const WINDOW: i64 = 4096;

/// A Gemma model, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gemma {
    pub(super) dims: Dims,
    /// Factor of the scores.
    pub(super) scale: f64,
    pub(super) rms_norm_eps: f64,
    pub(super) activation: Activation,
    /// Of all of attention's projections.
    pub(super) attention_bias: bool,
    /// Whether the embedding is the head too.
    pub(super) tied: bool,
    /// Whether query and key heads are normalised.
    pub(super) head_norm: bool,
    /// Bound of the scores.
    pub(super) attention_cap: Option<f64>,
    /// Bound of the logits.
    pub(super) logit_cap: Option<f64>,
}

impl Gemma {
    /// What the config says, without norms of heads and without bounds.
    pub(super) fn read(file: ConfigFile<'_>) -> Result<Self, Error> {
        let fields: GemmaFields = file.read()?;
        let dims = Dims {
            hidden: fields.hidden_size,
            intermediate: fields.intermediate_size,
            layers: fields.num_hidden_layers,
            heads: HeadDims {
                query: fields.num_attention_heads,
                kv: fields.num_key_value_heads,
                dim: fields.head_dim,
            },
            vocabulary: fields.vocab_size,
        };
        let scalar = fields.query_pre_attn_scalar;
        if !(scalar.is_finite() && scalar > 0.0) {
            return Err(file.field("query_pre_attn_scalar", "a number above 0", scalar));
        }
        Ok(Self {
            dims: dims.checked(file)?,
            scale: 1.0 / scalar.sqrt(),
            rms_norm_eps: fields.rms_norm_eps,
            activation: Activation::named(file, "hidden_activation", &fields.hidden_activation)?,
            attention_bias: fields.attention_bias,
            tied: fields.tie_word_embeddings,
            head_norm: false,
            attention_cap: None,
            logit_cap: None,
        })
    }

    /// The model under `root`. `layer` gives the window of a layer, if it has one, and which of `ropes` it uses.
    pub(super) fn load(
        &self,
        root: &WeightPath<'_>,
        positions: usize,
        ropes: impl Fn(tch::Device) -> Result<Vec<Rope>, Error>,
        layer: impl Fn(usize) -> (Option<usize>, usize),
    ) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("model");
        let mut embedding = Embedding::tokens(&model.pp("embed_tokens"), vocabulary, hidden)?;
        let (kind, device) = (embedding.kind, embedding.tokens.device());
        // Rounded to the model's kind, as in transformers.
        let scale = Tensor::f_from_slice(&[(hidden as f64).sqrt()])?.f_to_kind(kind)?.f_to_device(device)?;
        embedding.scale = Some(scale);
        let blocks = (0..layers)
            .map(|number| self.block(&model.pp("layers").layer(number, layers), number, layer(number)))
            .collect::<Result<_, _>>()?;
        Ok(Transformer {
            ropes: ropes(device)?,
            blocks,
            norm: Norm::rms_one_plus(&model.on_last().pp("norm"), hidden, self.rms_norm_eps)?,
            head: Head { soft_cap: self.logit_cap, ..Head::load(root, &embedding, self.tied)? },
            embedding,
            positions,
        })
    }

    fn block(
        &self,
        path: &WeightPath<'_>,
        layer: usize,
        (window, rope): (Option<usize>, usize),
    ) -> Result<Block, Error> {
        let Dims { hidden, intermediate, heads, .. } = self.dims;
        let own = path.pp("self_attn");
        let norm = |name: &str| Norm::rms_one_plus(&path.pp(name), hidden, self.rms_norm_eps);
        let attention = SelfAttention {
            layer,
            heads,
            qkv: separate_qkv(&own, hidden, heads, self.attention_bias)?,
            head_norm: self
                .head_norm
                .then(|| HeadNorm::load(&own, &heads, self.rms_norm_eps, true))
                .transpose()?,
            output: output_projection(&own, hidden, heads, self.attention_bias)?,
            scores: Scores { scale: self.scale, window, soft_cap: self.attention_cap },
        };
        Ok(Block {
            input_norm: norm("input_layernorm")?,
            attention,
            attention_norm: Some(norm("post_attention_layernorm")?),
            mlp_input_norm: norm("pre_feedforward_layernorm")?,
            mlp: Mlp::gated(&path.pp("mlp"), (hidden, intermediate), false, self.activation)?,
            mlp_norm: Some(norm("post_feedforward_layernorm")?),
            rope: Some(rope),
        })
    }
}

/// The bound in `field`, which must be above 0 or null.
pub(super) fn checked_cap(file: ConfigFile<'_>, field: &str, cap: Option<f64>) -> Result<Option<f64>, Error> {
    match cap {
        Some(cap) if !(cap.is_finite() && cap > 0.0) => {
            Err(file.field(field, "a number above 0, or null", cap))
        }
        cap => Ok(cap),
    }
}
