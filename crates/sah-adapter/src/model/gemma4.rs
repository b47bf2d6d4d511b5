//! Gemma 4, as `Gemma4ForCausalLM` of Hugging Face transformers defines it: Gemma 3 with wider heads in layers without a window,
//! normalised values, layers that read the keys of earlier ones, vectors of each layer's own for each token, and experts beside the
//! dense network.

use super::activation::Activation;
use super::attend::Scores;
use super::attention::{KeysAndValues, OutputGate, SelfAttention, output_projection};
use super::dims::{DefaultDims, Dims, HeadDims};
use super::experts::{ExpertNames, ExpertTensors, Experts, ExpertsConfig, Scoring};
use super::feed_forward::{DenseBesideExperts, FeedForward};
use super::layer_input::{LayerInput, LayerInputDims, LayerInputs};
use super::linear::Linear;
use super::llama_block::DEFAULTS;
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

const DIMS: DefaultDims = DefaultDims {
    vocabulary: 262_144,
    hidden: 2304,
    intermediate: 9216,
    layers: 30,
    heads: 8,
    kv_heads: Some(4),
    head_dim: Some(256),
};

/// Of layers without a window, and of those with one.
const GLOBAL: DefaultRope = DefaultRope {
    positions: 131_072,
    theta: 1_000_000.0,
    partial: 0.25,
    particular: Particular::Proportional,
    ..DEFAULTS.rope
};
const LOCAL: DefaultRope = DefaultRope { positions: 131_072, theta: 10_000.0, ..DEFAULTS.rope };

/// The window of a config without `sliding_window`, and D of layers without one where the config does not say it.
const WINDOW: usize = 512;
const GLOBAL_DIM: i64 = 512;

/// Every sixth layer reads everything, and the last.
const PATTERN: usize = 6;

/// A Gemma 4 model, checked.
#[derive(Debug)]
struct Gemma4 {
    dims: Dims,
    rms_norm_eps: f64,
    activation: Activation,
    /// Of all of attention's projections.
    attention_bias: bool,
    tie: Tie,
    /// Bound of the logits.
    logit_cap: Option<f64>,
    /// Of layers without a window, then of those with one.
    ropes: [RopeConfig; 2],
    layers: Vec<Layer>,
    /// Vectors of each layer's own.
    layer_inputs: Option<LayerInputDims>,
    experts: Option<ExpertsConfig>,
}

/// What layers differ in.
#[derive(Clone, Copy, Debug)]
struct Layer {
    window: Option<usize>,
    heads: HeadDims,
    keys: KeysAndValues,
    /// Width inside its dense network.
    intermediate: i64,
}

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let dims = Dims::read(file, &DIMS);
    if let Some("all") = file.get("use_bidirectional_attention").and_then(serde_json::Value::as_str) {
        file.unsupported("use_bidirectional_attention", "all", "causal attention of text: null or vision");
    }
    let layers = layers(file, &dims);
    let widths = [true, false].map(|is_global| {
        let of_kind = |layer: &&Layer| layer.window.is_none() == is_global;
        layers.iter().find(of_kind).map_or(dims.heads.dim, |layer| layer.heads.dim)
    });
    let width = file.count("hidden_size_per_layer_input", 256) as i64;
    let vocabulary = file.size("vocab_size_per_layer_input", DIMS.vocabulary);
    Box::new(Gemma4 {
        rms_norm_eps: file.number("rms_norm_eps", 1e-6),
        activation: Activation::read(file, "hidden_activation", "gelu_pytorch_tanh"),
        attention_bias: file.bool("attention_bias", false),
        tie: Tie::read(file, true),
        logit_cap: file.optional_number("final_logit_softcapping", None),
        ropes: RopeConfig::of_layer_types(file, widths, &GLOBAL, &LOCAL, "rope_theta"),
        layer_inputs: (width > 0).then_some(LayerInputDims { vocabulary, width }),
        experts: file.bool("enable_moe_block", false).then(|| experts(file, dims.layers)),
        layers,
        dims,
    })
}

