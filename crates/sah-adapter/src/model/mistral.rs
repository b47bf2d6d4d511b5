//! Mistral (Jiang et al. 2023, arXiv 2310.06825), as `modeling_mistral.py` of Hugging Face transformers defines it: Llama
//! with a sliding window in every layer, or with none.

use serde::Deserialize;

use super::ConfigFile;
use super::llama_block::LlamaLike;
use super::transformer::Transformer;
use super::window::checked_window;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that all architectures of this kind have.
#[derive(Debug, Deserialize)]
struct MistralConfig {
    /// Null for none. Absent, it is that of the first model, as in transformers.
    #[serde(default = "default_window")]
    sliding_window: Option<i64>,
}

#[expect(clippy::unnecessary_wraps, reason = "null means something else than an absent field")]
fn default_window() -> Option<i64> {
    Some(4096)
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let MistralConfig { sliding_window } = file.read()?;
    let window = checked_window(file, sliding_window)?;
    LlamaLike::read(file, None)?.load(file, root, |_| window)
}
