//! A layer and a model with the tensor names of Llama, which several architectures have.

use sah_tensor::rowwise::Pairs;

use super::activation::Activation;
use super::attend::Scores;
use super::attention::{KeysAndValues, OutputGate, SelfAttention, output_projection, separate_qkv};
use super::dims::{DefaultDims, Dims};
use super::experts::{Experts, ExpertsConfig};
use super::feed_forward::FeedForward;
use super::gated_delta::{DeltaDims, DeltaProjections, GatedDelta};
use super::latent_attention::{LatentAttention, LatentConfig};
use super::linear::Linear;
use super::mixer::Mixer;
use super::mlp::{GatedNames, Mlp};
use super::norm::{HeadNorm, Norm};
use super::rope::{DefaultRope, Particular, Rope, RopeConfig};
use super::spec::Build;
use super::tie::Tie;
use super::transformer::{Block, BlockNorms, Embedding, FeedForwardInput, Head, Transformer};
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
    rope: DefaultRope {
        positions: 2048,
        theta: 10_000.0,
        trained: None,
        particular: Particular::Nothing,
        partial: 1.0,
        pairs: Pairs::Halves,
    },
    rms_norm_eps: 1e-6,
    tie: false,
};

/// A model with Llama's layers, and in what architectures with them differ.
#[derive(Clone, Debug)]
pub(super) struct LlamaLike {
    pub(super) dims: Dims,
    /// The rotary embeddings that layers choose from.
    pub(super) ropes: Vec<RopeConfig>,
    pub(super) norm: NormKind,
    pub(super) norm_eps: f64,
    pub(super) activation: Activation,
    /// Of the query, key and value projections.
    pub(super) qkv_bias: bool,
    /// Of attention's output projection.
    pub(super) output_bias: bool,
    pub(super) mlp_bias: bool,
    pub(super) norms: Norms,
    /// How queries and keys are normalised; `None` where they are not.
    pub(super) head_norm: Option<HeadNorms>,
    pub(super) fused: Fused,
    pub(super) tie: Tie,
    /// How many keys a row of each layer reads; `None` for all.
    pub(super) windows: Vec<Option<usize>>,
    /// Which of `ropes` each layer uses; `None` for none.
    pub(super) layer_ropes: Vec<Option<usize>>,
    pub(super) factors: Factors,
    pub(super) experts: Option<ExpertsConfig>,
    pub(super) softmax: Softmax,
    /// Whether what attention gives is let through as it is.
    pub(super) gates: OutputGate,
    /// The layers that have the gated delta rule in the place of attention.
    pub(super) delta: Option<DeltaLayers>,
    /// That keys and values are made of one vector for each token, in the place of `dims.heads`.
    pub(super) latent: Option<LatentConfig>,
}

/// Where the norms of a layer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Norms {
    /// Before attention and before the feed-forward network.
    Before,
    /// After them, before what they give is added to the residual stream.
    After,
    /// Before and after both.
    Around,
    /// One before both, which are given the same.
    Shared,
}

/// What the norms of layers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NormKind {
    Rms,
    /// The same by 1 + the weight.
    RmsOnePlus,
    /// Layer normalisation by a weight, without a bias.
    LayerWithoutBias,
}

/// Layers without attention.
#[derive(Clone, Debug)]
pub(super) struct DeltaLayers {
    pub(super) dims: DeltaDims,
    pub(super) projections: DeltaProjections,
    /// Whether each layer is one.
    pub(super) layers: Vec<bool>,
}

/// What the softmax of each head is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Softmax {
    OverKeys,
    /// And over a learned score that belongs to no key.
    OverKeysAndSink,
}

/// Which projections of the same input are one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fused {
    Nothing,
    /// Those of the MLP's inputs.
    GateUp,
    /// Those of attention's inputs, too.
    Everything,
}

