//! Gemma 3, text only (Gemma Team 2025, arXiv 2503.19786), as `Gemma3ForCausalLM` of Hugging Face transformers defines it:
//! Gemma 2 with norms of heads in place of bounded scores, and rotary embeddings of their own in layers with a window.

use serde::Deserialize;

use super::ConfigFile;
use super::gemma::{Gemma, WINDOW, checked_cap};
use super::rope::{Rope, RopeConfig};
use super::transformer::Transformer;
use super::window::LayerWindows;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that Gemma 2 has too.
#[derive(Debug, Deserialize)]
struct Gemma3Config {
    rope_theta: Option<f64>,
    rope_local_base_freq: Option<f64>,
    #[serde(default = "default_pattern")]
    sliding_window_pattern: usize,
    final_logit_softcapping: Option<f64>,
    attn_logit_softcapping: Option<f64>,
}

/// Every sixth layer reads everything.
fn default_pattern() -> usize {
    6
}

/// Base of the frequencies of a config that has none.
const GLOBAL_THETA: f64 = 1_000_000.0;
const LOCAL_THETA: f64 = 10_000.0;

/// Rotary embeddings of layers without a window, and of those with one.
fn ropes(file: ConfigFile<'_>, config: &Gemma3Config, head_dim: i64) -> Result<[RopeConfig; 2], Error> {
    // Newer versions of transformers write one object for each type of layer.
    if let Some(parameters) = file.object("rope_parameters")? {
        let of = |kind: &str| {
            let own = parameters.object(kind);
            let own = own.ok_or_else(|| parameters.wrong(kind, "an object", "nothing of the kind"))?;
            RopeConfig::from_object(file, head_dim, Some(&own))
        };
        return Ok([of("full_attention")?, of("sliding_attention")?]);
    }
    let global = RopeConfig::read(file, head_dim)?;
    let global = if config.rope_theta.is_some() { global } else { global.with_theta(GLOBAL_THETA) };
    let local_theta = config.rope_local_base_freq.unwrap_or(LOCAL_THETA);
    if !(local_theta.is_finite() && local_theta > 0.0) {
        return Err(file.field("rope_local_base_freq", "a number above 0", local_theta));
    }
    let local = global.unscaled().with_theta(local_theta);
    Ok([global, local])
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let config: Gemma3Config = file.read()?;
    if let Some(cap) = config.attn_logit_softcapping {
        // transformers reads the field and does not apply it.
        return Err(file.unsupported("attn_logit_softcapping", cap, "null"));
    }
    if config.sliding_window_pattern == 0 {
        return Err(file.field("sliding_window_pattern", "at least 1", 0));
    }
    let logit_cap = checked_cap(file, "final_logit_softcapping", config.final_logit_softcapping)?;
    let gemma = Gemma { head_norm: true, logit_cap, ..Gemma::read(file)? };
    let windows = LayerWindows::read(file, gemma.dims.layers, Some(WINDOW))?;
    let width = windows.required_width(file)?;
    let [global, local] = ropes(file, &config, gemma.dims.heads.dim)?;
    gemma.load(
        root,
        global.positions(),
        |device| Ok(vec![Rope::new(global.clone(), device)?, Rope::new(local.clone(), device)?]),
        |layer| {
            let pattern = config.sliding_window_pattern;
            let windowed = windows.is_windowed(layer, |layer| (layer + 1) % pattern != 0);
            if windowed { (Some(width), 1) } else { (None, 0) }
        },
    )
}
