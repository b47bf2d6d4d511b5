//! Qwen3 (Yang et al. 2025, arXiv 2505.09388), as `modeling_qwen3.py` of Hugging Face transformers defines it: Llama with
//! RMS norms of query and key heads, heads of a dimension of their own, and the windows of Qwen2.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::llama_block::{HeadNorms, LlamaDefaults, LlamaLike};
use super::qwen2::{QWEN, windows};
use super::rope::{DefaultRope, Particular};
use super::spec::Build;

pub(super) const QWEN3: LlamaDefaults =
    LlamaDefaults { dims: DefaultDims { head_dim: Some(128), ..QWEN.dims }, ..QWEN };

/// The same of the language model in Qwen3-VL.
const QWEN3_VL: LlamaDefaults = LlamaDefaults {
    rope: DefaultRope {
        positions: 128_000,
        theta: 5_000_000.0,
        particular: Particular::Sections,
        ..QWEN.rope
    },
    ..QWEN3
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = with_defaults(file, &QWEN3);
    let windows = windows(file, config.dims.layers);
    Box::new(LlamaLike { windows, ..config })
}

/// The language model in Qwen3-VL, which has no windows. Its rotary embeddings count images in three dimensions and text
/// in one.
pub(super) fn read_vl(file: &ConfigFile<'_>) -> Box<dyn Build> {
    Box::new(with_defaults(file, &QWEN3_VL))
}

/// The same of both, and of Qwen3's mixtures of experts.
pub(super) fn with_defaults(file: &ConfigFile<'_>, defaults: &LlamaDefaults) -> LlamaLike {
    let config = LlamaLike::read(file, defaults).with_attention_bias(file);
    LlamaLike { head_norm: Some(HeadNorms::Each), ..config }
}
