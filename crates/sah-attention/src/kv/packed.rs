//! Rows of which some are packed.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::format::{KiviBits, KvSide};
use super::gather_rows;
use super::kivi::{GROUP, Grouping, Groups};
use crate::error::{Error, Result};

/// The packed ones of some rows, and where the others are.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) groups: Groups,
    /// One after another, from row 0 on, each of them with rows.
    pub(crate) spans: Vec<Span>,
}

/// Rows side by side that are packed, or are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) rows: Range<usize>,
    pub(crate) is_packed: bool,
    /// Where the first of them is: among the packed rows, or among the plain ones.
    pub(crate) first: usize,
}

impl Span {
    /// Where `row`, one of these, is.
    #[inline(always)]
    pub(crate) fn place(&self, row: usize) -> usize {
        self.first + row - self.rows.start
    }
}

impl Packed {
    /// Packs the rows `ranges` of `rows`, `[B, Hkv, K, D]`, whole groups each, ascending and apart; `None` where there are none.
    /// Gives also a copy of the other rows.
    pub(super) fn new(
        rows: &Tensor,
        (bits, side): (KiviBits, KvSide),
        ranges: &[Range<usize>],
    ) -> Result<(Option<Self>, Tensor)> {
        let (_, _, count, dim) = rows.size4()?;
        let grouping = Grouping::new(bits, side, dim as usize)?;
        let count = count as usize;
        let mut parts = Vec::new();
        let mut others = Vec::new();
        let (mut spans, mut end, mut packed, mut left) = (Vec::new(), 0, 0, 0);
        for range in ranges.iter().filter(|range| !range.is_empty()).chain([&(count..count)]) {
            if range.start < end || range.end > count || !range.len().is_multiple_of(GROUP) {
                return Err(Error::Field {
                    field: "rows that are packed",
                    expected: "whole groups, one after another",
                    found: format!("{range:?} of {count}"),
                });
            }
            let before = end..range.start;
            if !before.is_empty() {
                others.push(rows.f_narrow(2, before.start as i64, before.len() as i64)?);
                spans.push(Span { rows: before.clone(), is_packed: false, first: left });
                left += before.len();
            }
            if !range.is_empty() {
                let part = rows.f_narrow(2, range.start as i64, range.len() as i64)?;
                parts.push(grouping.quantise(&part)?);
                spans.push(Span { rows: range.clone(), is_packed: true, first: packed });
                packed += range.len();
            }
            end = range.end;
        }
        if others.is_empty() {
            others.push(rows.f_narrow(2, 0, 0)?);
        }
        let packed =
            if parts.is_empty() { None } else { Some(Self { groups: Groups::join(&parts)?, spans }) };
        Ok((packed, Tensor::f_cat(&others, 2)?))
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.spans.last().map_or(0, |span| span.rows.end)
    }

    /// The spans of the rows `rows`, counted from the first of these.
    fn spans_of(&self, rows: &Range<usize>) -> Vec<Span> {
        let cut = |span: &Span| {
            let both = span.rows.start.max(rows.start)..span.rows.end.min(rows.end);
            let first = (!both.is_empty()).then(|| span.place(both.start))?;
            let rows = both.start - rows.start..both.end - rows.start;
            Some(Span { rows, is_packed: span.is_packed, first })
        };
        self.spans.iter().filter_map(cut).collect()
    }

    /// A view of the rows `rows`, and of the `plain` ones of them where none is packed.
    pub(super) fn narrow(&self, plain: &Tensor, rows: &Range<usize>) -> Result<(Option<Self>, Tensor)> {
        let spans = self.spans_of(rows);
        match spans.as_slice() {
            [] => Ok((None, plain.f_narrow(2, 0, 0)?)),
            [Span { rows, is_packed: false, first }] => {
                Ok((None, plain.f_narrow(2, *first as i64, rows.len() as i64)?))
            }
            _ => Ok((Some(Self { groups: self.groups.view(), spans }), plain.shallow_clone())),
        }
    }

    /// Where among the plain rows the rows `rows` are, none of which may be packed.
    pub(super) fn plain(&self, rows: &Range<usize>) -> Result<usize> {
        match self.spans_of(rows).as_slice() {
            [] => Ok(0),
            [Span { is_packed: false, first, .. }] => Ok(*first),
            _ => Err(Error::PackedRows { first: rows.start, count: rows.len() }),
        }
    }

    /// All rows, with the `plain` ones, `[B, Hkv, K, D]` of `kind`.
    pub(super) fn expand(&self, plain: &Tensor, kind: Kind) -> Result<Tensor> {
        let expand = |span: &Span| -> Result<Tensor> {
            let numbers = if span.is_packed {
                self.groups.expand(span.first, span.rows.len())?
            } else {
                plain.f_narrow(2, span.first as i64, span.rows.len() as i64)?
            };
            Ok(numbers.f_to_kind(kind)?)
        };
        let parts = self.spans.iter().map(expand).collect::<Result<Vec<_>>>()?;
        Ok(if let [all] = parts.as_slice() { all.shallow_clone() } else { Tensor::f_cat(&parts, 2)? })
    }

    /// The rows at `indices` `[B, Hkv, R, N]`, `[B, Hkv, R, N, D]` of `kind`.
    pub(super) fn gather(&self, plain: &Tensor, indices: &Tensor, kind: Kind) -> Result<Tensor> {
        // Where each index is: among the packed rows, and among the plain ones.
        let mut is_packed = indices.f_lt(0)?;
        let (mut packed, mut other) = (indices.f_zeros_like()?, indices.f_zeros_like()?);
        for span in &self.spans {
            let within =
                indices.f_ge(span.rows.start as i64)?.f_logical_and(&indices.f_lt(span.rows.end as i64)?)?;
            let places = indices.f_add_scalar(span.first as i64 - span.rows.start as i64)?;
            if span.is_packed {
                packed = places.f_where_self(&within, &packed)?;
                is_packed = is_packed.f_logical_or(&within)?;
            } else {
                other = places.f_where_self(&within, &other)?;
            }
        }
        let from_groups = self.groups.gather(&packed)?.f_to_kind(kind)?;
        if self.spans.iter().all(|span| span.is_packed) {
            return Ok(from_groups);
        }
        let from_plain = gather_rows(plain, &other)?.f_to_kind(kind)?;
        Ok(from_groups.f_where_self(&is_packed.f_unsqueeze(-1)?, &from_plain)?)
    }

    /// Their memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.groups.bytes()
    }

    /// A view of the heads `heads`.
    pub(super) fn heads(&self, heads: &Range<usize>) -> Result<Self> {
        let groups = self.groups.heads(heads.start as i64, heads.len() as i64)?;
        Ok(Self { groups, spans: self.spans.clone() })
    }
}
