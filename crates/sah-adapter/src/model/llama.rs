//! Llama (Touvron et al. 2023, arXiv 2302.13971; Llama 3, arXiv 2407.21783), as `modeling_llama.py` of Hugging Face
//! transformers defines it. `SmolLM2` has this architecture too.

use sah_attention::{AttentionInputs, AttentionPolicy};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use super::linear::Linear;
use super::rope::{Rope, RopeScaling, Rotation};
use super::{CausalLm, ConfigFile, Step};
use crate::Error;
use crate::cache::{CacheShape, KvCache};
use crate::weights::WeightPath;

/// The fields of `config.json` that decide how the model computes.
#[derive(Debug, Deserialize)]
struct LlamaConfig {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    vocab_size: i64,
    max_position_embeddings: usize,
    rms_norm_eps: f64,
    #[serde(default = "default_rope_theta")]
    rope_theta: f64,
    rope_scaling: Option<RopeScaling>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "default_hidden_act")]
    hidden_act: String,
}

fn default_rope_theta() -> f64 {
    10_000.0
}

fn default_hidden_act() -> String {
    "silu".to_owned()
}

impl LlamaConfig {
    fn from_file(file: ConfigFile<'_>) -> Result<Self, Error> {
        let config: Self = file.read()?;
        for (field, asked) in [("attention_bias", config.attention_bias), ("mlp_bias", config.mlp_bias)] {
            if asked {
                return Err(file.unsupported(field, true, false));
            }
        }
        if config.hidden_act != "silu" {
            return Err(file.unsupported("hidden_act", &config.hidden_act, "silu"));
        }
        let (heads, kv_heads) = (config.num_attention_heads, config.kv_heads());
        if heads < 1 {
            return Err(file.field("num_attention_heads", "at least 1", heads));
        }
        if kv_heads < 1 || heads % kv_heads != 0 {
            return Err(file.field("num_key_value_heads", format!("a divisor of {heads}"), kv_heads));
        }
        if config.head_dim() < 2 || config.head_dim() % 2 != 0 {
            return Err(file.field("head_dim", "an even number", config.head_dim()));
        }
        if config.num_hidden_layers == 0 {
            return Err(file.field("num_hidden_layers", "at least 1", 0));
        }
        Ok(config)
    }

    fn kv_heads(&self) -> i64 {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    fn head_dim(&self) -> i64 {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads)
    }
}

/// Root mean square layer normalisation: `x / sqrt(mean(x^2) + eps) * weight`.
#[derive(Debug)]
struct RmsNorm {
    weight: Tensor,
    eps: f64,
}

impl RmsNorm {
    fn load(path: &WeightPath<'_>, size: i64, eps: f64) -> Result<Self, Error> {
        Ok(Self { weight: path.tensor("weight", &[size])?, eps })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        Ok(x.f_rms_norm(self.weight.size(), Some(&self.weight), self.eps)?)
    }
}

#[derive(Debug)]
struct SelfAttention {
    layer: usize,
    /// Query, key and value projections in one: `[(H + 2 Hkv) D, hidden]`.
    qkv: Linear,
    output: Linear,
    heads: i64,
    kv_heads: i64,
    head_dim: i64,
    scale: f64,
}

