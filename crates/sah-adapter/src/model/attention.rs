//! Self-attention of a layer, from the residual stream back to it.

use sah_tensor::torch::rowwise;
use tch::Tensor;
use tracing::trace_span;

use super::attend::{Attend, Heads, NewEntries, Scores};
use super::dims::HeadDims;
use super::linear::Linear;
use super::norm::{HeadNorm, When};
use super::rope::Rotation;
use crate::Error;
use crate::weights::WeightPath;

/// Grouped-query self-attention.
#[derive(Debug)]
pub(super) struct SelfAttention {
    pub(super) layer: usize,
    pub(super) heads: HeadDims,
    /// Projections of the same input in one: those of queries, `[H D, hidden]`, and then what `keys` says.
    pub(super) qkv: Linear,
    pub(super) keys: KeysAndValues,
    /// Of queries and keys, and of values where they have one.
    pub(super) head_norm: Option<HeadNorm>,
    pub(super) gate: OutputGate,
    /// `[hidden, H D]`.
    pub(super) output: Linear,
    pub(super) scores: Scores,
}

/// Where the keys and values of a layer come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeysAndValues {
    /// A projection for keys and one for values, `[Hkv D, hidden]` each.
    Projected,
    /// One projection for both, which are the same before they are normalised and rotated.
    OneProjection,
    /// Those of this layer before it, counted among those with attention. Layers that have none of their own come after all that do.
    OfLayer(usize),
}

/// Whether what attention gives is let through as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputGate {
    Open,
    /// As much of it as the sigmoid of a gate says, one for each number, which the query projection gives beside each query head.
    BesideQueries,
}

