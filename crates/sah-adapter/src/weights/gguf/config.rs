//! The metadata of a GGUF file in the shape of Hugging Face's `config.json`.

use serde_json::{Map, Value as Json, json};

use super::architecture::Architecture;
use super::keys::Keys;
use super::reader::Gguf;
use super::rope::rope_scaling;
use super::value::Value;
use crate::Error;

use Architecture::{Gemma2, Gemma3, Gpt2, Llama, Phi3, Qwen2, Qwen2Moe, Qwen3, Qwen3Moe};

/// `config.json` of the file. Numbers that Hugging Face derives (such as `head_dim`) are written out.
///
/// # Errors
///
/// [`Error::Field`] for a key that is missing or has an impossible value, [`Error::Unsupported`] for what this crate
/// does not do: another architecture, experts, other attention.
pub(crate) fn hf_config(gguf: &Gguf) -> Result<Json, Error> {
    let architecture = Architecture::of(gguf)?;
    let keys = Keys::new(gguf, architecture);
    refuse_other_models(&keys)?;
    let mut config = if architecture == Gpt2 { gpt2(&keys)? } else { rotary(&keys)? };
    config.insert("model_type".into(), json!(architecture.model_type()));
    config.insert("vocab_size".into(), json!(vocabulary(&keys)?));
    config.insert("tie_word_embeddings".into(), json!(!keys.has_tensor("output.weight")));
    for (ours, theirs) in [
        ("bos_token_id", "tokenizer.ggml.bos_token_id"),
        ("eos_token_id", "tokenizer.ggml.eos_token_id"),
        ("pad_token_id", "tokenizer.ggml.padding_token_id"),
    ] {
        if let Some(id) = keys.metadata.token_id(theirs)? {
            config.insert(ours.into(), json!(id));
        }
    }
    Ok(Json::Object(config))
}

/// Values that would make another model of it than the one this crate knows.
fn refuse_other_models(keys: &Keys<'_>) -> Result<(), Error> {
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
    for (name, neutral) in [
        ("attention.clamp_kqv", 0.0),
        ("attention.max_alibi_bias", 0.0),
        ("logit_scale", 1.0),
        ("residual_scale", 1.0),
        ("embedding_scale", 1.0),
    ] {
        if let Some(value) = keys.number(name)?.filter(|value| (value - neutral).abs() > 0.0) {
            return unsupported(name, value.to_string(), &format!("none, or {neutral}"));
        }
    }
    if matches!(keys.architecture, Llama | Qwen2 | Qwen3 | Qwen2Moe | Qwen3Moe)
        && let Some(window) = keys.integer("attention.sliding_window")?.filter(|&window| window > 0)
    {
        return unsupported(
            "attention.sliding_window",
            window.to_string(),
            "full attention in this architecture",
        );
    }
    Ok(())
}

/// The configuration of GPT-2, which has names of its own.
fn gpt2(keys: &Keys<'_>) -> Result<Map<String, Json>, Error> {
    let hidden = keys.positive("embedding_length")?;
    let heads = keys.positive("attention.head_count")?;
    if !hidden.is_multiple_of(heads) {
        let expected = format!("a divisor of embedding_length, {hidden}");
        return Err(keys.wrong("attention.head_count", &expected, &heads.to_string()));
    }
    let inner = keys.positive("feed_forward_length")?;
    Ok(Map::from_iter([
        ("activation_function".to_owned(), json!("gelu_new")),
        ("n_embd".to_owned(), json!(hidden)),
        // Hugging Face writes null for four times the width.
        ("n_inner".to_owned(), if inner == 4 * hidden { Json::Null } else { json!(inner) }),
        ("n_layer".to_owned(), json!(keys.positive("block_count")?)),
        ("n_head".to_owned(), json!(heads)),
        ("n_positions".to_owned(), json!(keys.positive("context_length")?)),
        ("layer_norm_epsilon".to_owned(), json!(keys.required_number("attention.layer_norm_epsilon")?)),
    ]))
}

