//! Ministral 3 (Mistral AI 2025), as `modeling_ministral3.py` of Hugging Face transformers defines it: Mistral whose queries grow with their
//! position.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::{DefaultRope, Particular, RopeConfig};
use super::spec::Build;

const MINISTRAL3: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 131_072,
        intermediate: 14_336,
        layers: 34,
        kv_heads: Some(8),
        head_dim: Some(128),
        ..DEFAULTS.dims
    },
    rope: DefaultRope {
        positions: 262_144,
        theta: 1_000_000.0,
        particular: Particular::Growth,
        ..DEFAULTS.rope
    },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    RopeConfig::required(file);
    Box::new(LlamaLike::read(file, &MINISTRAL3).with_window_in_all(file, None))
}
