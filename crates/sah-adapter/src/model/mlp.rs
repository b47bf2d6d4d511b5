//! The feed-forward part of a layer.

use tch::Tensor;

use super::activation::Activation;
use super::linear::Linear;
use crate::Error;
use crate::weights::WeightPath;

/// A feed-forward network over each position.
#[derive(Debug)]
pub(super) enum Mlp {
    /// `down(act(gate(x)) * up(x))` (Shazeer 2020, arXiv 2002.05202).
    Gated {
        /// Gate and up projections in one: `[2 intermediate, hidden]`.
        gate_up: Linear,
        down: Linear,
        activation: Activation,
    },
    /// `down(act(up(x)))`.
    Plain { up: Linear, down: Linear, activation: Activation },
}

impl Mlp {
    /// The gated network with the tensor names of Llama, `[hidden, intermediate]` in size.
    pub(super) fn gated(
        path: &WeightPath<'_>,
        (hidden, intermediate): (i64, i64),
        bias: bool,
        activation: Activation,
    ) -> Result<Self, Error> {
        let parts = [("gate_proj", intermediate), ("up_proj", intermediate)];
        let gate_up = Linear::load(path, &parts, hidden, bias)?;
        let down = Linear::load(path, &[("down_proj", hidden)], intermediate, bias)?;
        Ok(Self::Gated { gate_up, down, activation })
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Gated { gate_up, down, activation } => {
                down.forward(&activation.gate(&gate_up.forward(x)?)?)
            }
            Self::Plain { up, down, activation } => down.forward(&activation.forward(&up.forward(x)?)?),
        }
    }
}
