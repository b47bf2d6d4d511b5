//! The metadata of a GGUF file in the shape of Hugging Face's `config.json`.

mod delta;
mod experts;
mod gemma;
mod gemma4;
mod refuse;
mod windows;

use serde_json::{Map, Value as Json, json};

use super::architecture::Architecture;
use super::keys::Keys;
use super::reader::Gguf;
use super::rope::rope_scaling;
use crate::Error;
use delta::delta;
use experts::experts;
use gemma::gemma;
use gemma4::gemma4;
use refuse::refuse_other_models;
use windows::{layer_types, name_of_type, windowed, windows};

use Architecture::{
    Cohere2, Ernie45, Exaone4, Gemma2, Gemma3, Gemma4, Glm4, Glm4Moe, Gpt2, GptOss, Granite, HunyuanDense,
    Llama, Ministral3, Mistral, Mixtral, Olmo2, Olmo3, Phi3, Qwen2, Qwen2Moe, Qwen3, Qwen3Moe, Qwen3Next,
    Qwen35, Qwen35Moe, SeedOss, SmolLm3,
};

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
    let mut config = match architecture {
        Gpt2 => gpt2(&keys)?,
        Gemma4 => gemma4(&keys)?,
        _ => rotary(&keys)?,
    };
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
    let layers = layers(keys)?;
    let kv_heads = keys.integer("attention.head_count_kv")?.unwrap_or(heads);
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
        let expected = format!("a divisor of the {heads} query heads");
        return Err(keys.wrong("attention.head_count_kv", &expected, &kv_heads.to_string()));
    }
    let head_dim = head_dim(keys, "", Some(hidden / heads))?;
    let mut config = Map::from_iter([
        ("hidden_size".to_owned(), json!(hidden)),
        ("num_hidden_layers".to_owned(), json!(layers)),
        ("num_attention_heads".to_owned(), json!(heads)),
        ("num_key_value_heads".to_owned(), json!(kv_heads)),
        ("head_dim".to_owned(), json!(head_dim)),
        ("max_position_embeddings".to_owned(), json!(keys.positive("context_length")?)),
        ("rope_theta".to_owned(), json!(keys.number("rope.freq_base")?.unwrap_or(10_000.0))),
        ("rope_scaling".to_owned(), rope_scaling(keys)?),
    ]);
    let mut insert = |field: &str, value: Json| config.insert(field.to_owned(), value);
    // Where all layers have experts, the width of a network without is not said.
    if keys.architecture != Qwen35Moe || keys.integer("feed_forward_length")?.is_some() {
        insert("intermediate_size", json!(keys.positive("feed_forward_length")?));
    }
    if keys.architecture == Cohere2 {
        insert("layer_norm_eps", json!(keys.required_number("attention.layer_norm_epsilon")?));
    } else {
        insert("rms_norm_eps", json!(keys.required_number("attention.layer_norm_rms_epsilon")?));
    }
    let rotary = keys.integer("rope.dimension_count")?.unwrap_or(head_dim);
    // Where Hugging Face takes another share for one that is not said.
    let is_partial = matches!(keys.architecture, Glm4 | Glm4Moe) || keys.architecture.has_delta_rule();
    if is_partial || rotary != head_dim {
        insert("partial_rotary_factor", json!(rotary as f64 / head_dim as f64));
    }
    match keys.architecture {
        Gemma2 | Gemma3 => gemma(keys, &mut config, hidden, heads, head_dim, layers)?,
        _ => {
            config.insert("hidden_act".into(), json!("silu"));
        }
    }
    biases(keys, &mut config);
    particular(keys, &mut config, layers, head_dim)?;
    if keys.architecture.has_experts() {
        experts(keys, &mut config)?;
    }
    if keys.architecture.has_delta_rule() {
        delta(keys, &mut config, layers)?;
    }
    Ok(config)
}

/// The width of a head of keys, and of values, by the keys that end in `kind`. `default` is that of files without.
fn head_dim(keys: &Keys<'_>, kind: &str, default: Option<u64>) -> Result<u64, Error> {
    let name = format!("attention.key_length{kind}");
    let expected = "an even number above 0";
    let dim = keys.metadata.required(&keys.full(&name), expected, keys.integer(&name)?.or(default))?;
    if dim == 0 || dim % 2 == 1 {
        return Err(keys.wrong(&name, expected, &dim.to_string()));
    }
    let name = format!("attention.value_length{kind}");
    match keys.integer(&name)?.filter(|&length| length != dim) {
        None => Ok(dim),
        Some(other) => Err(keys.wrong(&name, &format!("the length of a key, {dim}"), &other.to_string())),
    }
}

