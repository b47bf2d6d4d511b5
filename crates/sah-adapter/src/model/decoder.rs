//! What all architectures do: embed tokens, run them through the layers, and give the logits of the last one.

use sah_attention::AttentionPolicy;
use tch::{Device, Kind, Tensor};

use super::attention::SelfAttention;
use super::linear::Linear;
use super::mlp::Mlp;
use super::norm::Norm;
use super::rope::{Rope, Rotation};
use super::{CausalLm, ModelSizes, Step};
use crate::Error;
use crate::cache::{CacheShape, KvCache};
use crate::weights::WeightPath;

/// A decoder-only transformer with its language modelling head.
#[derive(Debug)]
pub(super) struct Decoder {
    pub(super) embedding: Embedding,
    /// The rotary embeddings that layers choose from.
    pub(super) ropes: Vec<Rope>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Norm,
    pub(super) head: Head,
    /// How many positions the model was made for.
    pub(super) positions: usize,
}

/// From token ids to the residual stream.
#[derive(Debug)]
pub(super) struct Embedding {
    /// `[vocabulary, hidden]`.
    pub(super) tokens: Tensor,
    /// Learned positions, `[positions, hidden]`, which are added.
    pub(super) positions: Option<Tensor>,
    /// Factor of the tokens' vectors, in their kind.
    pub(super) scale: Option<Tensor>,
}

/// From the residual stream to logits.
#[derive(Debug)]
pub(super) struct Head {
    /// `[vocabulary, hidden]`.
    pub(super) linear: Linear,
    /// Bound of the logits: `cap * tanh(l / cap)`.
    pub(super) soft_cap: Option<f64>,
}

/// One layer: attention, then the MLP, each on a normalised residual stream and added to it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) input_norm: Norm,
    pub(super) attention: SelfAttention,
    /// Of what attention gives, before it is added.
    pub(super) attention_norm: Option<Norm>,
    pub(super) mlp_input_norm: Norm,
    pub(super) mlp: Mlp,
    /// Of what the MLP gives, before it is added.
    pub(super) mlp_norm: Option<Norm>,
    /// Which of the decoder's rotary embeddings it uses; `None` for none.
    pub(super) rope: Option<usize>,
}

impl Embedding {
    /// Tokens alone, from the tensor `weight`.
    pub(super) fn tokens(path: &WeightPath<'_>, vocabulary: i64, hidden: i64) -> Result<Self, Error> {
        Ok(Self { tokens: path.tensor("weight", &[vocabulary, hidden])?, positions: None, scale: None })
    }

    /// `[1, Q, hidden]` of `ids`, which stand at `start` and after.
    fn forward(&self, ids: &[u32], start: usize) -> Result<Tensor, Error> {
        let vocabulary = self.tokens.size()[0];
        let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
        if let Some(&id) = ids.iter().find(|&&id| id >= vocabulary) {
            return Err(Error::TokenId { id: id as u32, vocabulary: vocabulary as usize });
        }
        let tokens = Tensor::f_from_slice(&ids)?.f_to_device(self.tokens.device())?.f_view([1, -1])?;
        let mut x = Tensor::f_embedding(&self.tokens, &tokens, -1, false, false)?;
        if let Some(scale) = &self.scale {
            x = x.f_mul_(scale)?;
        }
        if let Some(positions) = &self.positions {
            let (room, end) = (positions.size()[0] as usize, start + ids.len());
            if end > room {
                return Err(Error::CacheFull { capacity: room, needed: end });
            }
            x = x.f_add_(&positions.f_narrow(0, start as i64, ids.len() as i64)?)?;
        }
        Ok(x)
    }
}

impl Head {
    /// The head of `root`, or the embedding itself where they are tied.
    pub(super) fn load(root: &WeightPath<'_>, embedding: &Embedding, tied: bool) -> Result<Self, Error> {
        let tokens = &embedding.tokens;
        let last = root.on_last();
        let linear = if tied {
            Linear::new(&tokens.f_to_device(last.device())?, None)?
        } else {
            Linear::new(&last.pp("lm_head").tensor("weight", &tokens.size())?, None)?
        };
        Ok(Self { linear, soft_cap: None })
    }

    /// Logits `[vocabulary]` in f32 of one position, `[1, 1, hidden]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let mut logits = self.linear.forward(x)?.f_view([-1])?.f_to_kind(Kind::Float)?;
        match self.soft_cap {
            None => Ok(logits),
            Some(cap) => Ok(logits.f_div_scalar_(cap)?.f_tanh_()?.f_mul_scalar_(cap)?),
        }
    }
}

impl Block {
    fn device(&self) -> Device {
        self.attention.qkv.device()
    }

    fn forward(
        &self,
        x: &Tensor,
        rotations: &[Rotation],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(Tensor, f64), Error> {
        let normed = |norm: &Option<Norm>, x: Tensor| match norm {
            None => Ok(x),
            Some(norm) => norm.forward(&x),
        };
        let rotation = self.rope.map(|rope| &rotations[rope]);
        let (attended, density) =
            self.attention.forward(&self.input_norm.forward(x)?, rotation, cache, attention)?;
        let x = normed(&self.attention_norm, attended)?.f_add_(x)?;
        let out = self.mlp.forward(&self.mlp_input_norm.forward(&x)?)?;
        Ok((normed(&self.mlp_norm, out)?.f_add_(&x)?, density))
    }
}

impl CausalLm for Decoder {
    fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error> {
        let (start, count) = (cache.length(), ids.len());
        let length = cache.expected_length().max(start + count);
        let mut rotations: Vec<Rotation> =
            self.ropes.iter().map(|rope| rope.at(start, count, length)).collect::<Result<_, _>>()?;
        let mut x = self.embedding.forward(ids, start)?;
        let mut density = 0.0;
        for block in &self.blocks {
            if block.device() != x.device() {
                x = x.f_to_device(block.device())?;
                rotations = rotations
                    .iter()
                    .map(|rotation| rotation.to_device(block.device()))
                    .collect::<Result<_, _>>()?;
            }
            let (next, read) = block.forward(&x, &rotations, cache, attention)?;
            x = next;
            density += read;
        }
        cache.advance(count);
        // The logits of all positions but the last are not needed: for a long context they would take gigabytes.
        let last = x.f_narrow(1, count as i64 - 1, 1)?.f_to_device(self.head.linear.device())?;
        let last = self.norm.forward(&last)?;
        Ok(Step { logits: self.head.forward(&last)?, density: density / self.blocks.len() as f64 })
    }

    fn cache_shape(&self) -> CacheShape {
        let heads = self.blocks[0].attention.heads;
        let layers = self.blocks.iter().map(Block::device).collect();
        CacheShape { layers, kv_heads: heads.kv, head_dim: heads.dim }
    }

    fn positions(&self) -> usize {
        self.positions
    }

    fn sizes(&self) -> ModelSizes {
        ModelSizes::of(self)
    }
}