/// The configuration of the models with rotary positions.
fn rotary(keys: &Keys<'_>) -> Result<Map<String, Json>, Error> {
    let hidden = keys.positive("embedding_length")?;
    let heads = keys.positive("attention.head_count")?;
    let layers = keys.positive("block_count")?;
    let kv_heads = keys.integer("attention.head_count_kv")?.unwrap_or(heads);
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
        let expected = format!("a divisor of the {heads} query heads");
        return Err(keys.wrong("attention.head_count_kv", &expected, &kv_heads.to_string()));
    }
    let head_dim = keys.integer("attention.key_length")?.unwrap_or(hidden / heads);
    if head_dim == 0 || head_dim % 2 == 1 {
        return Err(keys.wrong("attention.key_length", "an even number above 0", &head_dim.to_string()));
    }
    if let Some(value_length) = keys.integer("attention.value_length")?.filter(|&length| length != head_dim) {
        let expected = format!("the length of a key, {head_dim}");
        return Err(keys.wrong("attention.value_length", &expected, &value_length.to_string()));
    }
    let mut config = Map::from_iter([
        ("hidden_size".to_owned(), json!(hidden)),
        ("intermediate_size".to_owned(), json!(keys.positive("feed_forward_length")?)),
        ("num_hidden_layers".to_owned(), json!(layers)),
        ("num_attention_heads".to_owned(), json!(heads)),
        ("num_key_value_heads".to_owned(), json!(kv_heads)),
        ("head_dim".to_owned(), json!(head_dim)),
        ("max_position_embeddings".to_owned(), json!(keys.positive("context_length")?)),
        ("rms_norm_eps".to_owned(), json!(keys.required_number("attention.layer_norm_rms_epsilon")?)),
        ("rope_theta".to_owned(), json!(keys.number("rope.freq_base")?.unwrap_or(10_000.0))),
        ("rope_scaling".to_owned(), rope_scaling(keys)?),
    ]);
    if let Some(rotary) = keys.integer("rope.dimension_count")?.filter(|&rotary| rotary != head_dim) {
        config.insert("partial_rotary_factor".into(), json!(rotary as f64 / head_dim as f64));
    }
    match keys.architecture {
        Gemma2 | Gemma3 => gemma(keys, &mut config, hidden, heads, head_dim, layers)?,
        _ => {
            config.insert("hidden_act".into(), json!("silu"));
        }
    }
    match keys.architecture {
        Phi3 => phi3(keys, &mut config)?,
        Llama => {
            let attention = keys.has_bias(&["attn_q", "attn_k", "attn_v", "attn_output"]);
            config.insert("attention_bias".into(), json!(attention));
            let mlp = keys.has_bias(&["ffn_gate", "ffn_up", "ffn_down"]);
            config.insert("mlp_bias".into(), json!(mlp));
        }
        Qwen3 | Qwen3Moe | Gemma2 | Gemma3 => {
            let attention = keys.has_bias(&["attn_q", "attn_k", "attn_v", "attn_output"]);
            config.insert("attention_bias".into(), json!(attention));
        }
        Qwen2 | Qwen2Moe | Gpt2 => {}
    }
    if keys.architecture.has_experts() {
        experts(keys, &mut config)?;
    }
    Ok(config)
}

/// What mixtures of experts have beside the common fields. No file says whether weights of chosen experts are made to add up to 1:
/// llama.cpp knows it of each architecture.
fn experts(keys: &Keys<'_>, config: &mut Map<String, Json>) -> Result<(), Error> {
    config.insert("num_experts".into(), json!(keys.positive("expert_count")?));
    config.insert("num_experts_per_tok".into(), json!(keys.positive("expert_used_count")?));
    config.insert("moe_intermediate_size".into(), json!(keys.positive("expert_feed_forward_length")?));
    config.insert("norm_topk_prob".into(), json!(keys.architecture == Qwen3Moe));
    if keys.architecture == Qwen2Moe {
        let shared = keys.positive("expert_shared_feed_forward_length")?;
        config.insert("shared_expert_intermediate_size".into(), json!(shared));
    }
    Ok(())
}