/// What layers differ in.
fn layers(file: &ConfigFile<'_>, dims: &Dims) -> Vec<Layer> {
    let count = dims.layers;
    let windows = LayerWindows::read(file, count, Some(WINDOW));
    let width = windows.required_width(file);
    let is_windowed = |layer: usize| windows.is_windowed(layer, |layer| !(layer + 1).is_multiple_of(PATTERN));
    if is_windowed(count - 1) {
        file.note("the last layer has no window, as in transformers, whatever layer_types says");
    }
    let is_windowed = |layer: usize| layer + 1 < count && is_windowed(layer);
    let own = own_keys(file, count);
    let has_one_projection = file.bool("attention_k_eq_v", false);
    let is_wide = file.bool("use_double_wide_mlp", false);
    let heads = heads_of_layers(file, dims.heads, has_one_projection, &is_windowed, count);
    let layer = |layer: usize| {
        let before = (0..own).rev().find(|&before| is_windowed(before) == is_windowed(layer));
        let keys = match before {
            Some(before) if layer >= own => KeysAndValues::OfLayer(before),
            _ if has_one_projection && !is_windowed(layer) => KeysAndValues::OneProjection,
            _ => KeysAndValues::Projected,
        };
        if before.is_none() && layer >= own {
            let expected = "fewer: a layer of each type in layer_types with keys of its own";
            file.wrong("num_kv_shared_layers", expected, count - own);
        }
        Layer {
            window: is_windowed(layer).then_some(width),
            heads: heads[layer],
            keys,
            intermediate: if is_wide && layer >= own { 2 } else { 1 } * dims.intermediate,
        }
    };
    (0..count).map(layer).collect()
}

/// How many layers have keys of their own: all but the last ones.
fn own_keys(file: &ConfigFile<'_>, layers: usize) -> usize {
    let shared = file.count("num_kv_shared_layers", 0);
    if shared >= layers {
        file.wrong("num_kv_shared_layers", format!("less than num_hidden_layers, {layers}"), shared);
        return layers;
    }
    let own = layers - shared;
    if shared > 0 {
        file.note(format!(
            "layers {own} to {} read the keys of earlier layers: the KV cache has layers 0 to {}, and retentions drop their keys by \
             the queries of these alone",
            layers - 1,
            own - 1
        ));
    }
    own
}

/// The heads of each layer: those without a window have others. Version 5 of transformers writes them into `per_layer_config`.
fn heads_of_layers(
    file: &ConfigFile<'_>,
    heads: HeadDims,
    has_one_projection: bool,
    is_windowed: &impl Fn(usize) -> bool,
    layers: usize,
) -> Vec<HeadDims> {
    let Some(listed) = file.object("per_layer_config") else {
        let dim = file.optional_size("global_head_dim").unwrap_or(GLOBAL_DIM);
        let mut kv = file.optional_size("num_global_key_value_heads");
        if kv.is_some() && !has_one_projection {
            file.note(
                "num_global_key_value_heads has no effect without attention_k_eq_v, as in transformers",
            );
            kv = None;
        }
        let global = heads.other(file, ("num_global_key_value_heads", kv), dim);
        return (0..layers).map(|layer| if is_windowed(layer) { heads } else { global }).collect();
    };
    let names: Vec<String> = (0..layers).map(|layer| layer.to_string()).collect();
    listed.only(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let of_layer = |name: &String| {
        let Some(own) = listed.object(name) else { return heads };
        own.only(&["head_dim", "num_key_value_heads"]);
        let size = |field: &str| own.number(field).map(|number| number as i64);
        heads.other(
            file,
            ("per_layer_config", size("num_key_value_heads")),
            size("head_dim").unwrap_or(heads.dim),
        )
    };
    let all: Vec<HeadDims> = names.iter().map(of_layer).collect();
    for of_windows in [false, true] {
        let mut alike = (0..layers).filter(|&layer| is_windowed(layer) == of_windows).map(|layer| all[layer]);
        if alike.next().is_some_and(|first| alike.any(|other| other != first)) {
            let expected = "the same head_dim and num_key_value_heads in all layers of a type";
            file.wrong("per_layer_config", expected, "others");
        }
    }
    all
}

fn experts(file: &ConfigFile<'_>, layers: usize) -> ExpertsConfig {
    let required = |field: &'static str| {
        if file.get(field).is_none_or(serde_json::Value::is_null) {
            file.wrong(field, "a number, as enable_moe_block asks for experts", "nothing");
        }
        (field, file.optional_size(field).unwrap_or(1))
    };
    let (count, chosen) = ExpertsConfig::checked(file, required("num_experts"), required("top_k_experts"));
    ExpertsConfig {
        count,
        chosen,
        intermediate: required("moe_intermediate_size").1,
        normalised: true,
        scoring: Scoring::ScaledSoftmax { eps: file.number("rms_norm_eps", 1e-6) },
        shared: None,
        layers: vec![true; layers],
        names: ExpertNames {
            block: "",
            router: "router.proj",
            tensors: ExpertTensors::Each(GatedNames::LLAMA),
        },
    }
}

