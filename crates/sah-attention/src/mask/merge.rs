//! The union of two selections.

use std::sync::Arc;

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::mask::{IndexList, Listed, Mask, RowRanges, Selection};

impl Mask {
    /// What either selects. Weights of an entry in both add, up to 1: deterministic beats sampled, full absorbs all.
    pub fn merge(self, other: Self) -> Result<Self> {
        if self.shape != other.shape {
            return Err(Error::MaskShape { expected: self.shape, found: other.shape });
        }
        let shape = self.shape;
        let (left, right) = match (self.selection, other.selection) {
            (Selection::Full, _) | (_, Selection::Full) => return Ok(Self::full(shape)),
            (Selection::Empty, selection) | (selection, Selection::Empty) => {
                return Ok(Self { shape, selection });
            }
            (Selection::Sparse(left), Selection::Sparse(right)) => (left, right),
        };
        let ranges = left.ranges.union(&right.ranges);
        let listed = match (left.listed, right.listed) {
            (Listed::Pages(pages), Listed::Nothing) | (Listed::Nothing, Listed::Pages(pages)) => {
                Listed::Pages(pages)
            }
            (Listed::Blocks(blocks), Listed::Nothing) | (Listed::Nothing, Listed::Blocks(blocks)) => {
                Listed::Blocks(blocks)
            }
            (Listed::Blocks(left), Listed::Blocks(right)) if let Some(union) = left.union(&right) => {
                Listed::Blocks(Arc::new(union))
            }
            (of_left, of_right) => {
                let first = of_left
                    .keys(&shape, &left.ranges)?
                    .map(|list| list.without(&right.ranges))
                    .transpose()?;
                let second = of_right
                    .keys(&shape, &right.ranges)?
                    .map(|list| list.without(&left.ranges))
                    .transpose()?;
                match (first, second) {
                    (Some(first), Some(second)) => Listed::Keys(first.union(second)?),
                    (one, other) => one.or(other).map_or(Listed::Nothing, Listed::Keys),
                }
            }
        };
        Ok(Self::sparse(shape, ranges, listed))
    }
}

impl IndexList {
    /// The entries that lie in none of the ranges; the others become padding.
    pub(super) fn without(self, ranges: &RowRanges) -> Result<Self> {
        if ranges.is_empty() || self.width() == 0 {
            return Ok(self);
        }
        let mut indices = self.indices().shallow_clone();
        let device = indices.device();
        // The n-th range of every row at once; rows with fewer get an empty one.
        for nth in 0..ranges.max_per_row() {
            let bound = |of: fn(&std::ops::Range<usize>) -> usize| -> Result<Tensor> {
                let bounds: Vec<i64> = ranges.rows().map(|row| row.get(nth).map_or(0, of) as i64).collect();
                Ok(Tensor::f_from_slice(&bounds)?.f_view([1, 1, -1, 1])?.f_to_device(device)?)
            };
            let inside = indices
                .f_ge_tensor(&bound(|range| range.start)?)?
                .f_logical_and(&indices.f_lt_tensor(&bound(|range| range.end)?)?)?;
            indices = indices.f_masked_fill(&inside, -1)?;
        }
        Self::assume_valid(indices, self.probabilities().map(Tensor::shallow_clone))
    }

    /// The entries of both lists, with the weights of an entry in both added up to 1.
    fn union(self, other: Self) -> Result<Self> {
        let indices = Tensor::f_cat(&[self.indices(), other.indices()], -1)?;
        let count = indices.size()[3];
        if count < 2 {
            return Ok(if self.width() == 1 { self } else { other });
        }
        // Each list has a key once at most, so that equal neighbours after sorting are a pair.
        let (sorted, order) = indices.f_sort(-1, false)?;
        let next = sorted.f_narrow(-1, 1, count - 1)?;
        let pair = sorted.f_narrow(-1, 0, count - 1)?.f_eq_tensor(&next)?.f_logical_and(&next.f_ge(0)?)?;
        let second = pair.f_constant_pad_nd([1, 0])?;
        let indices = sorted.f_masked_fill(&second, -1)?;
        if self.probabilities().is_none() && other.probabilities().is_none() {
            return Self::assume_valid(indices, None);
        }
        let weights = |list: &Self| match list.probabilities() {
            Some(probabilities) => Ok(probabilities.shallow_clone()),
            None => Tensor::f_ones(list.indices().size(), (Kind::Float, list.indices().device())),
        };
        let weights = Tensor::f_cat(&[weights(&self)?, weights(&other)?], -1)?.f_gather(-1, &order, false)?;
        // The first of a pair takes the weight of the second.
        let add = weights.f_narrow(-1, 1, count - 1)?.f_mul(&pair.f_to_kind(Kind::Float)?)?;
        let weights = weights.f_add(&add.f_constant_pad_nd([0, 1])?)?.f_clamp_max(1.0)?;
        Self::assume_valid(indices, Some(weights))
    }
}
