//! What the last tokens look at, and no other key says.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, Needs, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::masker::FieldInfo;
use crate::masker::toolkit::exact_scores;

/// Keys of a larger cosine are alike.
const ALIKE: f64 = 0.5;

/// Keeps the keys that the last queries look at and that are unlike the others, and those of the last tokens.
///
#[doc = include_str!("../../docs/retentions/r_kv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RKv {
    /// Last tokens whose queries are asked, and whose keys stay.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Keys of which the largest weight counts for each, an odd number.
    #[serde(default = "default_kernel")]
    pub kernel: usize,
    /// How much weights count beside redundancy.
    #[serde(default = "default_lambda")]
    pub lambda: f64,
}

fn default_window() -> usize {
    8
}

fn default_kernel() -> usize {
    7
}

fn default_lambda() -> f64 {
    0.07
}

impl RetentionRule for RKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "r_kv",
        about: "what the last tokens look at and no other key says, and these tokens themselves",
        fields: &[
            FieldInfo::optional("window", "a count from 1", "8"),
            FieldInfo::optional("kernel", "an odd number", "7"),
            FieldInfo::optional("lambda", "a share from 0 to 1", "0.07"),
        ],
        source: "R-KV, arXiv 2505.24133",
        cost: "H w n D + Hkv n^2 D",
        memory: "w queries of each layer, a layer's keys in f32",
        looks_at: "keys, the last w queries",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("window", self.window)?;
        toolkit::odd("kernel", self.kernel)?;
        toolkit::share("lambda", self.lambda)?;
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for RKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        Needs::queries(self.window)
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let dims = inputs.dims();
        let before = dims.past() as i64;
        if before == 0 {
            return toolkit::all_of_the_window(inputs);
        }
        let weights = self.weights(inputs)?.f_mul_scalar(self.lambda)?;
        let redundancy = redundancy(&toolkit::keys(inputs)?)?.f_narrow(1, 0, before)?;
        let scores = weights.f_sub(&redundancy.f_mul_scalar(1.0 - self.lambda)?)?;
        toolkit::followed_by_best(&scores, dims.queries)
    }
}

impl RKv {
    /// The weights of the keys before the last queries, `[Hkv, n - w]`: of the largest scores over the query heads of a group, in the mean
    /// over the queries, the largest of `kernel` neighbours.
    fn weights(&self, inputs: &AttentionInputs<'_>) -> Result<Tensor> {
        let dims = inputs.dims();
        let (kv_heads, group) = (dims.kv_heads as i64, dims.group() as i64);
        let scores = exact_scores(inputs, 0..dims.queries, 0..dims.past())?.f_to_kind(Kind::Float)?;
        let scores = scores.f_view([kv_heads, group, dims.queries as i64, dims.past() as i64])?;
        let weights = scores.f_amax([1i64].as_slice(), false)?.f_softmax(-1, Kind::Float)?;
        let mean = weights.f_mean_dim([1i64].as_slice(), false, Kind::Float)?;
        toolkit::largest_neighbours(&mean, self.kernel)
    }
}

/// How much each of `keys`, `[Hkv, n, D]`, is said by others, `[Hkv, n]`: its mean cosine to all keys, as a softmax over keys. Of the keys
/// that are alike to one, its latest does not count for it.
fn redundancy(keys: &Tensor) -> Result<Tensor> {
    let (heads, n, _) = keys.size3()?;
    let norms = toolkit::norms(keys)?.f_unsqueeze(-1)?.f_add_scalar(1e-8)?;
    let unit = keys.f_div(&norms)?;
    let places = Tensor::f_arange(n, (Kind::Int64, keys.device()))?.f_view([1, 1, n])?;
    let mut sums = Tensor::f_zeros([heads, n], (Kind::Float, keys.device()))?;
    for rows in toolkit::key_blocks(0..n as usize, (heads * n) as usize) {
        let (start, count) = (rows.start as i64, rows.len() as i64);
        let block = unit.f_narrow(1, start, count)?.f_matmul(&unit.f_transpose(1, 2)?)?;
        let own = places.f_eq_tensor(&places.f_narrow(2, start, count)?.f_transpose(1, 2)?)?;
        let block = block.f_masked_fill(&own, 0.0)?;
        // The first key, where none is alike.
        let alike = block.f_gt(ALIKE)?.f_to_kind(Kind::Int64)?.f_mul(&places)?;
        let latest = alike.f_amax([-1i64].as_slice(), true)?;
        let counted = block.f_scatter_value(-1, &latest, 0.0)?;
        sums = sums.f_add(&counted.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?)?;
    }
    Ok(sums.f_div_scalar(n as f64)?.f_softmax(-1, Kind::Float)?)
}
