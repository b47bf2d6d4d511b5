//! What a retention looks at in one layer of a context.

use tch::{Kind, Tensor};

use super::{Moments, MomentsOf, Repetition, toolkit};
use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::state::mix;

/// What a rule needs to know of a context beside its keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// How many of the last queries, at least 1.
    pub queries: usize,
    /// The moments of all queries before they are rotated.
    pub moments: Option<MomentsOf>,
    /// The mean rotation of so many positions after the context.
    pub rotation: Option<usize>,
    /// The sum of the weights that each query head gives to each key.
    pub weights: bool,
    /// The output projection of each layer.
    pub output: bool,
    /// The largest weights of keys while the model repeats the context.
    pub repetition: Option<Repetition>,
}

impl Needs {
    /// The last `count` queries and nothing else.
    #[must_use]
    pub const fn queries(count: usize) -> Self {
        Self {
            queries: count,
            moments: None,
            rotation: None,
            weights: false,
            output: false,
            repetition: None,
        }
    }

    /// What two rules need together. Of two kinds of moments or of repetition it is the first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            queries: self.queries.max(other.queries),
            moments: self.moments.or(other.moments),
            rotation: self.rotation.or(other.rotation),
            weights: self.weights || other.weights,
            output: self.output || other.output,
            repetition: self.repetition.or(other.repetition),
        }
    }

    /// Whether a context that was read for these was read for `others`, too, as far as they have to be seen while it is read.
    #[must_use]
    pub fn include(&self, others: &Self) -> bool {
        self.queries >= others.queries
            && (others.moments.is_none() || self.moments == others.moments)
            && (self.weights || !others.weights)
    }
}

/// One layer of a context that was read: its keys and values, and what was seen while it was read.
#[derive(Debug, Clone, Copy)]
pub struct ContextLayer<'a> {
    inputs: AttentionInputs<'a>,
    layer: usize,
    seed: u64,
    kept: usize,
    moments: Option<&'a Moments>,
    rotation: Option<&'a Tensor>,
    weights: Option<&'a Tensor>,
    output: Option<&'a Tensor>,
    repeated: Option<&'a Tensor>,
}

impl<'a> ContextLayer<'a> {
    /// `inputs` holds all `n` keys and values of the context, and its last [queries](Needs::queries), or as many as there are.
    #[must_use]
    pub fn new(inputs: AttentionInputs<'a>) -> Self {
        let kept = inputs.dims().keys;
        Self {
            inputs,
            layer: 0,
            seed: 0,
            kept,
            moments: None,
            rotation: None,
            weights: None,
            output: None,
            repeated: None,
        }
    }

    /// The same of layer `layer`, from 0, of a request with this seed.
    #[must_use]
    pub fn of_layer(self, layer: usize, seed: u64) -> Self {
        Self { layer, seed: mix(seed ^ mix(layer as u64)), ..self }
    }

    /// The same with the moments of its queries.
    #[must_use]
    pub fn with_moments(self, moments: Option<&'a Moments>) -> Self {
        Self { moments, ..self }
    }

    /// The same with a rotation `R`, `[D, D]` of `Float`, which turns a vector `x` into `R x`: the mean over positions that follow.
    #[must_use]
    pub fn with_rotation(self, rotation: Option<&'a Tensor>) -> Self {
        Self { rotation, ..self }
    }

    /// The same with the sums over all queries of the weights of each key, `[H, n]` of `Float`.
    #[must_use]
    pub fn with_weights(self, weights: Option<&'a Tensor>) -> Self {
        Self { weights, ..self }
    }

    /// The same with the layer's output projection, `[hidden, H Dv]` of `Float`.
    #[must_use]
    pub fn with_output(self, output: Option<&'a Tensor>) -> Self {
        Self { output, ..self }
    }

    /// The same with the largest weights of each key while the context is repeated, `[Hkv, n]` of `Float`; 0 for keys of no part.
    #[must_use]
    pub fn with_repeated(self, repeated: Option<&'a Tensor>) -> Self {
        Self { repeated, ..self }
    }

    /// The same for a retention that keeps so many keys of each head, in the mean.
    pub(super) fn keeping(self, kept: usize) -> Self {
        Self { kept, ..self }
    }

    /// All keys and values of the context, and its last queries.
    #[must_use]
    pub fn inputs(&self) -> &AttentionInputs<'a> {
        &self.inputs
    }

    /// Number of the layer, from 0.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Seed for random choices in this layer.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many keys of each head stay, in the mean over heads and layers.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// The moments of its queries.
    pub fn moments(&self) -> Result<&'a Moments> {
        self.moments.ok_or_else(|| missing("moments of the queries", "Needs::moments"))
    }

    /// The mean rotation `R`, `[D, D]`.
    pub fn rotation(&self) -> Result<&'a Tensor> {
        self.rotation.ok_or_else(|| missing("rotation of positions that follow", "Needs::rotation"))
    }

    /// The sums of weights, `[H, n]`.
    pub fn weights(&self) -> Result<&'a Tensor> {
        let dims = self.inputs.dims();
        let weights = self.weights.ok_or_else(|| missing("sums of weights", "Needs::weights"))?;
        check("sums of weights", weights, [dims.heads, dims.keys])?;
        Ok(weights)
    }

    /// The L1 norms of what the output projection makes of each value, in the mean over the query heads of a group,
    /// `[Hkv, n]` of `Float`: `|W_O,h v|`, with the columns of `W_O` that head `h` has.
    pub fn output_norms(&self) -> Result<Tensor> {
        let dims = self.inputs.dims();
        let output = self.output.ok_or_else(|| missing("output projection", "Needs::output"))?;
        let hidden = output.size().first().copied().unwrap_or_default();
        check("output projection", output, [hidden as usize, dims.heads * dims.value_dim])?;
        let (heads, group, dim) = (dims.kv_heads as i64, dims.group() as i64, dims.value_dim as i64);
        // [Hkv, group, Dv, hidden]
        let by_head = output.f_transpose(0, 1)?.f_view([heads, group, dim, hidden])?;
        let mut blocks = Vec::new();
        for keys in toolkit::key_blocks(0..dims.keys, dims.heads * hidden as usize) {
            let values = toolkit::values_in(&self.inputs, keys)?.f_unsqueeze(1)?;
            let norms = values.f_matmul(&by_head)?.f_abs()?;
            let norms = norms.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)?;
            blocks.push(norms.f_mean_dim([1i64].as_slice(), false, Kind::Float)?);
        }
        Ok(Tensor::f_cat(&blocks, 1)?)
    }

    /// The largest weights while the context is repeated, `[Hkv, n]`.
    pub fn repeated(&self) -> Result<&'a Tensor> {
        let dims = self.inputs.dims();
        let weights = self.repeated.ok_or_else(|| missing("weights of a repetition", "Needs::repetition"))?;
        check("weights of a repetition", weights, [dims.kv_heads, dims.keys])?;
        Ok(weights)
    }
}

fn missing(field: &'static str, asked: &str) -> Error {
    Error::Field { field, expected: "seen while the context was read", found: format!("none; see {asked}") }
}

fn check(tensor: &'static str, found: &Tensor, expected: [usize; 2]) -> Result<()> {
    if found.size() == expected.map(|size| size as i64) {
        return Ok(());
    }
    Err(Error::Shape { tensor, expected: format!("{expected:?}"), found: found.size() })
}
