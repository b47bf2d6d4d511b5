//! The part of a layer that brings positions together.

use tch::{Device, Tensor};

use super::attend::Attend;
use super::attention::SelfAttention;
use super::gated_delta::GatedDelta;
use super::linear::Linear;
use super::rope::Rotation;
use crate::Error;

/// What brings positions together in a layer.
#[derive(Debug)]
pub(super) enum Mixer {
    Attention(SelfAttention),
    /// A memory of one size. Maskers and caches of keys have nothing to do with it.
    GatedDelta(GatedDelta),
}

impl Mixer {
    /// Its attention, if it has any.
    pub(super) fn attention(&self) -> Option<&SelfAttention> {
        match self {
            Self::Attention(attention) => Some(attention),
            Self::GatedDelta(_) => None,
        }
    }

    /// Where it is.
    pub(super) fn device(&self) -> Device {
        match self {
            Self::Attention(attention) => attention.qkv.device(),
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
            Self::GatedDelta(layer) => layer.forward(x, sequences),
        }
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> Vec<&Linear> {
        match self {
            Self::Attention(attention) => vec![&attention.qkv, &attention.output],
            Self::GatedDelta(layer) => layer.products().into(),
        }
    }
}
