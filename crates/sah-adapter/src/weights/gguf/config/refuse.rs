//! Values that would make another model of a file than the one this crate knows.

use crate::Error;
use crate::weights::gguf::architecture::Architecture::{
    self, Cohere2, Gpt2, Granite, Ministral3, Qwen35, Qwen35Moe,
};
use crate::weights::gguf::keys::Keys;

/// Values that would make another model of it than the one this crate knows.
pub(super) fn refuse_other_models(keys: &Keys<'_>) -> Result<(), Error> {
    let unsupported = |name: &str, found: String, supported: &str| {
        Err(keys.metadata.unsupported(&keys.full(name), &found, supported))
    };
    let has_none = !keys.architecture.has_experts();
    if let Some(experts) = keys.integer("expert_count")?.filter(|&experts| experts > 0 && has_none) {
        return unsupported("expert_count", experts.to_string(), "models without experts");
    }
    if keys.metadata.bool(&keys.full("attention.causal"))? == Some(false) {
        return unsupported("attention.causal", "false".into(), "causal attention");
    }
    if keys.metadata.bool(&keys.full("use_parallel_residual"))? == Some(true) && keys.architecture != Gpt2 {
        return unsupported("use_parallel_residual", "true".into(), "one block after the other");
    }
    for (name, neutral) in neutral(keys.architecture) {
        if let Some(value) = keys.number(name)?.filter(|value| (value - neutral).abs() > 0.0) {
            return unsupported(name, value.to_string(), &format!("none, or {neutral}"));
        }
    }
    let name = "attention.sliding_window";
    let has_none = !keys.architecture.has_windows();
    if let Some(window) = keys.integer(name)?.filter(|&window| window > 0 && has_none) {
        return unsupported(name, window.to_string(), "full attention in this architecture");
    }
    // Rows of queries and keys are in another order then.
    let name = "rope.dimension_sections";
    let is_shared = matches!(keys.architecture, Qwen35 | Qwen35Moe);
    if !is_shared
        && keys.metadata.integers(&keys.full(name))?.is_some_and(|all| all.iter().any(|&size| size > 0))
    {
        return unsupported(name, "not 0".into(), "models of text alone");
    }
    if keys.architecture == Granite
        && keys.metadata.bool(&keys.full("rope.scaling.finetuned"))? == Some(false)
    {
        return unsupported("rope.scaling.finetuned", "false".into(), "rotary embeddings in all layers");
    }
    Ok(())
}

/// Numbers that other architectures have, with the value at which they change nothing.
fn neutral(architecture: Architecture) -> Vec<(&'static str, f64)> {
    let mut all = vec![("attention.clamp_kqv", 0.0), ("attention.max_alibi_bias", 0.0)];
    if !matches!(architecture, Granite | Cohere2) {
        all.push(("logit_scale", 1.0));
    }
    if architecture != Granite {
        all.extend([("residual_scale", 1.0), ("embedding_scale", 1.0)]);
    }
    if architecture != Ministral3 {
        all.push(("attention.temperature_scale", 0.0));
    }
    all
}