/// The query, key and value projections with the tensor names of Llama, in one; with gates, twice as many queries.
pub(super) fn separate_qkv(
    path: &WeightPath<'_>,
    hidden: i64,
    heads: HeadDims,
    gate: OutputGate,
    bias: bool,
) -> Result<Linear, Error> {
    let queries = if gate == OutputGate::Open { 1 } else { 2 } * heads.query_width();
    let parts = [("q_proj", queries), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
    Linear::load(path, &parts, hidden, bias)
}

/// The output projection with the tensor name of Llama.
pub(super) fn output_projection(
    path: &WeightPath<'_>,
    hidden: i64,
    heads: HeadDims,
    bias: bool,
) -> Result<Linear, Error> {
    Linear::load(path, &[("o_proj", hidden)], heads.query_width(), bias)
}

impl SelfAttention {
    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: Option<&Rotation>,
        sequences: &mut dyn Attend,
    ) -> Result<Tensor, Error> {
        let rows = x.size()[1];
        let HeadDims { query, kv, dim } = self.heads;
        let mut all = trace_span!("qkv").in_scope(|| self.qkv.forward(x))?;
        if self.keys == KeysAndValues::OneProjection {
            let keys = all.f_narrow(2, query * dim, kv * dim)?;
            all = Tensor::f_cat(&[&all, &keys], 2)?;
        }
        let gate = match self.gate {
            OutputGate::Open => None,
            OutputGate::BesideQueries => {
                let (width, both) = (query * dim, all.f_narrow(2, 0, 2 * query * dim)?);
                let both = both.f_view([1, rows, query, 2, dim])?;
                let queries = both.f_select(3, 0)?.f_reshape([1, rows, width])?;
                all = Tensor::f_cat(&[queries, all.f_narrow(2, 2 * width, all.size()[2] - 2 * width)?], 2)?;
                Some(both.f_select(3, 1)?.f_reshape([1, rows, width])?)
            }
        };
        let span = trace_span!("rotate").entered();
        let heads = if rowwise::is_plain(&all) {
            self.heads_in_place(&mut all, rotation)?
        } else {
            self.heads_of(&all, rotation)?
        };
        drop(span);
        let attended =
            trace_span!("attend").in_scope(|| sequences.attend(self.layer, &self.scores, &heads))?;
        let _span = trace_span!("output").entered();
        let size = [1, rows, query * dim];
        let attended = if rows == 1 && attended.is_contiguous() {
            attended.f_view(size)?
        } else {
            attended.f_transpose(1, 2)?.f_reshape(size)?
        };
        match gate {
            None => self.output.forward(&attended),
            Some(gate) => self.output.forward(&attended.f_mul(&gate.f_sigmoid()?)?),
        }
    }

    fn norm(&self, when: When) -> Option<&HeadNorm> {
        self.head_norm.as_ref().filter(|norm| norm.when() == when)
    }

    /// Heads of keys that are the layer's own, and as many of values.
    fn own_kv(&self) -> i64 {
        if matches!(self.keys, KeysAndValues::OfLayer(_)) { 0 } else { self.heads.kv }
    }

    /// What the rows add to the cache, of what `view` gives for the first and the number of heads.
    fn entries(&self, view: impl Fn(i64, i64) -> Result<Tensor, Error>) -> Result<NewEntries, Error> {
        let HeadDims { query, kv, .. } = self.heads;
        Ok(match self.keys {
            KeysAndValues::OfLayer(layer) => NewEntries::OfLayer(layer),
            _ => NewEntries::Own { keys: view(query, kv)?, values: view(query + kv, kv)? },
        })
    }

    /// The heads in `all`, `[1, Q, (H + 2 Hkv) D]`, or `[1, Q, H D]` without keys, which are normalised and rotated where they lie. Each
    /// call of libtorch counts here: a step makes them once a layer.
    fn heads_in_place(&self, all: &mut Tensor, rotation: Option<&Rotation>) -> Result<Heads, Error> {
        let (HeadDims { query, dim, .. }, kv) = (self.heads, self.own_kv());
        if let Some(norm) = self.norm(When::BeforeRotation) {
            norm.forward_in_place(all)?;
        }
        if let Some(rotation) = rotation {
            rotation.apply_in_place(all, query + kv, dim)?;
        }
        if let Some(norm) = self.norm(When::AfterRotation) {
            norm.forward_in_place(all)?;
        }
        let (rows, width) = (all.size()[1], (query + 2 * kv) * dim);
        let view = |first: i64, count: i64| {
            Ok(all.f_as_strided([1, count, rows, dim], [rows * width, dim, width, 1], first * dim)?)
        };
        let mut queries = view(0, query)?;
        if let Some(factors) = rotation.and_then(Rotation::query_factors) {
            queries = queries.f_mul_(factors)?;
        }
        Ok(Heads { queries, entries: self.entries(view)? })
    }

    /// The same for rows of any kind, anywhere. Queries and keys are normalised and rotated together, in f32, and rounded once.
    fn heads_of(&self, all: &Tensor, rotation: Option<&Rotation>) -> Result<Heads, Error> {
        let (HeadDims { query, dim, .. }, kv) = (self.heads, self.own_kv());
        let heads = all.f_view([1, all.size()[1], query + 2 * kv, dim])?;
        let (mut turned, mut values) =
            (heads.f_narrow(2, 0, query + kv)?, heads.f_narrow(2, query + kv, kv)?);
        if let Some(norm) = self.norm(When::BeforeRotation) {
            if norm.has_values() {
                let all = norm.forward(&heads)?;
                (turned, values) = (all.f_narrow(2, 0, query + kv)?, all.f_narrow(2, query + kv, kv)?);
            } else {
                turned = norm.forward(&turned)?;
            }
        }
        if let Some(rotation) = rotation {
            turned = rotation.apply(&turned)?;
        }
        if let Some(norm) = self.norm(When::AfterRotation) {
            turned = norm.forward(&turned)?;
        }
        let side_by_side = |heads: &Tensor| heads.f_to_kind(all.kind())?.f_transpose(1, 2);
        let (turned, values) = (side_by_side(&turned)?, side_by_side(&values)?);
        let mut queries = turned.f_narrow(1, 0, query)?;
        if let Some(factors) = rotation.and_then(Rotation::query_factors) {
            queries = queries.f_mul(factors)?.f_to_kind(all.kind())?;
        }
        let view = |first: i64, count: i64| {
            let (of, first) =
                if first < query + kv { (&turned, first) } else { (&values, first - query - kv) };
            Ok(of.f_narrow(1, first, count)?)
        };
        Ok(Heads { queries, entries: self.entries(view)? })
    }
}
