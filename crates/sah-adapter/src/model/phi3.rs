//! Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv 2404.14219; 2025, arXiv 2503.01743), as `modeling_phi3.py` of Hugging
//! Face transformers defines it: Llama with fused projections, partly rotated heads and `longrope`.

use serde::Deserialize;

use super::ConfigFile;
use super::attend::Scores;
use super::attention::{SelfAttention, output_projection};
use super::dims::Dims;
use super::linear::Linear;
use super::llama_block::LlamaLike;
use super::mlp::Mlp;
use super::rope::RopeConfig;
use super::transformer::{Block, Transformer};
use super::window::checked_window;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that all architectures of this kind have.
#[derive(Debug, Deserialize)]
struct Phi3Config {
    sliding_window: Option<i64>,
}

fn block(
    path: &WeightPath<'_>,
    config: &LlamaLike,
    layer: usize,
    window: Option<usize>,
) -> Result<Block, Error> {
    let Dims { hidden, intermediate, heads, .. } = config.dims;
    let own = path.pp("self_attn");
    let attention = SelfAttention {
        layer,
        heads,
        qkv: Linear::load(&own, &[("qkv_proj", heads.query_width() + 2 * heads.kv_width())], hidden, false)?,
        head_norm: None,
        output: output_projection(&own, hidden, heads, false)?,
        scores: Scores::of_heads(heads, window),
    };
    let mlp = path.pp("mlp");
    let mlp = Mlp::Gated {
        gate_up: Linear::load(&mlp, &[("gate_up_proj", 2 * intermediate)], hidden, false)?,
        down: Linear::load(&mlp, &[("down_proj", hidden)], intermediate, false)?,
        activation: config.activation,
    };
    config.block_of(path, attention, mlp)
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let config = LlamaLike::read(file, None)?;
    let window = checked_window(file, file.read::<Phi3Config>()?.sliding_window)?;
    let rope = RopeConfig::read(file, config.dims.heads.dim)?;
    let layers = root.pp("model.layers");
    config.load_with(rope, root, |layer| {
        block(&layers.layer(layer, config.dims.layers), &config, layer, window)
    })
}
