//! What mixtures of experts have beside the common fields.

use serde_json::{Map, Value as Json, json};

use crate::Error;
use crate::weights::gguf::architecture::Architecture::{
    Gemma4, Glm4Moe, GptOss, Mixtral, Qwen2Moe, Qwen35Moe,
};
use crate::weights::gguf::keys::Keys;

/// `expert_gating_func` of scores by a softmax, and by sigmoids.
const SOFTMAX: u64 = 1;
const SIGMOID: u64 = 2;

/// What mixtures of experts have beside the common fields. Most files do not say whether weights of chosen experts are made to add up to 1:
/// llama.cpp knows it of each architecture.
pub(super) fn experts(keys: &Keys<'_>, config: &mut Map<String, Json>) -> Result<(), Error> {
    let architecture = keys.architecture;
    let count = keys.positive("expert_count")?;
    let field = match architecture {
        Mixtral | GptOss => "num_local_experts",
        Glm4Moe => "n_routed_experts",
        _ => "num_experts",
    };
    config.insert(field.into(), json!(count));
    let field = if architecture == Gemma4 { "top_k_experts" } else { "num_experts_per_tok" };
    config.insert(field.into(), json!(keys.positive("expert_used_count")?));
    let normalised = keys.metadata.bool(&keys.full("expert_weights_norm"))?;
    if !matches!(architecture, Mixtral | GptOss | Qwen35Moe | Gemma4) {
        config.insert("norm_topk_prob".into(), json!(normalised.unwrap_or(architecture != Qwen2Moe)));
    } else if normalised == Some(false) {
        // Their configurations have no such field.
        return Err(keys.metadata.unsupported(&keys.full("expert_weights_norm"), "false", "none, or true"));
    }
    if !matches!(architecture, Mixtral | GptOss) {
        let width = keys.positive("expert_feed_forward_length")?;
        config.insert("moe_intermediate_size".into(), json!(width));
    }
    if architecture == GptOss {
        let (name, width) = ("expert_feed_forward_length", keys.positive("feed_forward_length")?);
        if let Some(own) = keys.integer(name)?.filter(|&own| own != width) {
            return Err(keys.wrong(name, &format!("feed_forward_length, {width}"), &own.to_string()));
        }
    }
    if architecture == Qwen2Moe || architecture.has_delta_rule() {
        let shared = keys.positive("expert_shared_feed_forward_length")?;
        config.insert("shared_expert_intermediate_size".into(), json!(shared));
    }
    scoring(keys, config)
}

/// How experts are scored, in groups or not.
fn scoring(keys: &Keys<'_>, config: &mut Map<String, Json>) -> Result<(), Error> {
    let is_glm = keys.architecture == Glm4Moe;
    let (name, expected) = ("expert_gating_func", if is_glm { SIGMOID } else { SOFTMAX });
    if let Some(other) = keys.integer(name)?.filter(|&function| function != 0 && function != expected) {
        return Err(keys.metadata.unsupported(&keys.full(name), &other.to_string(), &expected.to_string()));
    }
    if is_glm {
        for (ours, theirs) in [
            ("n_group", "expert_group_count"),
            ("topk_group", "expert_group_used_count"),
            ("n_shared_experts", "expert_shared_count"),
        ] {
            let number = keys.integer(theirs)?.unwrap_or(1);
            config.insert(ours.into(), json!(number));
        }
        let dense = keys.integer("leading_dense_block_count")?.unwrap_or(0);
        config.insert("first_k_dense_replace".into(), json!(dense));
        let factor = keys.number("expert_weights_scale")?.filter(|factor| factor.abs() > 0.0);
        config.insert("routed_scaling_factor".into(), json!(factor.unwrap_or(1.0)));
        return Ok(());
    }
    let factor = keys.number("expert_weights_scale")?.filter(|factor| factor.abs() > 0.0);
    for (name, number) in [
        ("expert_weights_scale", factor),
        ("expert_group_count", keys.number("expert_group_count")?.map(|groups| groups.max(1.0))),
    ] {
        if let Some(number) = number.filter(|number| (number - 1.0).abs() > 0.0) {
            return Err(keys.metadata.unsupported(&keys.full(name), &number.to_string(), "none, or 1"));
        }
    }
    Ok(())
}
