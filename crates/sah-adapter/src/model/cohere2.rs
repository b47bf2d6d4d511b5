//! Command R7B and Command A (Cohere 2025, arXiv 2504.00698), as `modeling_cohere2.py` of Hugging Face transformers defines
//! them: attention and MLP beside each other after one layer norm, a window in three of four layers, and rotary embeddings of
//! neighbours in these alone.

use sah_tensor::rowwise::Pairs;

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, Factors, LlamaDefaults, LlamaLike, NormKind, Norms};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const COHERE2: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 256_000,
        hidden: 8192,
        intermediate: 22_528,
        layers: 40,
        heads: 64,
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 8192, pairs: Pairs::Neighbours, ..DEFAULTS.rope },
    tie: true,
    ..DEFAULTS
};
const WINDOW: usize = 4096;

/// Every so many layers one has no window.
const PATTERN: i64 = 4;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        norms: Norms::Shared,
        norm: NormKind::LayerWithoutBias,
        norm_eps: file.number("layer_norm_eps", 1e-5),
        factors: Factors { logits: Some(file.number("logit_scale", 0.0625)), ..Factors::default() },
        ..LlamaLike::read(file, &COHERE2).with_attention_bias(file)
    };
    let windows = LayerWindows::in_all_but_every(file, config.dims.layers, WINDOW, PATTERN);
    let layer_ropes = windows.iter().map(|window| window.map(|_| 0)).collect();
    Box::new(LlamaLike { windows, layer_ropes, ..config })
}
