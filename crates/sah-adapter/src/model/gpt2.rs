//! GPT-2 (Radford et al. 2019), as `modeling_gpt2.py` of Hugging Face transformers defines it: learned positions, layer
//! norms, and projections that are stored transposed (`Conv1D`). `DialoGPT` has this architecture too.

use serde::Deserialize;
use tch::Tensor;

use super::ConfigFile;
use super::activation::Activation;
use super::attend::Scores;
use super::attention::SelfAttention;
use super::dims::{Dims, HeadDims};
use super::linear::Linear;
use super::mlp::Mlp;
use super::norm::Norm;
use super::transformer::{Block, Embedding, Head, Transformer};
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` that decide how the model computes.
#[derive(Debug, Deserialize)]
struct Gpt2Config {
    vocab_size: i64,
    n_positions: i64,
    n_embd: i64,
    n_layer: usize,
    n_head: i64,
    n_inner: Option<i64>,
    #[serde(default = "default_activation")]
    activation_function: String,
    #[serde(default = "default_eps")]
    layer_norm_epsilon: f64,
    #[serde(default = "default_true")]
    scale_attn_weights: bool,
    #[serde(default)]
    scale_attn_by_inverse_layer_idx: bool,
    #[serde(default = "default_true")]
    tie_word_embeddings: bool,
}

fn default_activation() -> String {
    "gelu_new".to_owned()
}

fn default_eps() -> f64 {
    1e-5
}

fn default_true() -> bool {
    true
}

impl Gpt2Config {
    fn dims(&self, file: ConfigFile<'_>) -> Result<Dims, Error> {
        let hidden = self.n_embd;
        if self.n_head < 1 || hidden % self.n_head != 0 {
            return Err(file.field("n_head", format!("a divisor of n_embd, {hidden}"), self.n_head));
        }
        let dims = Dims {
            hidden,
            intermediate: self.n_inner.unwrap_or(hidden.saturating_mul(4)),
            layers: self.n_layer,
            heads: HeadDims::new(hidden, self.n_head, None, None),
            vocabulary: self.vocab_size,
        };
        dims.checked(file)
    }

    fn scores(&self, heads: HeadDims, layer: usize) -> Scores {
        let mut scores = Scores::of_heads(heads, None);
        if !self.scale_attn_weights {
            scores.scale = 1.0;
        }
        if self.scale_attn_by_inverse_layer_idx {
            scores.scale /= (layer + 1) as f64;
        }
        scores
    }
}

fn block(
    path: &WeightPath<'_>,
    dims: &Dims,
    scores: Scores,
    layer: usize,
    (activation, eps): (Activation, f64),
) -> Result<Block, Error> {
    let Dims { hidden, intermediate, heads, .. } = *dims;
    let (attn, mlp) = (path.pp("attn"), path.pp("mlp"));
    let attention = SelfAttention {
        layer,
        heads,
        qkv: Linear::load_conv1d(&attn.pp("c_attn"), hidden, 3 * hidden)?,
        head_norm: None,
        output: Linear::load_conv1d(&attn.pp("c_proj"), hidden, hidden)?,
        scores,
    };
    let mlp = Mlp::Plain {
        up: Linear::load_conv1d(&mlp.pp("c_fc"), hidden, intermediate)?,
        down: Linear::load_conv1d(&mlp.pp("c_proj"), intermediate, hidden)?,
        activation,
    };
    Ok(Block {
        input_norm: Norm::layer(&path.pp("ln_1"), hidden, eps)?,
        attention,
        attention_norm: None,
        mlp_input_norm: Norm::layer(&path.pp("ln_2"), hidden, eps)?,
        mlp,
        mlp_norm: None,
        rope: None,
    })
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints, with `transformer.` before them
/// (as `GPT2LMHeadModel` saves them) or without (as `GPT2Model` does, and the original ones are).
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let config: Gpt2Config = file.read()?;
    let dims = config.dims(file)?;
    let activation = Activation::named(file, "activation_function", &config.activation_function)?;
    if config.n_positions < 1 {
        return Err(file.field("n_positions", "at least 1", config.n_positions));
    }
    let whole = root.pp("transformer");
    let model = if whole.pp("wte").has("weight") { whole } else { root.clone() };
    let eps = config.layer_norm_epsilon;
    let positions: Tensor = model.pp("wpe").tensor("weight", &[config.n_positions, dims.hidden])?;
    let mut embedding = Embedding::tokens(&model.pp("wte"), dims.vocabulary, dims.hidden)?;
    embedding.positions = Some(positions);
    let layers = model.pp("h");
    let blocks = (0..dims.layers)
        .map(|layer| {
            let scores = config.scores(dims.heads, layer);
            block(&layers.layer(layer, dims.layers), &dims, scores, layer, (activation, eps))
        })
        .collect::<Result<_, _>>()?;
    Ok(Transformer {
        ropes: vec![],
        blocks,
        norm: Norm::layer(&model.on_last().pp("ln_f"), dims.hidden, eps)?,
        head: Head::load(root, &embedding, config.tie_word_embeddings)?,
        embedding,
        positions: config.n_positions as usize,
    })
}
