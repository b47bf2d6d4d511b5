//! Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): the keys and values of all heads are made of one vector for each token.
//!
//! Keys and values are not expanded. With the matrices `U` and `V` of a head, its score for a key `l` is `q (U l) = (U^T q) l`, and what it
//! gives is `sum w (V l) = V (sum w l)`: attention is that of all heads over one KV head, whose key is the token's rotated part and its
//! vector, and whose value is the vector.

use sah_tensor::torch::Matrix;
use tch::{Kind, Tensor};
use tracing::trace_span;

use super::attend::{Attend, Heads, NewEntries, Scores};
use super::dims::HeadDims;
use super::linear::Linear;
use super::norm::Norm;
use super::rope::Rotation;
use crate::Error;
use crate::weights::WeightPath;

/// The sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LatentDims {
    /// H.
    pub(super) heads: i64,
    /// Width of a head's query that is rotated, and of the part of a key that all heads have.
    pub(super) rotated: i64,
    /// Width of a head's query and key that is not.
    pub(super) plain: i64,
    /// Width of a head's value.
    pub(super) value: i64,
    /// Width of a token's vector, which is kept.
    pub(super) latent: i64,
    /// Width of the vector that queries are made of; `None` where they are made of the residual stream itself.
    pub(super) query_latent: Option<i64>,
}

/// What a config says of such layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct LatentConfig {
    pub(super) dims: LatentDims,
    /// Factor of the scores.
    pub(super) scale: f64,
    /// Of the projections of the residual stream and back to it.
    pub(super) bias: bool,
}

/// The attention of a layer.
#[derive(Debug)]
pub(super) struct LatentAttention {
    /// Counted among those with attention.
    pub(super) layer: usize,
    dims: LatentDims,
    queries: Queries,
    /// A token's vector and the rotated part of its key, `[latent + rotated, hidden]`.
    keys: Linear,
    /// Of the vector.
    norm: Norm,
    /// `U` and `V` of each head, `[H (plain + value), latent]`.
    expand: Linear,
    /// `[hidden, H value]`.
    output: Linear,
    scores: Scores,
}

/// What queries, `[H (plain + rotated)]`, are made of.
#[derive(Debug)]
enum Queries {
    Stream(Linear),
    /// A vector that is normalised.
    Latent {
        down: Linear,
        norm: Norm,
        up: Linear,
    },
}

/// `epsilon` of the norms of vectors, whatever the config's.
const EPS: f64 = 1e-6;

impl Queries {
    fn load(path: &WeightPath<'_>, config: LatentConfig, hidden: i64) -> Result<Self, Error> {
        let LatentDims { heads, rotated, plain, query_latent, .. } = config.dims;
        let width = heads * (plain + rotated);
        let Some(latent) = query_latent else {
            return Ok(Self::Stream(Linear::load(path, &[("q_proj", width)], hidden, false)?));
        };
        Ok(Self::Latent {
            down: Linear::load(path, &[("q_a_proj", latent)], hidden, config.bias)?,
            norm: Norm::rms(&path.pp("q_a_layernorm"), latent, EPS)?,
            up: Linear::load(path, &[("q_b_proj", width)], latent, false)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Stream(linear) => linear.forward(x),
            Self::Latent { down, norm, up } => up.forward(&norm.forward(&down.forward(x)?)?),
        }
    }

    fn products(&self) -> Vec<&Linear> {
        match self {
            Self::Stream(linear) => vec![linear],
            Self::Latent { down, up, .. } => vec![down, up],
        }
    }
}

impl LatentAttention {
    /// That of the layer at `path`, the `layer`-th with attention.
    pub(super) fn load(
        path: &WeightPath<'_>,
        layer: usize,
        config: LatentConfig,
        hidden: i64,
    ) -> Result<Self, Error> {
        let LatentDims { heads, rotated, plain, value, latent, .. } = config.dims;
        let expand = Linear::load(path, &[("kv_b_proj", heads * (plain + value))], latent, false)?;
        Ok(Self {
            layer,
            dims: config.dims,
            queries: Queries::load(path, config, hidden)?,
            keys: Linear::load(path, &[("kv_a_proj_with_mqa", latent + rotated)], hidden, config.bias)?,
            norm: Norm::rms(&path.pp("kv_a_layernorm"), latent, EPS)?,
            // Its parts are multiplied by themselves.
            expand: Linear::new(Matrix::Dense(expand.expanded(path.kind())?)),
            output: Linear::load(path, &[("o_proj", hidden)], heads * value, config.bias)?,
            scores: Scores { scale: config.scale, window: None, soft_cap: None, sinks: None },
        })
    }

    /// The heads that the cache and maskers see: all query heads, and one KV head of rotated part and vector.
    pub(super) fn heads(&self) -> HeadDims {
        HeadDims { query: self.dims.heads, kv: 1, dim: self.dims.rotated + self.dims.latent }
    }

    /// Width of a value in the cache.
    pub(super) fn value_dim(&self) -> i64 {
        self.dims.latent
    }

