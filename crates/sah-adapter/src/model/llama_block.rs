//! A layer and a model with the tensor names of Llama, which several architectures have.

use super::activation::Activation;
use super::attend::Scores;
use super::attention::{SelfAttention, output_projection, separate_qkv};
use super::dims::{DefaultDims, Dims};
use super::experts::{Experts, ExpertsConfig};
use super::feed_forward::FeedForward;
use super::linear::Linear;
use super::mlp::{GatedNames, Mlp};
use super::norm::{HeadNorm, Norm};
use super::rope::{DefaultRope, Rope, RopeConfig};
use super::spec::Build;
use super::tie::Tie;
use super::transformer::{Block, BlockNorms, Embedding, Head, Transformer};
use super::{ConfigFile, LayerWindows};
use crate::Error;
use crate::weights::WeightPath;

/// What transformers takes for fields that a config leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LlamaDefaults {
    pub(super) dims: DefaultDims,
    pub(super) rope: DefaultRope,
    pub(super) rms_norm_eps: f64,
    /// `tie_word_embeddings`.
    pub(super) tie: bool,
}

/// Llama's own.
pub(super) const DEFAULTS: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 32_000,
        hidden: 4096,
        intermediate: 11_008,
        layers: 32,
        heads: 32,
        kv_heads: None,
        head_dim: None,
    },
    rope: DefaultRope { positions: 2048, theta: 10_000.0, trained: None, sections: false },
    rms_norm_eps: 1e-6,
    tie: false,
};

/// A model with Llama's layers, and in what architectures with them differ.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "architectures combine them freely")]
pub(super) struct LlamaLike {
    pub(super) dims: Dims,
    pub(super) rope: RopeConfig,
    pub(super) rms_norm_eps: f64,
    pub(super) activation: Activation,
    /// Of the query, key and value projections.
    pub(super) qkv_bias: bool,
    /// Of attention's output projection.
    pub(super) output_bias: bool,
    pub(super) mlp_bias: bool,
    pub(super) norms: Norms,
    /// How queries and keys are normalised; `None` where they are not.
    pub(super) head_norm: Option<HeadNorms>,
    /// Whether the projections of attention's inputs, and those of the MLP's, are one tensor each.
    pub(super) fused: bool,
    pub(super) tie: Tie,
    /// How many keys a row of each layer reads; `None` for all.
    pub(super) windows: Vec<Option<usize>>,
    /// Whether queries and keys of each layer are rotated.
    pub(super) rotated: Vec<bool>,
    pub(super) factors: Factors,
    pub(super) experts: Option<ExpertsConfig>,
}

/// Where the two norms of a layer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Norms {
    /// Before attention and before the feed-forward network.
    Before,
    /// After them, before what they give is added to the residual stream.
    After,
}

/// How queries and keys are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadNorms {
    /// Each head by itself.
    Each,
    /// All query heads as one vector, and all key heads.
    Together,
}

/// Factors of what other models leave as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Factors {
    /// Of the embedding.
    pub(super) embedding: Option<f64>,
    /// Of the scores, in the place of `1 / sqrt(D)`.
    pub(super) scores: Option<f64>,
    /// Of what is added to the residual stream.
    pub(super) residual: Option<f64>,
    /// Of the logits.
    pub(super) logits: Option<f64>,
}

impl LlamaLike {
    /// What the config says, without biases, norms of heads and windows.
    pub(super) fn read(file: &ConfigFile<'_>, defaults: &LlamaDefaults) -> Self {
        let dims = Dims::read(file, &defaults.dims);
        Self {
            dims,
            rope: RopeConfig::read(file, dims.heads.dim, &defaults.rope),
            rms_norm_eps: file.number("rms_norm_eps", defaults.rms_norm_eps),
            activation: Activation::read(file, "hidden_act", "silu"),
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            norms: Norms::Before,
            head_norm: None,
            fused: false,
            tie: Tie::read(file, defaults.tie),
            windows: vec![None; dims.layers],
            rotated: vec![true; dims.layers],
            factors: Factors::default(),
            experts: None,
        }
    }

