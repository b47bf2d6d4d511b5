//! A layer of linear attention by the gated delta rule, as Qwen3-Next and Qwen3.5 have it in three of four layers.

use tch::{Device, Kind, Tensor};
use tracing::trace_span;

use super::attend::Attend;
use super::delta_rule::Rows;
use super::linear::Linear;
use crate::Error;
use crate::cache::{DeltaMemory, LayerMemory};
use crate::weights::WeightPath;

/// Sizes of such layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeltaDims {
    /// Query and key heads, Hk.
    pub(super) key_heads: i64,
    /// Value heads, Hv, a multiple of Hk.
    pub(super) value_heads: i64,
    pub(super) key_dim: i64,
    pub(super) value_dim: i64,
    /// Rows that the convolution sees, k.
    pub(super) kernel: i64,
}

/// How a checkpoint has the projections of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeltaProjections {
    /// In two tensors, what belongs to a key head side by side: Qwen3-Next.
    ByHead,
    /// In four tensors.
    Apart,
}

impl DeltaDims {
    fn keys(self) -> i64 {
        self.key_heads * self.key_dim
    }

    fn values(self) -> i64 {
        self.value_heads * self.value_dim
    }

    /// Queries, keys and values, which are convolved: C.
    fn convolved(self) -> i64 {
        2 * self.keys() + self.values()
    }
}

/// The layer.
#[derive(Debug)]
pub(super) struct GatedDelta {
    /// Its number among such layers.
    layer: usize,
    dims: DeltaDims,
    projections: DeltaProjections,
    /// Queries, keys, values and gates: `[C + Hv Dv, hidden]`.
    inputs: Linear,
    /// Of rates and decays, `[2 Hv, hidden]`.
    rates: Linear,
    /// `[C, 1, k]`.
    convolution: Tensor,
    /// What is added to decays, and their factor, minus `e^A_log`; `[Hv]` of f32.
    decay_bias: Tensor,
    decay_factor: Tensor,
    /// Of the norm of each head, `[Dv]` of f32.
    norm: Tensor,
    eps: f64,
    /// `[hidden, Hv Dv]`.
    output: Linear,
}

/// What the projections of some rows give.
struct Projected {
    /// `[1, Q, C]`.
    convolved: Tensor,
    /// `[1, Q, Hv, Dv]`.
    gates: Tensor,
    /// How much of what a row writes is written, and the logarithm of what is kept before; `[1, Q, Hv]` of f32.
    rates: Tensor,
    decays: Tensor,
}

impl GatedDelta {
    /// That of the layer at `path`, the `layer`-th of such layers.
    pub(super) fn load(
        path: &WeightPath<'_>,
        layer: usize,
        (dims, projections): (DeltaDims, DeltaProjections),
        hidden: i64,
        eps: f64,
    ) -> Result<Self, Error> {
        let (convolved, values, heads) = (dims.convolved(), dims.values(), dims.value_heads);
        let (inputs, rates): (&[_], &[_]) = match projections {
            DeltaProjections::ByHead => {
                (&[("in_proj_qkvz", convolved + values)], &[("in_proj_ba", 2 * heads)])
            }
            DeltaProjections::Apart => (
                &[("in_proj_qkv", convolved), ("in_proj_z", values)],
                &[("in_proj_b", heads), ("in_proj_a", heads)],
            ),
        };
        let in_f32 = path.in_f32();
        Ok(Self {
            layer,
            dims,
            projections,
            inputs: Linear::load(path, inputs, hidden, false)?,
            rates: Linear::load(path, rates, hidden, false)?,
            convolution: path.pp("conv1d").tensor("weight", &[convolved, 1, dims.kernel])?,
            decay_bias: in_f32.tensor("dt_bias", &[heads])?,
            decay_factor: in_f32.tensor("A_log", &[heads])?.f_exp()?.f_neg()?,
            norm: in_f32.pp("norm").tensor("weight", &[dims.value_dim])?,
            eps,
            output: Linear::load(path, &[("out_proj", hidden)], values, false)?,
        })
    }