/// What Phi-3 has beside the common fields. The file says 0 where there is no window.
fn phi3(keys: &Keys<'_>, config: &mut Map<String, Json>) -> Result<(), Error> {
    let name = "attention.sliding_window";
    let expected = "a number of tokens, 0 for none";
    let window = keys.metadata.required(&keys.full(name), expected, keys.integer(name)?)?;
    config.insert("sliding_window".into(), if window == 0 { Json::Null } else { json!(window) });
    if let Some(original) = keys.integer("rope.scaling.original_context_length")? {
        config.insert("original_max_position_embeddings".into(), json!(original));
    }
    Ok(())
}

/// What Gemma 2 and 3 have beside the common fields.
fn gemma(
    keys: &Keys<'_>,
    config: &mut Map<String, Json>,
    hidden: u64,
    heads: u64,
    head_dim: u64,
    layers: u64,
) -> Result<(), Error> {
    config.insert("hidden_activation".into(), json!("gelu_pytorch_tanh"));
    config.insert("sliding_window".into(), json!(keys.positive("attention.sliding_window")?));
    config.insert("layer_types".into(), layer_types(keys, layers)?);
    // Files do not say by what queries are scaled. It is the size of a head in all published models but those with
    // 27 billion parameters (46 layers of Gemma 2, 62 of Gemma 3), where it is hidden / heads.
    let largest = layers == if keys.architecture == Gemma2 { 46 } else { 62 };
    let scalar = if largest { hidden / heads } else { head_dim };
    config.insert("query_pre_attn_scalar".into(), json!(scalar));
    // Files of Gemma 2 from before the keys existed are of models with these caps.
    let defaults = if keys.architecture == Gemma2 { (Some(50.0), Some(30.0)) } else { (None, None) };
    let attention = keys.number("attn_logit_softcapping")?.or(defaults.0);
    let output = keys.number("final_logit_softcapping")?.or(defaults.1);
    config.insert("attn_logit_softcapping".into(), json!(attention));
    config.insert("final_logit_softcapping".into(), json!(output));
    if keys.architecture == Gemma3 {
        let local = keys.number("rope.freq_base_swa")?.unwrap_or(10_000.0);
        config.insert("rope_local_base_freq".into(), json!(local));
    }
    Ok(())
}

/// Which layers see a window only: all but every `pattern`-th one, or as the file lists them.
fn layer_types(keys: &Keys<'_>, layers: u64) -> Result<Json, Error> {
    // Each name takes more memory than the layer's number took in the file.
    const MAX_LAYERS: u64 = 1 << 16;
    let name = "attention.sliding_window_pattern";
    if layers > MAX_LAYERS {
        return Err(keys.wrong("block_count", &format!("at most {MAX_LAYERS}"), &layers.to_string()));
    }
    let name_of = |sliding: bool| if sliding { "sliding_attention" } else { "full_attention" };
    let pattern = match keys.gguf.metadata.get(&keys.full(name)) {
        None if keys.architecture == Gemma2 => 2,
        None => 6,
        Some(value) => {
            let wrong = || {
                let expected = format!("a number above 0, or true or false for each of the {layers} layers");
                keys.wrong(name, &expected, &value.describe())
            };
            if let Value::Array(list) = value {
                let list: Option<Vec<bool>> = list.iter().map(Value::as_bool).collect();
                let list = list.filter(|list| list.len() as u64 == layers).ok_or_else(wrong)?;
                return Ok(list.into_iter().map(name_of).collect());
            }
            value.as_u64().filter(|&pattern| pattern > 0).ok_or_else(wrong)?
        }
    };
    Ok((1..=layers).map(|layer| name_of(!layer.is_multiple_of(pattern))).collect())
}

/// Rows of the embedding table, which may have more than there are tokens.
fn vocabulary(keys: &Keys<'_>) -> Result<u64, Error> {
    let embeddings = keys.gguf.tensors.get("token_embd.weight");
    match embeddings.and_then(|info| info.shape.first()) {
        Some(&rows) => Ok(rows as u64),
        None => keys.positive("vocab_size"),
    }
}

#[cfg(test)]
mod tests;
