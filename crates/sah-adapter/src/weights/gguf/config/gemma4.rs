//! The configuration of Gemma 4, in which layers with a window and without have other heads and rotary embeddings.

use serde_json::{Map, Value as Json, json};

use super::experts::experts;
use super::{head_dim, layers, name_of_type, rows_of, vocabulary, windowed};
use crate::Error;
use crate::weights::gguf::keys::Keys;
use crate::weights::gguf::rope::proportional;

/// The configuration of Gemma 4.
pub(super) fn gemma4(keys: &Keys<'_>) -> Result<Map<String, Json>, Error> {
    let layers = layers(keys)?;
    let is_windowed = windowed(keys, layers)?;
    if is_windowed.last() == Some(&true) {
        let expected = "false for the last layer, which has no window in transformers";
        return Err(keys.wrong("attention.sliding_window_pattern", expected, "true"));
    }
    let own = own_keys(keys, layers)?;
    let (dense, is_wide) = widths(keys, layers, own)?;
    let (global_dim, dim) = (head_dim(keys, "", None)?, head_dim(keys, "_swa", None)?);
    let (kv, others) = kv_heads(keys, &is_windowed, global_dim)?;
    let has_values = |layer: usize| keys.has_tensor(&format!("blk.{layer}.attn_v.weight"));
    let mut global = (0..own).filter(|&layer| !is_windowed[layer]).peekable();
    let has_one_projection = global.peek().is_some() && !global.any(has_values);
    let inputs = keys.integer("embedding_length_per_layer_input")?.unwrap_or(0);
    let has_experts = keys.integer("expert_count")?.is_some_and(|experts| experts > 0);
    let types: Vec<&str> = is_windowed.iter().copied().map(name_of_type).collect();
    let mut config = Map::from_iter([
        ("hidden_size".to_owned(), json!(keys.positive("embedding_length")?)),
        ("hidden_activation".to_owned(), json!("gelu_pytorch_tanh")),
        ("num_hidden_layers".to_owned(), json!(layers)),
        ("num_attention_heads".to_owned(), json!(keys.positive("attention.head_count")?)),
        ("num_key_value_heads".to_owned(), json!(kv)),
        ("head_dim".to_owned(), json!(dim)),
        ("per_layer_config".to_owned(), Json::Object(others)),
        ("layer_types".to_owned(), json!(types)),
        ("sliding_window".to_owned(), json!(keys.positive("attention.sliding_window")?)),
        ("num_kv_shared_layers".to_owned(), json!(layers - own as u64)),
        ("attention_k_eq_v".to_owned(), json!(has_one_projection)),
        ("attention_bias".to_owned(), json!(keys.has_bias(&["attn_q", "attn_k", "attn_v", "attn_output"]))),
        ("intermediate_size".to_owned(), json!(dense)),
        ("use_double_wide_mlp".to_owned(), json!(is_wide)),
        ("hidden_size_per_layer_input".to_owned(), json!(inputs)),
        ("enable_moe_block".to_owned(), json!(has_experts)),
        ("max_position_embeddings".to_owned(), json!(keys.positive("context_length")?)),
        ("rms_norm_eps".to_owned(), json!(keys.required_number("attention.layer_norm_rms_epsilon")?)),
        ("final_logit_softcapping".to_owned(), json!(keys.number("final_logit_softcapping")?)),
        ("rope_parameters".to_owned(), rotary(keys, global_dim, dim)?),
    ]);
    if inputs > 0 {
        let rows = match rows_of(keys, "per_layer_token_embd.weight") {
            Some(rows) => rows,
            None => vocabulary(keys)?,
        };
        config.insert("vocab_size_per_layer_input".into(), json!(rows));
    }
    if has_experts {
        experts(keys, &mut config)?;
    }
    Ok(config)
}

/// How many layers have keys of their own: all but the last ones.
fn own_keys(keys: &Keys<'_>, layers: u64) -> Result<usize, Error> {
    let name = "attention.shared_kv_layers";
    match keys.integer(name)?.unwrap_or(0) {
        shared if shared < layers => Ok((layers - shared) as usize),
        shared => Err(keys.wrong(name, &format!("fewer than the {layers} layers"), &shared.to_string())),
    }
}

