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

/// How a checkpoint calls the projections of a gated network.
#[derive(Clone, Copy, Debug)]
pub(super) struct GatedNames {
    pub(super) gate: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
}

impl GatedNames {
    /// As Llama does, and most.
    pub(super) const LLAMA: Self = Self { gate: "gate_proj", up: "up_proj", down: "down_proj" };
}

impl Mlp {
    /// The gated network of `names`, `[hidden, intermediate]` in size.
    pub(super) fn gated(
        path: &WeightPath<'_>,
        names: GatedNames,
        (hidden, intermediate): (i64, i64),
        bias: bool,
        activation: Activation,
    ) -> Result<Self, Error> {
        let parts = [(names.gate, intermediate), (names.up, intermediate)];
        let gate_up = Linear::load(path, &parts, hidden, bias)?;
        let down = Linear::load(path, &[(names.down, hidden)], intermediate, bias)?;
        Ok(Self::Gated { gate_up, down, activation })
    }

    /// Its matrices.
    pub(super) fn products(&self) -> [&Linear; 2] {
        let (Self::Gated { gate_up: up, down, .. } | Self::Plain { up, down, .. }) = self;
        [up, down]
    }

    /// What each of `networks`, which are alike and gated, gives for one row, `[1, 1, hidden]`: `[1, n, hidden]`.
    pub(super) fn forward_each(networks: &[&Self], x: &Tensor) -> Result<Tensor, Error> {
        let products =
            |which: usize| networks.iter().map(|network| network.products()[which]).collect::<Vec<_>>();
        let up = trace_span!("up").in_scope(|| Linear::forward_each(&products(0), x))?;
        let activated = trace_span!("activate").in_scope(|| match networks.first() {
            Some(Self::Gated { activation, .. }) => activation.gate(up),
            Some(Self::Plain { activation, .. }) => activation.forward(&up),
            None => Ok(up),
        })?;
        let _span = trace_span!("down").entered();
        Linear::forward_each(&products(1), &activated)
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
