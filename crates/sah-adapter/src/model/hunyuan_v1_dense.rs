//! Hunyuan's dense models (Tencent 2025), as `modeling_hunyuan_v1_dense.py` of Hugging Face transformers defines them: Llama with norms of query and
//! key heads after they are rotated.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, HeadNorms, LlamaDefaults, LlamaLike};
use super::rope::{DefaultRope, Particular};
use super::spec::Build;

const HUNYUAN: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 290_943, ..DEFAULTS.dims },
    rope: DefaultRope { particular: Particular::Alpha, ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike::read(file, &HUNYUAN).with_attention_bias(file);
    Box::new(LlamaLike { head_norm: Some(HeadNorms::EachRotated), ..config })
}
