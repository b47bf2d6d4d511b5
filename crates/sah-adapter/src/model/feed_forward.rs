//! The part of a layer that computes each position by itself.

use tch::Tensor;

use super::experts::Experts;
use super::linear::Linear;
use super::mlp::Mlp;
use crate::Error;

/// A feed-forward network.
#[derive(Debug)]
pub(super) enum FeedForward {
    /// One for all positions.
    Dense(Mlp),
    /// Several, of which each position uses a few.
    Experts(Experts),
}

impl FeedForward {
    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(&self, x: Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Dense(mlp) => mlp.forward(x),
            Self::Experts(experts) => experts.forward(&x),
        }
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> Vec<&Linear> {
        match self {
            Self::Dense(mlp) => mlp.products().into(),
            Self::Experts(experts) => experts.products(),
        }
    }
}
