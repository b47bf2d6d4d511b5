//! Oracle top-p: the fewest keys that hold a given share of the attention.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::{IndexList, Mask};
use crate::masker::toolkit::{exact_scores, exclude_invisible, exclude_selected, row_blocks};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

/// Marks a key that cannot be chosen; below every probability.
const CLOSED: f64 = -1.0;

/// Parameters of the [`OracleTopPMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleTopPConfig {
    /// The share, in `[0, 1]`.
    pub top_p: f64,
}

impl MaskerConfig for OracleTopPConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "oracle_top_p",
        about: "the fewest keys that hold a share of the attention",
        fields: &[FieldInfo::required("top_p", "in [0, 1]")],
        source: "Twilight, arXiv 2502.02770, with exact scores",
        cost: "K D multiplications and a sort: an oracle, which saves nothing",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(OracleTopPMasker::new(self.top_p)?))
    }
}

/// Selects, for every head and query row, the fewest keys with which the selection holds more than a share of the row's
/// attention.
///
#[doc = include_str!("../../docs/maskers/oracle_top_p.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleTopPMasker {
    top_p: f64,
}

impl OracleTopPMasker {
    /// A masker that completes the selection to more than `top_p` of the attention, in `[0, 1]`.
    pub fn new(top_p: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&top_p) {
            return Err(Error::Field { field: "top_p", expected: "in [0, 1]", found: top_p.to_string() });
        }
        Ok(Self { top_p })
    }

    /// The keys to add by probabilities `[B, H, rows, K]`, those that cannot be chosen marked [`CLOSED`], where earlier
    /// selections hold `held` `[B, H, rows, 1]`: indices `[B, H, rows, N]`, padded with -1.
    fn keys(self, open: &Tensor, held: &Tensor) -> Result<Tensor> {
        let (sorted, indices) = open.f_sort(-1, true)?;
        let mass = sorted.f_clamp_min(0.0)?;
        let before = mass.f_cumsum(-1, Kind::Double)?.f_sub(&mass)?.f_add(held)?;
        let choosable = sorted.f_ge(0.0)?;
        let needed = before.f_le(self.top_p)?.f_logical_and(&choosable)?;
        // The last needed key is the least probable one; infinity where none is needed.
        let last = sorted
            .f_masked_fill(&needed.f_logical_not()?, f64::INFINITY)?
            .f_amin([-1i64].as_slice(), true)?;
        let taken = sorted.f_ge_tensor(&last)?.f_logical_and(&choosable)?;
        let width =
            taken.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Int64)?.f_max()?.f_int64_value(&[])?;
        let indices = indices.f_masked_fill(&taken.f_logical_not()?, -1)?;
        Ok(indices.f_narrow(-1, 0, width)?)
    }
}

impl Masker for OracleTopPMasker {
    fn name(&self) -> &'static str {
        "oracle_top_p"
    }

    fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
        let dims = inputs.dims();
        if previous.is_full() || self.top_p >= 1.0 {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let mut lists = Vec::new();
        for rows in row_blocks(dims, dims.keys) {
            let scores = exact_scores(inputs, rows.clone(), 0..dims.keys)?;
            exclude_invisible(inputs, rows.clone(), &scores, f64::NEG_INFINITY)?;
            let open = scores.f_softmax(-1, Kind::Double)?;
            let sum = |tensor: &Tensor| tensor.f_sum_dim_intlist([-1i64].as_slice(), true, Kind::Double);
            let all = sum(&open)?;
            exclude_selected(inputs, &previous, rows, &open, CLOSED)?;
            let held = all.f_sub(&sum(&open.f_clamp_min(0.0)?)?)?;
            lists.push(self.keys(&open, &held)?);
        }
        // Blocks may differ in how many keys they need.
        let width = lists.iter().map(|list| list.size()[3]).max().unwrap_or(0);
        let padded = lists.iter().map(|list| list.f_pad([0, width - list.size()[3]], "constant", -1.0));
        let indices = Tensor::f_cat(&padded.collect::<Result<Vec<_>, _>>()?, 2)?;
        let list = IndexList::assume_valid(indices, None)?;
        previous.merge(Mask::from_indices(dims.mask_shape(), list)?)
    }
}
