//! Gemma 2 (Gemma Team 2024, arXiv 2408.00118), as `modeling_gemma2.py` of Hugging Face transformers defines it: bounded
//! scores and logits, and a sliding window in every second layer, from the first on.

use serde::Deserialize;

use super::ConfigFile;
use super::gemma::{Gemma, WINDOW, checked_cap};
use super::rope::{Rope, RopeConfig};
use super::transformer::Transformer;
use super::window::LayerWindows;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that Gemma 3 has too. Null bounds nothing.
#[derive(Debug, Deserialize)]
struct Gemma2Config {
    #[serde(default = "default_attention_cap")]
    attn_logit_softcapping: Option<f64>,
    #[serde(default = "default_logit_cap")]
    final_logit_softcapping: Option<f64>,
}

#[expect(clippy::unnecessary_wraps, reason = "null means something else than an absent field")]
fn default_attention_cap() -> Option<f64> {
    Some(50.0)
}

#[expect(clippy::unnecessary_wraps, reason = "null means something else than an absent field")]
fn default_logit_cap() -> Option<f64> {
    Some(30.0)
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let caps: Gemma2Config = file.read()?;
    let gemma = Gemma {
        attention_cap: checked_cap(file, "attn_logit_softcapping", caps.attn_logit_softcapping)?,
        logit_cap: checked_cap(file, "final_logit_softcapping", caps.final_logit_softcapping)?,
        ..Gemma::read(file)?
    };
    let windows = LayerWindows::read(file, gemma.dims.layers, Some(WINDOW))?;
    let width = windows.required_width(file)?;
    let rope = RopeConfig::read(file, gemma.dims.heads.dim)?;
    gemma.load(
        root,
        rope.positions(),
        |device| Ok(vec![Rope::new(rope.clone(), device)?]),
        |layer| {
            let windowed = windows.is_windowed(layer, |layer| layer % 2 == 0);
            (windowed.then_some(width), 0)
        },
    )
}
