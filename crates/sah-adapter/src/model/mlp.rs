//! The feed-forward part of a layer.

use tch::Tensor;
use tracing::trace_span;

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

    /// `x`: `[1, Q, hidden]`, which is let go of as soon as it has been read. Gives the same shape.
    pub(super) fn forward(&self, x: Tensor) -> Result<Tensor, Error> {
        let (Self::Gated { gate_up: up, down, activation } | Self::Plain { up, down, activation }) = self;
        let up = trace_span!("up").in_scope(|| up.forward(&x))?;
        drop(x);
        let activated = trace_span!("activate").in_scope(|| match self {
            Self::Gated { .. } => activation.gate(up),
            Self::Plain { .. } => activation.forward(&up),
        })?;
        let _span = trace_span!("down").entered();
        down.forward(&activated)
    }
}
