//! The part of a layer that computes each position by itself.

use tch::Tensor;

use super::experts::Experts;
use super::linear::Linear;
use super::mlp::Mlp;
use super::norm::Norm;
use crate::Error;

/// A feed-forward network.
#[derive(Debug)]
pub(super) enum FeedForward {
    /// One for all positions.
    Dense(Mlp),
    /// Several, of which each position uses a few.
    Experts(Experts),
    /// Both beside each other.
    DenseBesideExperts(Box<DenseBesideExperts>),
}

/// A dense network and experts of the same input, each with norms of its own: `n1(dense(n0(x))) + n3(experts(n2(x)))`. Experts are chosen
/// by `x` itself.
#[derive(Debug)]
pub(super) struct DenseBesideExperts {
    pub(super) before_dense: Norm,
    pub(super) dense: Mlp,
    pub(super) after_dense: Norm,
    pub(super) before_experts: Norm,
    pub(super) experts: Experts,
    pub(super) after_experts: Norm,
}

impl DenseBesideExperts {
    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let dense = self.after_dense.forward(&self.dense.forward(self.before_dense.forward(x)?)?)?;
        let chosen = self.experts.forward_chosen_by(&self.before_experts.forward(x)?, x)?;
        Ok(self.after_experts.forward(&chosen)?.f_add_(&dense)?)
    }
}

impl FeedForward {
    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(&self, x: Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Dense(mlp) => mlp.forward(x),
            Self::Experts(experts) => experts.forward(&x),
            Self::DenseBesideExperts(both) => both.forward(&x),
        }
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> Vec<&Linear> {
        match self {
            Self::Dense(mlp) => mlp.products().into(),
            Self::Experts(experts) => experts.products(),
            Self::DenseBesideExperts(both) => {
                both.dense.products().into_iter().chain(both.experts.products()).collect()
            }
        }
    }
}
