//! What Gemma 2 and 3 have beside the common fields.

use serde_json::{Map, Value as Json, json};

use super::layer_types;
use crate::Error;
use crate::weights::gguf::architecture::Architecture::{Gemma2, Gemma3};
use crate::weights::gguf::keys::Keys;

/// What Gemma 2 and 3 have beside the common fields.
pub(super) fn gemma(
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