/// The width inside the dense network of a layer, and whether it is twice as much in those that read the keys of earlier ones.
fn widths(keys: &Keys<'_>, layers: u64, own: usize) -> Result<(u64, bool), Error> {
    let name = "feed_forward_length";
    let widths = keys.of_layers(name, layers)?;
    let dense = widths[0];
    let is_wide = widths.last() != Some(&dense);
    let expected = |layer: usize| if is_wide && layer >= own { dense.saturating_mul(2) } else { dense };
    match widths.iter().enumerate().find(|(layer, width)| **width != expected(*layer)) {
        None => Ok((dense, is_wide)),
        Some((layer, width)) => {
            let expected = format!("{} in layer {layer}, as layer 0 has {dense}", expected(layer));
            Err(keys.wrong(name, &expected, &width.to_string()))
        }
    }
}

/// Heads of keys in layers with a window, and `per_layer_config` of the others, whose heads are `global_dim` wide.
fn kv_heads(
    keys: &Keys<'_>,
    is_windowed: &[bool],
    global_dim: u64,
) -> Result<(u64, Map<String, Json>), Error> {
    let name = "attention.head_count_kv";
    let queries = keys.positive("attention.head_count")?;
    let all = keys.of_layers(name, is_windowed.len() as u64)?;
    if let Some(wrong) = all.iter().find(|&&heads| !queries.is_multiple_of(heads)) {
        let expected = format!("divisors of the {queries} query heads");
        return Err(keys.wrong(name, &expected, &wrong.to_string()));
    }
    let of_type = |windowed: bool| {
        let mut heads =
            all.iter().zip(is_windowed).filter(|(_, is)| **is == windowed).map(|(heads, _)| *heads);
        let Some(first) = heads.next() else { return Ok(None) };
        match heads.find(|&other| other != first) {
            None => Ok(Some(first)),
            Some(other) => {
                let expected = format!("{first} in all layers of type {}", name_of_type(windowed));
                Err(keys.wrong(name, &expected, &other.to_string()))
            }
        }
    };
    let global = of_type(false)?;
    let kv = of_type(true)?.or(global).unwrap_or(queries);
    let mut heads = Map::from_iter([("head_dim".to_owned(), json!(global_dim))]);
    if let Some(global) = global.filter(|&global| global != kv) {
        heads.insert("num_key_value_heads".into(), json!(global));
    }
    let global = is_windowed.iter().enumerate().filter(|(_, is_windowed)| !**is_windowed);
    Ok((kv, global.map(|(layer, _)| (layer.to_string(), Json::Object(heads.clone()))).collect()))
}

/// The rotary embeddings of both types of layers.
fn rotary(keys: &Keys<'_>, global_dim: u64, dim: u64) -> Result<Json, Error> {
    let name = "rope.scaling.type";
    if let Some(kind) = keys.metadata.text(&keys.full(name))?.filter(|&kind| kind != "none") {
        return Err(keys.metadata.unsupported(&keys.full(name), kind, "none"));
    }
    let name = "rope.dimension_count";
    if let Some(rotated) = keys.integer(name)?.filter(|&rotated| rotated != global_dim) {
        let expected = format!("attention.key_length, {global_dim}, as rope_freqs says which are rotated");
        return Err(keys.wrong(name, &expected, &rotated.to_string()));
    }
    let mut global = proportional(keys, global_dim)?;
    global["rope_theta"] = json!(keys.required_number("rope.freq_base")?);
    let mut local =
        json!({ "rope_type": "default", "rope_theta": keys.required_number("rope.freq_base_swa")? });
    if let Some(rotated) = keys.integer("rope.dimension_count_swa")?.filter(|&rotated| rotated != dim) {
        local["partial_rotary_factor"] = json!(rotated as f64 / dim as f64);
    }
    Ok(json!({ "full_attention": global, "sliding_attention": local }))
}
