//! GPT-2 (Radford et al. 2019), as `modeling_gpt2.py` of Hugging Face transformers defines it: learned positions, layer
//! norms, and projections that are stored transposed (`Conv1D`). `DialoGPT` has this architecture too.

use tch::Tensor;

use super::ConfigFile;
use super::activation::Activation;
use super::attend::Scores;
use super::attention::{KeysAndValues, OutputGate, SelfAttention};
use super::dims::{Dims, HeadDims};
use super::feed_forward::FeedForward;
use super::linear::Linear;
use super::mixer::Mixer;
use super::mlp::Mlp;
use super::norm::Norm;
use super::rope::RopeConfig;
use super::spec::Build;
use super::tie::Tie;
use super::transformer::{Block, BlockNorms, Embedding, FeedForwardInput, Head, Transformer};
use crate::Error;
use crate::weights::WeightPath;

/// A GPT-2 model, checked.
#[derive(Clone, Debug)]
struct Gpt2 {
    dims: Dims,
    positions: i64,
    activation: Activation,
    layer_norm_epsilon: f64,
    /// Factor of the scores is `1 / sqrt(D)`, else 1.
    scale_attn_weights: bool,
    /// The factor is divided by the layer's number, from 1 on.
    scale_attn_by_inverse_layer_idx: bool,
    tie: Tie,
}

/// Of a field that has two names, the one that is there.
fn either<'n>(file: &ConfigFile<'_>, name: &'n str, general: &'n str) -> &'n str {
    if file.get(name).is_none() && file.get(general).is_some() { general } else { name }
}

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let hidden = file.size(either(file, "n_embd", "hidden_size"), 768);
    let mut query = file.size(either(file, "n_head", "num_attention_heads"), 12);
    if hidden % query != 0 {
        file.wrong("n_head", format!("a divisor of n_embd, {hidden}"), query);
        query = 1;
    }
    if let Some(rope) = file.given_rope() {
        file.problem(Error::NoEffect {
            given: rope.name.clone(),
            reason: "positions of gpt2 are learned, not rotary".to_owned(),
        });
    }
    Box::new(Gpt2 {
        dims: Dims {
            hidden,
            intermediate: file.optional_size("n_inner").unwrap_or(hidden * 4),
            layers: Dims::layers(file, either(file, "n_layer", "num_hidden_layers"), 12),
            heads: HeadDims { query, kv: query, dim: hidden / query },
            vocabulary: file.size("vocab_size", 50_257),
        },
        positions: file.size(either(file, "n_positions", "max_position_embeddings"), 1024),
        activation: Activation::read(file, "activation_function", "gelu_new"),
        layer_norm_epsilon: file.number("layer_norm_epsilon", 1e-5),
        scale_attn_weights: file.bool("scale_attn_weights", true),
        scale_attn_by_inverse_layer_idx: file.bool("scale_attn_by_inverse_layer_idx", false),
        tie: Tie::read(file, true),
    })
}

impl Gpt2 {
    fn scores(&self, layer: usize) -> Scores {
        let mut scores = Scores::of_heads(self.dims.heads, None);
        if !self.scale_attn_weights {
            scores.scale = 1.0;
        }
        if self.scale_attn_by_inverse_layer_idx {
            scores.scale /= (layer + 1) as f64;
        }
        scores
    }

    fn block(&self, path: &WeightPath<'_>, layer: usize) -> Result<Block, Error> {
        let Dims { hidden, intermediate, heads, .. } = self.dims;
        let (attn, mlp, eps) = (path.pp("attn"), path.pp("mlp"), self.layer_norm_epsilon);
        let attention = SelfAttention {
            layer,
            heads,
            qkv: Linear::load_conv1d(&attn.pp("c_attn"), hidden, 3 * hidden)?,
            keys: KeysAndValues::Projected,
            head_norm: None,
            gate: OutputGate::Open,
            output: Linear::load_conv1d(&attn.pp("c_proj"), hidden, hidden)?,
            scores: self.scores(layer),
        };
        let mlp = Mlp::Plain {
            up: Linear::load_conv1d(&mlp.pp("c_fc"), hidden, intermediate)?,
            down: Linear::load_conv1d(&mlp.pp("c_proj"), intermediate, hidden)?,
            activation: self.activation,
        };
        Ok(Block {
            mixer: Mixer::Attention(attention),
            feed_forward: FeedForward::Dense(mlp),
            norms: BlockNorms {
                before_attention: Some(Norm::layer(&path.pp("ln_1"), hidden, eps)?),
                after_attention: None,
                before_feed_forward: FeedForwardInput::AfterAttention(Some(Norm::layer(
                    &path.pp("ln_2"),
                    hidden,
                    eps,
                )?)),
                after_feed_forward: None,
            },
            residual_scale: None,
            rope: None,
            input: None,
            scale: None,
        })
    }
}

impl Build for Gpt2 {
    fn build(&self, root: &WeightPath<'_>) -> Result<Transformer, Error> {
        let Dims { hidden, vocabulary, layers, .. } = self.dims;
        let model = root.pp("transformer");
        let positions: Tensor = model.pp("wpe").tensor("weight", &[self.positions, hidden])?;
        let mut embedding = Embedding::tokens(&model.pp("wte"), vocabulary, hidden)?;
        embedding.positions = Some(positions);
        let blocks = model.pp("h");
        let blocks = blocks.layers(layers, |path, layer| self.block(path, layer))?;
        Ok(Transformer {
            ropes: vec![],
            blocks,
            norm: Norm::layer(&model.on_last().pp("ln_f"), hidden, self.layer_norm_epsilon)?,
            head: Head::load(root, &embedding, self.tie)?,
            embedding,
            layer_inputs: None,
            positions: self.positions(),
        })
    }

    fn ropes(&self) -> &[RopeConfig] {
        &[]
    }

    fn positions(&self) -> usize {
        self.positions as usize
    }
}
