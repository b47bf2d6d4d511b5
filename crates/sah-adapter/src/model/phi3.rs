//! Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv 2404.14219; 2025, arXiv 2503.01743), as `modeling_phi3.py` of Hugging
//! Face transformers defines it: Llama with fused projections, partly rotated heads and `longrope`.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, Fused, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;

const PHI3: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 32_064, hidden: 3072, intermediate: 8192, ..DEFAULTS.dims },
    rope: DefaultRope { positions: 4096, trained: Some(4096.0), ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike { fused: Fused::Everything, ..LlamaLike::read(file, &PHI3) };
    Box::new(config.with_window_in_all(file, None))
}