    pub(super) fn device(&self) -> Device {
        self.inputs.device()
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> [&Linear; 3] {
        [&self.inputs, &self.rates, &self.output]
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(&self, x: &Tensor, sequences: &mut dyn Attend) -> Result<Tensor, Error> {
        let projected = trace_span!("qkv").in_scope(|| self.project(x))?;
        let span = trace_span!("attend").entered();
        let read = sequences.remember(self.layer, x.size()[1], &|memory, first, count| {
            let memory = memory.map(|memory| match memory {
                LayerMemory::Delta(memory) => memory,
                LayerMemory::External(_) => unreachable!("it remembers what it gave"),
            });
            let (read, memory) = self.rows(&projected, memory, first, count)?;
            Ok((read, LayerMemory::Delta(memory)))
        })?;
        drop(span);
        let _span = trace_span!("output").entered();
        let normed = read.f_rms_norm([self.dims.value_dim], Some(&self.norm), self.eps)?;
        let gated = normed.f_mul(&projected.gates.f_to_kind(Kind::Float)?.f_silu()?)?;
        self.output.forward(&gated.f_reshape([1, -1, self.dims.values()])?.f_to_kind(x.kind())?)
    }

    fn project(&self, x: &Tensor) -> Result<Projected, Error> {
        let DeltaDims { key_heads, value_heads, key_dim, value_dim, .. } = self.dims;
        let (inputs, rates) = (self.inputs.forward(x)?, self.rates.forward(x)?.f_to_kind(Kind::Float)?);
        let rows = x.size()[1];
        let (convolved, gates, rates, decays) = match self.projections {
            DeltaProjections::Apart => (
                inputs.f_narrow(2, 0, self.dims.convolved())?,
                inputs.f_narrow(2, self.dims.convolved(), self.dims.values())?,
                rates.f_narrow(2, 0, value_heads)?,
                rates.f_narrow(2, value_heads, value_heads)?,
            ),
            DeltaProjections::ByHead => {
                let group = value_heads / key_heads;
                let by_head = inputs.f_view([1, rows, key_heads, -1])?;
                let part = |first, count| by_head.f_narrow(3, first, count)?.f_reshape([1, rows, -1]);
                let values = group * value_dim;
                let all = [part(0, key_dim)?, part(key_dim, key_dim)?, part(2 * key_dim, values)?];
                let rates = rates.f_view([1, rows, key_heads, 2 * group])?;
                let of_rates = |first| rates.f_narrow(3, first, group)?.f_reshape([1, rows, value_heads]);
                (Tensor::f_cat(&all, 2)?, part(2 * key_dim + values, values)?, of_rates(0)?, of_rates(group)?)
            }
        };
        let gates = gates.f_reshape([1, rows, value_heads, value_dim])?;
        let decays = decays.f_add(&self.decay_bias)?.f_softplus()?.f_mul(&self.decay_factor)?;
        Ok(Projected { convolved, gates, rates: rates.f_sigmoid()?, decays })
    }

    /// What the `count` rows from `first` on read, `[1, count, Hv, Dv]` of f32, and what is remembered after them.
    fn rows(
        &self,
        projected: &Projected,
        memory: Option<&DeltaMemory>,
        first: i64,
        count: i64,
    ) -> Result<(Tensor, DeltaMemory), Error> {
        let DeltaDims { key_heads, value_heads, key_dim, value_dim, kernel } = self.dims;
        let new = projected.convolved.f_narrow(1, first, count)?.f_transpose(1, 2)?;
        let options = (new.kind(), new.device());
        let before = match memory {
            Some(memory) => memory.inputs.shallow_clone(),
            None => Tensor::f_zeros([1, self.dims.convolved(), kernel - 1], options)?,
        };
        let inputs = Tensor::f_cat(&[&before, &new], 2)?;
        let channels = self.dims.convolved();
        let mixed = inputs.f_conv1d::<Tensor>(&self.convolution, None, 1, 0, 1, channels)?.f_silu()?;
        let mixed = mixed.f_transpose(1, 2)?.f_to_kind(Kind::Float)?;

        // `[Hv, count, D]`; a key head serves the value heads of its group.
        let heads = |from: i64, heads: i64, dim: i64| {
            let part = mixed.f_narrow(2, from, heads * dim)?.f_reshape([count, heads, dim])?;
            part.f_repeat_interleave_self_int(value_heads / heads, 1, None)?.f_transpose(0, 1)
        };
        let unit = |vectors: Tensor| -> Result<Tensor, Error> {
            let squares = vectors.f_square()?.f_sum_dim_intlist([-1i64].as_slice(), true, Kind::Float)?;
            Ok(vectors.f_mul(&squares.f_add_scalar(1e-6)?.f_rsqrt()?)?)
        };
        let by_head = |tensor: &Tensor| tensor.f_narrow(1, first, count)?.f_squeeze_dim(0)?.f_transpose(0, 1);
        let rows = Rows {
            queries: unit(heads(0, key_heads, key_dim)?)?.f_div_scalar((key_dim as f64).sqrt())?,
            keys: unit(heads(self.dims.keys(), key_heads, key_dim)?)?,
            values: heads(2 * self.dims.keys(), value_heads, value_dim)?,
            decay: by_head(&projected.decays)?,
            rate: by_head(&projected.rates)?,
        };
        let state = match memory {
            Some(memory) => memory.state.shallow_clone(),
            None => Tensor::f_zeros([value_heads, key_dim, value_dim], (Kind::Float, new.device()))?,
        };
        let (read, state) = rows.pass(state)?;
        let last = inputs.size()[2] - (kernel - 1);
        // A copy: the rest is not needed any more.
        let inputs = inputs.f_narrow(2, last, kernel - 1)?.copy();
        Ok((read.f_transpose(0, 1)?.f_unsqueeze(0)?, DeltaMemory { inputs, state }))
    }
}