/// The layers of the model: those of the file without the ones that predict further tokens.
fn layers(keys: &Keys<'_>) -> Result<u64, Error> {
    let (all, name) = (keys.positive("block_count")?, "nextn_predict_layers");
    let further = keys.integer(name)?.unwrap_or(0);
    if further >= all {
        let expected = format!("fewer than the {all} of block_count");
        return Err(keys.wrong(name, &expected, &further.to_string()));
    }
    Ok(all - further)
}

/// Which projections have biases, as the tensors say.
fn biases(keys: &Keys<'_>, config: &mut Map<String, Json>) {
    let qkv = keys.has_bias(&["attn_q", "attn_k", "attn_v"]);
    let output = keys.has_bias(&["attn_output"]);
    let mlp = keys.has_bias(&["ffn_gate", "ffn_up", "ffn_down"]);
    let mut insert = |field: &str, value: bool| config.insert(field.to_owned(), json!(value));
    match keys.architecture {
        Llama | Granite | SmolLm3 => {
            insert("attention_bias", qkv || output);
            insert("mlp_bias", mlp);
        }
        SeedOss => {
            insert("attention_bias", qkv);
            insert("attention_out_bias", output);
            insert("mlp_bias", mlp);
        }
        Ernie45 => {
            insert("use_bias", qkv || output || mlp);
        }
        Qwen3 | Qwen3Moe | Qwen3Next | Qwen35 | Qwen35Moe | Gemma2 | Gemma3 | GptOss | Glm4 | Glm4Moe
        | Olmo2 | Olmo3 | Cohere2 | HunyuanDense => {
            insert("attention_bias", qkv || output);
        }
        Qwen2 | Qwen2Moe | Gpt2 | Phi3 | Mixtral | Mistral | Ministral3 | Exaone4 | Gemma4 => {}
    }
}

/// What some architectures have beside the common fields.
fn particular(
    keys: &Keys<'_>,
    config: &mut Map<String, Json>,
    layers: u64,
    head_dim: u64,
) -> Result<(), Error> {
    match keys.architecture {
        Phi3 => phi3(keys, config)?,
        // Converters leave their windows out.
        Mixtral | Mistral | Ministral3 => {
            config.insert("sliding_window".into(), Json::Null);
        }
        Granite => {
            let scores = keys.number("attention.scale")?.filter(|scale| scale.abs() > 0.0);
            let scores = scores.unwrap_or(1.0 / (head_dim as f64).sqrt());
            config.insert("attention_multiplier".into(), json!(scores));
            for (ours, theirs) in
                [("embedding_multiplier", "embedding_scale"), ("residual_multiplier", "residual_scale")]
            {
                let factor = keys.number(theirs)?.filter(|factor| factor.abs() > 0.0);
                config.insert(ours.into(), json!(factor.unwrap_or(1.0)));
            }
            config.insert("logits_scaling".into(), json!(keys.required_number("logit_scale")?));
        }
        // llama.cpp knows it of the architecture.
        SmolLm3 => {
            config.insert("no_rope_layer_interval".into(), json!(4));
        }
        Cohere2 => {
            windows(keys, config, layers)?;
            config.insert("logit_scale".into(), json!(keys.required_number("logit_scale")?));
        }
        GptOss | Olmo3 | Exaone4 => windows(keys, config, layers)?,
        Glm4Moe => {
            let norms = keys.has_tensor_in_a_layer("attn_q_norm.weight");
            config.insert("use_qk_norm".into(), json!(norms));
        }
        _ => {}
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

/// Rows of the embedding table, which may have more than there are tokens.
fn vocabulary(keys: &Keys<'_>) -> Result<u64, Error> {
    match rows_of(keys, "token_embd.weight") {
        Some(rows) => Ok(rows),
        None => keys.positive("vocab_size"),
    }
}

fn rows_of(keys: &Keys<'_>, tensor: &str) -> Option<u64> {
    keys.gguf.tensors.get(tensor)?.shape.first().map(|&rows| rows as u64)
}

#[cfg(test)]
mod tests;