/// How queries and keys are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadNorms {
    /// Each head by itself.
    Each,
    /// The same after they are rotated, by tensors of other names.
    EachRotated,
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
        Self::with_ropes(file, defaults, |head_dim| vec![RopeConfig::read(file, head_dim, &defaults.rope)])
    }

    /// The same with the rotary embeddings that `ropes` gives for heads of a dimension.
    pub(super) fn with_ropes(
        file: &ConfigFile<'_>,
        defaults: &LlamaDefaults,
        ropes: impl FnOnce(i64) -> Vec<RopeConfig>,
    ) -> Self {
        let dims = Dims::read(file, &defaults.dims);
        Self {
            dims,
            ropes: ropes(dims.heads.dim),
            norm: NormKind::Rms,
            norm_eps: file.number("rms_norm_eps", defaults.rms_norm_eps),
            activation: Activation::read(file, "hidden_act", "silu"),
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            norms: Norms::Before,
            head_norm: None,
            fused: Fused::Nothing,
            tie: Tie::read(file, defaults.tie),
            windows: vec![None; dims.layers],
            layer_ropes: vec![Some(0); dims.layers],
            factors: Factors::default(),
            experts: None,
            softmax: Softmax::OverKeys,
            gates: OutputGate::Open,
            delta: None,
            latent: None,
        }
    }

    /// With the biases of attention that `attention_bias` asks for, those of its output projection included.
    pub(super) fn with_attention_bias(self, file: &ConfigFile<'_>) -> Self {
        let bias = file.bool("attention_bias", false);
        Self { qkv_bias: bias, output_bias: bias, ..self }
    }

    /// The same window, or none, in every layer; `default` is that of a config without the field.
    pub(super) fn with_window_in_all(self, file: &ConfigFile<'_>, default: Option<usize>) -> Self {
        let window = LayerWindows::in_all(file, self.dims.layers, default);
        Self { windows: vec![window; self.dims.layers], ..self }
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize) -> Result<Block, Error> {
        let hidden = self.dims.hidden;
        let mixer = self.mixer(path, layer)?;
        let experts = self.experts.as_ref().filter(|experts| experts.layers[layer]);
        let feed_forward = match experts {
            None => FeedForward::Dense(self.mlp(&path.pp("mlp"))?),
            Some(experts) => FeedForward::Experts(Experts::load(path, experts, hidden, self.activation)?),
        };
        let (norms, rope) = (self.norms(path)?, self.layer_ropes[layer]);
        let residual_scale = self.factors.residual;
        Ok(Block { mixer, feed_forward, norms, residual_scale, rope, input: None, scale: None })
    }

    fn mixer(&self, path: &WeightPath<'_>, layer: usize) -> Result<Mixer, Error> {
        if let Some(latent) = self.latent {
            let attention = LatentAttention::load(&path.pp("self_attn"), layer, latent, self.dims.hidden)?;
            return Ok(Mixer::LatentAttention(Box::new(attention)));
        }
        let Some(DeltaLayers { dims, projections, layers }) = &self.delta else {
            return Ok(Mixer::Attention(self.attention(path, layer, layer)?));
        };
        // Both kinds are counted by themselves.
        let before = layers[..layer].iter().filter(|is_delta| **is_delta).count();
        if !layers[layer] {
            return Ok(Mixer::Attention(self.attention(path, layer, layer - before)?));
        }
        let (own, kind) = (path.pp("linear_attn"), (*dims, *projections));
        Ok(Mixer::GatedDelta(GatedDelta::load(&own, before, kind, self.dims.hidden, self.norm_eps)?))
    }

    /// The attention of layer `layer`, the `number`-th one that has it.
    fn attention(&self, path: &WeightPath<'_>, layer: usize, number: usize) -> Result<SelfAttention, Error> {
        let Dims { hidden, heads, .. } = self.dims;
        let own = path.pp("self_attn");
        let eps = self.norm_eps;
        let head_norm = self.head_norm.map(|norms| match norms {
            HeadNorms::Each => HeadNorm::each(&own, &heads, eps, self.norm == NormKind::RmsOnePlus),
            HeadNorms::EachRotated => HeadNorm::each_rotated(&own, &heads, eps),
            HeadNorms::Together => HeadNorm::together(&own, &heads, eps),
        });
        let scores = Scores::of_heads(heads, self.windows[layer]);
        let sinks = match self.softmax {
            Softmax::OverKeys => None,
            Softmax::OverKeysAndSink => Some(own.in_f32().tensor("sinks", &[heads.query])?.f_view([-1, 1])?),
        };
        Ok(SelfAttention {
            layer: number,
            heads,
            qkv: if self.fused == Fused::Everything {
                let width = heads.query_width() + 2 * heads.kv_width();
                Linear::load(&own, &[("qkv_proj", width)], hidden, self.qkv_bias)?
            } else {
                separate_qkv(&own, hidden, heads, self.gates, self.qkv_bias)?
            },
            keys: KeysAndValues::Projected,
            head_norm: head_norm.transpose()?,
            gate: self.gates,
            output: output_projection(&own, hidden, heads, self.output_bias)?,
            scores: Scores { scale: self.factors.scores.unwrap_or(scores.scale), sinks, ..scores },
        })
    }

    fn norms(&self, path: &WeightPath<'_>) -> Result<BlockNorms, Error> {
        use FeedForwardInput::AfterAttention;
        let norm = |name: &str| self.norm(&path.pp(name)).map(Some);
        Ok(match self.norms {
            Norms::Before => BlockNorms {
                before_attention: norm("input_layernorm")?,
                after_attention: None,
                before_feed_forward: AfterAttention(norm("post_attention_layernorm")?),
                after_feed_forward: None,
            },
            Norms::After => BlockNorms {
                before_attention: None,
                after_attention: norm("post_attention_layernorm")?,
                before_feed_forward: AfterAttention(None),
                after_feed_forward: norm("post_feedforward_layernorm")?,
            },
            Norms::Around => BlockNorms {
                before_attention: norm("input_layernorm")?,
                after_attention: norm("post_self_attn_layernorm")?,
                before_feed_forward: AfterAttention(norm("post_attention_layernorm")?),
                after_feed_forward: norm("post_mlp_layernorm")?,
            },
            Norms::Shared => BlockNorms {
                before_attention: norm("input_layernorm")?,
                after_attention: None,
                before_feed_forward: FeedForwardInput::BesideAttention,
                after_feed_forward: None,
            },
        })
    }

    fn norm(&self, path: &WeightPath<'_>) -> Result<Norm, Error> {
        let (size, eps) = (self.dims.hidden, self.norm_eps);
        match self.norm {
            NormKind::Rms => Norm::rms(path, size, eps),
            NormKind::RmsOnePlus => Norm::rms_one_plus(path, size, eps),
            NormKind::LayerWithoutBias => Norm::layer_without_bias(path, size, eps),
        }
    }

    fn mlp(&self, path: &WeightPath<'_>) -> Result<Mlp, Error> {
        let Dims { hidden, intermediate, .. } = self.dims;
        if self.fused == Fused::Nothing {
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
        let blocks = blocks.layers(layers, |path, layer| self.block(path, layer))?;
        let device = embedding.tokens.device();
        Ok(Transformer {
            ropes: Rope::all(&self.ropes, device)?,
            blocks,
            norm: self.norm(&model.on_last().pp("norm"))?,
            head: Head { scale: self.factors.logits, ..Head::load(root, &embedding, self.tie)? },
            embedding,
            layer_inputs: None,
            positions: self.positions(),
        })
    }

    fn ropes(&self) -> &[RopeConfig] {
        &self.ropes
    }
}