    /// The same window, or none, in every layer; `default` is that of a config without the field.
    pub(super) fn with_window_in_all(self, file: &ConfigFile<'_>, default: Option<usize>) -> Self {
        let window = LayerWindows::in_all(file, self.dims.layers, default);
        Self { windows: vec![window; self.dims.layers], ..self }
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize) -> Result<Block, Error> {
        let Dims { hidden, heads, .. } = self.dims;
        let own = path.pp("self_attn");
        let eps = self.rms_norm_eps;
        let head_norm = self.head_norm.map(|norms| match norms {
            HeadNorms::Each => HeadNorm::each(&own, &heads, eps, false),
            HeadNorms::Together => HeadNorm::together(&own, &heads, eps),
        });
        let scores = Scores::of_heads(heads, self.windows[layer]);
        let attention = SelfAttention {
            layer,
            heads,
            qkv: if self.fused {
                let width = heads.query_width() + 2 * heads.kv_width();
                Linear::load(&own, &[("qkv_proj", width)], hidden, self.qkv_bias)?
            } else {
                separate_qkv(&own, hidden, heads, self.qkv_bias)?
            },
            head_norm: head_norm.transpose()?,
            output: output_projection(&own, hidden, heads, self.output_bias)?,
            scores: Scores { scale: self.factors.scores.unwrap_or(scores.scale), ..scores },
        };
        let experts = self.experts.as_ref().filter(|experts| experts.layers[layer]);
        let feed_forward = match experts {
            None => FeedForward::Dense(self.mlp(&path.pp("mlp"))?),
            Some(experts) => FeedForward::Experts(Experts::load(path, experts, hidden, self.activation)?),
        };
        let norms = self.norms(path)?;
        let rope = self.rotated[layer].then_some(0);
        Ok(Block { attention, feed_forward, norms, residual_scale: self.factors.residual, rope })
    }

    fn norms(&self, path: &WeightPath<'_>) -> Result<BlockNorms, Error> {
        let norm = |name: &str| Norm::rms(&path.pp(name), self.dims.hidden, self.rms_norm_eps).map(Some);
        Ok(match self.norms {
            Norms::Before => BlockNorms {
                before_attention: norm("input_layernorm")?,
                after_attention: None,
                before_feed_forward: norm("post_attention_layernorm")?,
                after_feed_forward: None,
            },
            Norms::After => BlockNorms {
                before_attention: None,
                after_attention: norm("post_attention_layernorm")?,
                before_feed_forward: None,
                after_feed_forward: norm("post_feedforward_layernorm")?,
            },
        })
    }

    fn mlp(&self, path: &WeightPath<'_>) -> Result<Mlp, Error> {
        let Dims { hidden, intermediate, .. } = self.dims;
        if !self.fused {
            let size = (hidden, intermediate);
            return Mlp::gated(path, GatedNames::LLAMA, size, self.mlp_bias, self.activation);
        }
        Ok(Mlp::Gated {
            gate_up: Linear::load(path, &[("gate_up_proj", 2 * intermediate)], hidden, self.mlp_bias)?,
            down: Linear::load(path, &[("down_proj", hidden)], intermediate, self.mlp_bias)?,
            activation: self.activation,
        })
    }
}

impl Build for LlamaLike {
    fn build(&self, root: &WeightPath<'_>) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("model");
        let embedding = Embedding::tokens(&model.pp("embed_tokens"), vocabulary, hidden)?;
        let embedding = Embedding { scale: self.factors.embedding, ..embedding };
        let blocks = model.pp("layers");
        let blocks = (0..layers)
            .map(|layer| self.block(&blocks.layer(layer, layers), layer))
            .collect::<Result<_, _>>()?;
        Ok(Transformer {
            ropes: vec![Rope::new(self.rope.clone(), embedding.tokens.device())?],
            blocks,
            norm: Norm::rms(&model.on_last().pp("norm"), hidden, self.rms_norm_eps)?,
            head: Head { scale: self.factors.logits, ..Head::load(root, &embedding, self.tie)? },
            embedding,
            positions: self.positions(),
        })
    }

    fn ropes(&self) -> &[RopeConfig] {
        std::slice::from_ref(&self.rope)
    }
}
