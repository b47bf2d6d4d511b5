//! Granite 3 (Granite Team, IBM 2024), as `modeling_granite.py` of Hugging Face transformers defines it: Llama with factors of
//! the embedding, the scores, what layers add, and the logits.

use super::llama_block::{DEFAULTS, Factors, LlamaLike};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let factor = |field: &str| Some(file.number(field, 1.0));
    let config = LlamaLike {
        mlp_bias: file.bool("mlp_bias", false),
        factors: Factors {
            embedding: factor("embedding_multiplier"),
            scores: factor("attention_multiplier"),
            residual: factor("residual_multiplier"),
            logits: Some(1.0 / file.number("logits_scaling", 1.0)),
        },
        ..LlamaLike::read(file, &DEFAULTS).with_attention_bias(file)
    };
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}