    /// The weights that turn what heads give over vectors into what is added to the residual stream, `[hidden, H latent]` in f32.
    pub(super) fn output_weights(&self) -> Result<Tensor, Error> {
        let LatentDims { heads, value, latent, .. } = self.dims;
        let output = self.output.expanded(Kind::Float)?;
        let output = output.f_view([-1, heads, value])?.f_transpose(0, 1)?;
        let of_vectors = output.f_bmm(&self.matrices(Kind::Float)?.1)?;
        Ok(of_vectors.f_transpose(0, 1)?.f_reshape([-1, heads * latent])?)
    }

    /// `U`, `[H, plain, latent]`, and `V`, `[H, value, latent]`.
    fn matrices(&self, kind: Kind) -> Result<(Tensor, Tensor), Error> {
        let LatentDims { heads, plain, value, latent, .. } = self.dims;
        let all = self.expand.expanded(kind)?.f_view([heads, plain + value, latent])?;
        Ok((all.f_narrow(1, 0, plain)?, all.f_narrow(1, plain, value)?))
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> Vec<&Linear> {
        [self.queries.products(), vec![&self.keys, &self.expand, &self.output]].concat()
    }

    /// Where it is.
    pub(super) fn device(&self) -> tch::Device {
        self.keys.device()
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: Option<&Rotation>,
        sequences: &mut dyn Attend,
    ) -> Result<Tensor, Error> {
        let LatentDims { heads, rotated, plain, value, latent, .. } = self.dims;
        let (rows, kind) = (x.size()[1], x.kind());
        let span = trace_span!("qkv").entered();
        let queries = self.queries.forward(x)?.f_view([rows, heads, plain + rotated])?;
        let compressed = self.keys.forward(x)?;
        drop(span);
        let span = trace_span!("rotate").entered();
        let vectors = self.norm.forward(&compressed.f_narrow(2, 0, latent)?)?.f_unsqueeze(1)?;
        // The key's rotated part beside those of all queries: `[1, Q, H + 1, rotated]`.
        let of_keys = compressed.f_narrow(2, latent, rotated)?.f_view([rows, 1, rotated])?;
        let mut turned =
            Tensor::f_cat(&[queries.f_narrow(2, plain, rotated)?, of_keys], 1)?.f_unsqueeze(0)?;
        if let Some(rotation) = rotation {
            turned = rotation.apply(&turned)?.f_to_kind(kind)?;
        }
        let turned = turned.f_transpose(1, 2)?;
        let (to_vectors, to_values) = self.matrices(kind)?;
        let of_vectors =
            queries.f_narrow(2, 0, plain)?.f_transpose(0, 1)?.f_bmm(&to_vectors)?.f_unsqueeze(0)?;
        let queries = Tensor::f_cat(&[turned.f_narrow(1, 0, heads)?, of_vectors], 3)?;
        let keys = Tensor::f_cat(&[&turned.f_narrow(1, heads, 1)?, &vectors], 3)?;
        drop(span);
        let entries = NewEntries::Own { keys, values: vectors };
        let made = Heads { queries, entries };
        let attended =
            trace_span!("attend").in_scope(|| sequences.attend(self.layer, &self.scores, &made))?;
        let _span = trace_span!("output").entered();
        let values = attended.f_squeeze_dim(0)?.f_bmm(&to_values.f_transpose(1, 2)?)?;
        self.output.forward(&values.f_transpose(0, 1)?.f_reshape([1, rows, heads * value])?)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn output_weights_are_those_of_expanded_values() {
        tch::manual_seed(1);
        let random = |size: [i64; 2]| Tensor::randn(size, (Kind::Float, Device::Cpu));
        let linear = |size| Linear::new(Matrix::Dense(random(size)));
        let dims = LatentDims { heads: 3, rotated: 2, plain: 4, value: 5, latent: 6, query_latent: None };
        let attention = LatentAttention {
            layer: 0,
            dims,
            queries: Queries::Stream(linear([3 * 6, 7])),
            keys: linear([6 + 2, 7]),
            norm: Norm::Rms { weight: Tensor::ones([6], (Kind::Float, Device::Cpu)), eps: EPS },
            expand: linear([3 * 9, 6]),
            output: linear([7, 3 * 5]),
            scores: Scores { scale: 1.0, window: None, soft_cap: None, sinks: None },
        };
        // What three heads give over vectors, expanded head by head.
        let given = random([3, 6]);
        let expand = attention.expand.expanded(Kind::Float).unwrap().view([3, 9, 6]);
        let values: Vec<Tensor> = (0..3)
            .map(|head| expand.get(head).narrow(0, 4, 5).matmul(&given.get(head).view([6, 1])).view([5]))
            .collect();
        let output = attention.output.expanded(Kind::Float).unwrap();
        let expected = output.matmul(&Tensor::cat(&values, 0).view([15, 1]));
        let found = attention.output_weights().unwrap().matmul(&given.view([18, 1]));
        assert!(found.allclose(&expected, 1e-5, 1e-5, false));
    }
}
