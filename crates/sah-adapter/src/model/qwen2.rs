//! Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671), as `modeling_qwen2.py` of Hugging Face transformers defines
//! it: Llama with biases of queries, keys and values, and, where the config switches it on, a sliding window in the upper
//! layers.

use serde::Deserialize;

use super::ConfigFile;
use super::llama_block::LlamaLike;
use super::transformer::Transformer;
use super::window::LayerWindows;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` that decide on windows, in Qwen2 and Qwen3.
#[derive(Debug, Deserialize)]
struct WindowConfig {
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default = "default_max_window_layers")]
    max_window_layers: usize,
}

fn default_max_window_layers() -> usize {
    28
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let config = LlamaLike { qkv_bias: true, ..LlamaLike::read(file, None)? };
    config.load(file, root, windows(file, config.dims.layers)?)
}

/// The window of each layer, as Qwen2 and Qwen3 have them: where they are switched on, `sliding_window` in the layers
/// from `max_window_layers` on, or in those that `layer_types` names.
pub(super) fn windows(file: ConfigFile<'_>, layers: usize) -> Result<impl Fn(usize) -> Option<usize>, Error> {
    let config: WindowConfig = file.read()?;
    let windows = LayerWindows::read(file, layers, config.use_sliding_window.then_some(4096))?;
    if !config.use_sliding_window && windows.lists_windows() {
        return Err(file.field("use_sliding_window", "true, as layer_types has sliding_attention", false));
    }
    Ok(move |layer| {
        let windowed = windows.is_windowed(layer, |layer| layer >= config.max_window_layers);
        windows.width().filter(|_| config.use_sliding_window && windowed)
    })
}
