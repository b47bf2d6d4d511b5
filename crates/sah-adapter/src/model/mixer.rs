//! The part of a layer that brings positions together.

use tch::{Device, Kind, Tensor};

use super::attend::Attend;
use super::attention::{KeysAndValues, SelfAttention};
use super::dims::HeadDims;
use super::gated_delta::GatedDelta;
use super::latent_attention::LatentAttention;
use super::linear::Linear;
use super::rope::Rotation;
use crate::Error;

/// What caches, maskers and the limits of a machine know of a layer's attention.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttentionShape {
    pub(super) heads: HeadDims,
    /// Dv.
    pub(super) value_dim: i64,
    /// How many keys a row reads, its own included; `None` for all before it.
    pub(super) window: Option<usize>,
    pub(super) keys: KeysAndValues,
}

/// What brings positions together in a layer.
#[derive(Debug)]
pub(super) enum Mixer {
    Attention(SelfAttention),
    /// Of keys and values that are made of one vector for each token.
    LatentAttention(Box<LatentAttention>),
    /// A memory of one size. Maskers and caches of keys have nothing to do with it.
    GatedDelta(GatedDelta),
}

impl Mixer {
    /// What others know of its attention, if it has any.
    pub(super) fn attention(&self) -> Option<AttentionShape> {
        match self {
            Self::Attention(attention) => Some(AttentionShape {
                heads: attention.heads,
                value_dim: attention.heads.dim,
                window: attention.scores.window,
                keys: attention.keys,
            }),
            Self::LatentAttention(attention) => Some(AttentionShape {
                heads: attention.heads(),
                value_dim: attention.value_dim(),
                window: None,
                keys: KeysAndValues::Projected,
            }),
            Self::GatedDelta(_) => None,
        }
    }

    /// The weights of its output projection, `[hidden, H Dv]` in f32; `None` without attention.
    pub(super) fn output_weights(&self) -> Result<Option<Tensor>, Error> {
        match self {
            Self::Attention(attention) => Ok(Some(attention.output.expanded(Kind::Float)?)),
            Self::LatentAttention(attention) => Ok(Some(attention.output_weights()?)),
            Self::GatedDelta(_) => Ok(None),
        }
    }

    /// Where it is.
    pub(super) fn device(&self) -> Device {
        match self {
            Self::Attention(attention) => attention.qkv.device(),
            Self::LatentAttention(attention) => attention.device(),
            Self::GatedDelta(layer) => layer.device(),
        }
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: Option<&Rotation>,
        sequences: &mut dyn Attend,
    ) -> Result<Tensor, Error> {
        match self {
            Self::Attention(attention) => attention.forward(x, rotation, sequences),
            Self::LatentAttention(attention) => attention.forward(x, rotation, sequences),
            Self::GatedDelta(layer) => layer.forward(x, sequences),
        }
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> Vec<&Linear> {
        match self {
            Self::Attention(attention) => vec![&attention.qkv, &attention.output],
            Self::LatentAttention(attention) => attention.products(),
            Self::GatedDelta(layer) => layer.products().into(),
        }
    }
}