impl Gemma4 {
    fn norm(&self, path: &WeightPath<'_>, name: &str) -> Result<Norm, Error> {
        Norm::rms(&path.pp(name), self.dims.hidden, self.rms_norm_eps)
    }

    fn attention(&self, path: &WeightPath<'_>, layer: usize) -> Result<SelfAttention, Error> {
        let (hidden, eps, bias) = (self.dims.hidden, self.rms_norm_eps, self.attention_bias);
        let Layer { window, heads, keys, .. } = self.layers[layer];
        let kv = heads.kv_width();
        let parts = [("q_proj", heads.query_width()), ("k_proj", kv), ("v_proj", kv)];
        let (parts, head_norm) = match keys {
            KeysAndValues::Projected => (&parts[..], HeadNorm::each_and_values(path, &heads, eps)?),
            KeysAndValues::OneProjection => (&parts[..2], HeadNorm::each_and_values(path, &heads, eps)?),
            KeysAndValues::OfLayer(_) => (&parts[..1], HeadNorm::each_query(path, &heads, eps)?),
        };
        Ok(SelfAttention {
            layer,
            heads,
            qkv: Linear::load(path, parts, hidden, bias)?,
            keys,
            head_norm: Some(head_norm),
            gate: OutputGate::Open,
            output: output_projection(path, hidden, heads, bias)?,
            scores: Scores { scale: 1.0, window, soft_cap: None, sinks: None },
        })
    }

    fn feed_forward(&self, path: &WeightPath<'_>, layer: usize) -> Result<FeedForward, Error> {
        let size = (self.dims.hidden, self.layers[layer].intermediate);
        let dense = Mlp::gated(&path.pp("mlp"), GatedNames::LLAMA, size, false, self.activation)?;
        let Some(experts) = &self.experts else { return Ok(FeedForward::Dense(dense)) };
        Ok(FeedForward::DenseBesideExperts(Box::new(DenseBesideExperts {
            before_dense: self.norm(path, "pre_feedforward_layernorm")?,
            dense,
            after_dense: self.norm(path, "post_feedforward_layernorm_1")?,
            before_experts: self.norm(path, "pre_feedforward_layernorm_2")?,
            experts: Experts::load(path, experts, self.dims.hidden, self.activation)?,
            after_experts: self.norm(path, "post_feedforward_layernorm_2")?,
        })))
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize) -> Result<Block, Error> {
        let is_dense = self.experts.is_none();
        let before = is_dense.then(|| self.norm(path, "pre_feedforward_layernorm")).transpose()?;
        let input = |LayerInputDims { width, .. }| {
            let size = (self.dims.hidden, width);
            LayerInput::load(path, layer, size, self.activation, self.rms_norm_eps)
        };
        Ok(Block {
            mixer: Mixer::Attention(self.attention(&path.pp("self_attn"), layer)?),
            feed_forward: self.feed_forward(path, layer)?,
            norms: BlockNorms {
                before_attention: Some(self.norm(path, "input_layernorm")?),
                after_attention: Some(self.norm(path, "post_attention_layernorm")?),
                before_feed_forward: FeedForwardInput::AfterAttention(before),
                after_feed_forward: Some(self.norm(path, "post_feedforward_layernorm")?),
            },
            residual_scale: None,
            rope: Some(usize::from(self.layers[layer].window.is_some())),
            input: self.layer_inputs.map(input).transpose()?,
            scale: Some(path.tensor("layer_scalar", &[1])?.f_double_value(&[0])?),
        })
    }
}

impl Build for Gemma4 {
    fn build(&self, root: &WeightPath<'_>) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("model");
        let embedding = Embedding::tokens(&model.pp("embed_tokens"), vocabulary, hidden)?.times_root()?;
        let device = embedding.tokens.device();
        let inputs = |dims| LayerInputs::load(&model, dims, (layers, hidden), self.rms_norm_eps);
        let blocks = model.pp("layers");
        let blocks = blocks.layers(layers, |path, layer| self.block(path, layer))?;
        Ok(Transformer {
            layer_inputs: self.layer_inputs.map(inputs).transpose()?,
            ropes: Rope::all(&self.ropes, device)?,
            blocks,
            norm: self.norm(&model.on_last(), "norm")?,
            head: Head { soft_cap: self.logit_cap, ..Head::load(root, &embedding, self.tie)? },
            embedding,
            positions: self.positions(),
        })
    }

    fn ropes(&self) -> &[RopeConfig] {
        &self.ropes
    }
}
