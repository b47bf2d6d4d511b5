//! Vectors of each layer's own for each token, which a layer lets in through a gate (Gemma 3n and 4).

use sah_tensor::torch::Matrix;
use tch::{Kind, Tensor};

use super::activation::Activation;
use super::linear::Linear;
use super::norm::Norm;
use super::transformer::{looked_up, rounded};
use crate::Error;
use crate::weights::WeightPath;

/// What gives the vectors of all layers: `(norm(W x / sqrt(hidden)) + sqrt(P) E[id]) / sqrt(2)` for a token `id` whose embedding is `x`.
#[derive(Debug)]
pub(super) struct LayerInputs {
    /// `E`, `[vocabulary, L P]`.
    tokens: Matrix,
    /// `W`, `[L P, hidden]`.
    projection: Linear,
    /// Over the `P` numbers of a layer.
    norm: Norm,
    /// P.
    width: i64,
    /// `sqrt(P)` in the kind of the residual stream, as in transformers.
    scale: f64,
    kind: Kind,
}

/// What lets the vector `v` of one layer in: `x + norm(W (act(G x) * v))`.
#[derive(Debug)]
pub(super) struct LayerInput {
    /// The layer, whose vector is to be taken.
    layer: i64,
    /// `G`, `[P, hidden]`.
    gate: Linear,
    activation: Activation,
    /// `W`, `[hidden, P]`.
    projection: Linear,
    norm: Norm,
}

/// How many vectors there are, and how wide.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerInputDims {
    /// Rows of the table.
    pub(super) vocabulary: i64,
    /// P.
    pub(super) width: i64,
}

impl LayerInputs {
    /// Those of `layers` layers of the model at `path`.
    pub(super) fn load(
        path: &WeightPath<'_>,
        dims: LayerInputDims,
        (layers, hidden): (usize, i64),
        eps: f64,
    ) -> Result<Self, Error> {
        let all = layers as i64 * dims.width;
        Ok(Self {
            tokens: path.pp("embed_tokens_per_layer").matrix([dims.vocabulary, all])?,
            projection: Linear::load(path, &[("per_layer_model_projection", all)], hidden, false)?,
            norm: Norm::rms(&path.pp("per_layer_projection_norm"), dims.width, eps)?,
            width: dims.width,
            scale: rounded((dims.width as f64).sqrt(), path.kind())?,
            kind: path.kind(),
        })
    }

    /// The matrix that each token is multiplied with.
    pub(super) fn product(&self) -> &Linear {
        &self.projection
    }

    /// The vectors of all layers, `[1, Q, L, P]`, for `ids` whose embeddings are `x`, `[1, Q, hidden]`.
    pub(super) fn forward(&self, ids: &[u32], x: &Tensor) -> Result<Tensor, Error> {
        let size = [1, ids.len() as i64, -1, self.width];
        let of_tokens = looked_up(&self.tokens, ids, self.kind)?.f_view(size)?;
        let of_tokens = of_tokens.f_mul_scalar(self.scale)?;
        let hidden = x.size()[2] as f64;
        let projected = self.projection.forward(x)?.f_mul_scalar_(1.0 / hidden.sqrt())?.f_view(size)?;
        Ok(self.norm.forward(&projected)?.f_add_(&of_tokens)?.f_mul_scalar_(0.5_f64.sqrt())?)
    }
}

impl LayerInput {
    /// That of layer `layer`, at `path`, with vectors of `width`.
    pub(super) fn load(
        path: &WeightPath<'_>,
        layer: usize,
        (hidden, width): (i64, i64),
        activation: Activation,
        eps: f64,
    ) -> Result<Self, Error> {
        Ok(Self {
            layer: layer as i64,
            gate: Linear::load(path, &[("per_layer_input_gate", width)], hidden, false)?,
            activation,
            projection: Linear::load(path, &[("per_layer_projection", hidden)], width, false)?,
            norm: Norm::rms(&path.pp("post_per_layer_input_norm"), hidden, eps)?,
        })
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> [&Linear; 2] {
        [&self.gate, &self.projection]
    }

    /// What is added to `x`, `[1, Q, hidden]`, by the vectors of all layers, `[1, Q, L, P]`: the shape of `x`.
    pub(super) fn forward(&self, x: &Tensor, vectors: &Tensor) -> Result<Tensor, Error> {
        let vector = vectors.f_select(2, self.layer)?;
        let gated = self.activation.forward(&self.gate.forward(x)?)?.f_mul_(&vector)?;
        self.norm.forward(&self.projection.forward(&gated)?)
    }
}
