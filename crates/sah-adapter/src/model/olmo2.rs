//! OLMo 2 (OLMo Team 2024, arXiv 2501.00656), as `modeling_olmo2.py` of Hugging Face transformers defines it: Llama with norms
//! after attention and MLP in the place of those before them, and norms of all queries and all keys.

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, HeadNorms, LlamaDefaults, LlamaLike, Norms};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

pub(super) const OLMO2: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 50_304, ..DEFAULTS.dims },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = with_norms(file, LlamaLike::read(file, &OLMO2));
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}

/// The model with the norms and biases of OLMo 2, which OLMo 3 has too.
pub(super) fn with_norms(file: &ConfigFile<'_>, config: LlamaLike) -> LlamaLike {
    let config = config.with_attention_bias(file);
    LlamaLike { norms: Norms::After, head_norm: Some(HeadNorms::Together), ..config }
}