impl SelfAttention {
    fn load(path: &WeightPath<'_>, config: &LlamaConfig, layer: usize) -> Result<Self, Error> {
        let (hidden, head_dim) = (config.hidden_size, config.head_dim());
        let (heads, kv_heads) = (config.num_attention_heads, config.kv_heads());
        let query = path.tensor("q_proj.weight", &[heads * head_dim, hidden])?;
        let key = path.tensor("k_proj.weight", &[kv_heads * head_dim, hidden])?;
        let value = path.tensor("v_proj.weight", &[kv_heads * head_dim, hidden])?;
        Ok(Self {
            layer,
            qkv: Linear::new(&[query, key, value])?,
            output: Linear::new(&[path.tensor("o_proj.weight", &[hidden, heads * head_dim])?])?,
            heads,
            kv_heads,
            head_dim,
            scale: 1.0 / (head_dim as f64).sqrt(),
        })
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape and the density.
    fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(Tensor, f64), Error> {
        let rows = x.size()[1];
        let projected = self.qkv.forward(x)?;
        let all = projected.f_view([1, rows, self.heads + 2 * self.kv_heads, self.head_dim])?;
        // Queries and keys are rotated together: half the calls, which count when one token is decoded.
        let rotated = rotation.apply(&all.f_narrow(2, 0, self.heads + self.kv_heads)?)?.f_transpose(1, 2)?;
        let queries = rotated.f_narrow(1, 0, self.heads)?;
        let keys = rotated.f_narrow(1, self.heads, self.kv_heads)?;
        let values = all.f_narrow(2, self.heads + self.kv_heads, self.kv_heads)?.f_transpose(1, 2)?;
        let (keys, values) = cache.append(self.layer, &keys, &values)?;
        let inputs = AttentionInputs::new(&queries, &keys, &values, self.scale)?;
        let attended = attention.attend(self.layer, &inputs)?;
        let merged = attended.output.f_transpose(1, 2)?.f_reshape([1, rows, self.heads * self.head_dim])?;
        Ok((self.output.forward(&merged)?, attended.density))
    }
}

/// `down(silu(gate(x)) * up(x))`.
#[derive(Debug)]
struct Mlp {
    /// Gate and up projections in one: `[2 intermediate, hidden]`.
    gate_up: Linear,
    down: Linear,
    intermediate: i64,
}

impl Mlp {
    fn load(path: &WeightPath<'_>, config: &LlamaConfig) -> Result<Self, Error> {
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        let gate = path.tensor("gate_proj.weight", &[intermediate, hidden])?;
        let up = path.tensor("up_proj.weight", &[intermediate, hidden])?;
        let down = path.tensor("down_proj.weight", &[hidden, intermediate])?;
        Ok(Self { gate_up: Linear::new(&[gate, up])?, down: Linear::new(&[down])?, intermediate })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let both = self.gate_up.forward(x)?;
        let up = both.f_narrow(2, self.intermediate, self.intermediate)?;
        let gated = both.f_narrow(2, 0, self.intermediate)?.f_silu()?.f_mul_(&up)?;
        self.down.forward(&gated)
    }
}

#[derive(Debug)]
struct Block {
    input_norm: RmsNorm,
    attention: SelfAttention,
    post_attention_norm: RmsNorm,
    mlp: Mlp,
}

impl Block {
    fn load(path: &WeightPath<'_>, config: &LlamaConfig, layer: usize) -> Result<Self, Error> {
        let norm = |name: &str| RmsNorm::load(&path.pp(name), config.hidden_size, config.rms_norm_eps);
        Ok(Self {
            input_norm: norm("input_layernorm")?,
            attention: SelfAttention::load(&path.pp("self_attn"), config, layer)?,
            post_attention_norm: norm("post_attention_layernorm")?,
            mlp: Mlp::load(&path.pp("mlp"), config)?,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(Tensor, f64), Error> {
        let (attended, density) =
            self.attention.forward(&self.input_norm.forward(x)?, rotation, cache, attention)?;
        let x = x.f_add(&attended)?;
        let x = self.mlp.forward(&self.post_attention_norm.forward(&x)?)?.f_add_(&x)?;
        Ok((x, density))
    }
}

/// A Llama model with its language modelling head.
#[derive(Debug)]
pub(super) struct Llama {
    embedding: Tensor,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Linear,
    rope: Rope,
    cache_shape: CacheShape,
    positions: usize,
    device: Device,
}

impl Llama {
    /// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
    pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Self, Error> {
        let config = LlamaConfig::from_file(file)?;
        let model = root.pp("model");
        let vocabulary = [config.vocab_size, config.hidden_size];
        let embedding = model.pp("embed_tokens").tensor("weight", &vocabulary)?;
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::load(&model.pp("layers").pp(layer), &config, layer))
            .collect::<Result<_, Error>>()?;
        let norm = RmsNorm::load(&model.pp("norm"), config.hidden_size, config.rms_norm_eps)?;
        let head = if config.tie_word_embeddings {
            Linear::new(&[embedding.shallow_clone()])?
        } else {
            Linear::new(&[root.pp("lm_head").tensor("weight", &vocabulary)?])?
        };
        let (device, kind) = (embedding.device(), embedding.kind());
        let rope = Rope::new(
            file,
            config.rope_theta,
            config.head_dim(),
            config.rope_scaling.as_ref(),
            (kind, device),
        )?;
        let cache_shape = CacheShape {
            layers: config.num_hidden_layers,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
        };
        Ok(Self {
            embedding,
            blocks,
            norm,
            head,
            rope,
            cache_shape,
            positions: config.max_position_embeddings,
            device,
        })
    }
}

impl CausalLm for Llama {
    fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error> {
        let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
        let tokens = Tensor::from_slice(&ids).f_to_device(self.device)?.f_view([1, -1])?;
        let rotation = self.rope.at(cache.length(), ids.len())?;
        let mut x = Tensor::f_embedding(&self.embedding, &tokens, -1, false, false)?;
        let mut density = 0.0;
        for block in &self.blocks {
            let (next, read) = block.forward(&x, &rotation, cache, attention)?;
            x = next;
            density += read;
        }
        cache.advance(ids.len());
        // The logits of all positions but the last are not needed: for a long context they would take gigabytes.
        let last = self.norm.forward(&x.f_narrow(1, ids.len() as i64 - 1, 1)?)?;
        let logits = self.head.forward(&last)?.f_view([-1])?.f_to_kind(Kind::Float)?;
        Ok(Step { logits, density: density / self.blocks.len() as f64 })
    }

    fn cache_shape(&self) -> CacheShape {
        self.cache_shape
    }

    fn positions(&self) -> usize {
        self.positions
    }
}
