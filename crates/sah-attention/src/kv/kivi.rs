//! Groups of numbers as codes of a few bits (KIVI: Liu et al. 2024, arXiv 2402.02750; the authors' code:
//! `github.com/jy-yuan/KIVI`).

use tch::{Kind, Tensor};

use super::format::{KiviBits, KvSide};
use crate::error::{Error, Result};

/// Tokens of a group of keys, and channels of one of values.
pub(super) const GROUP: usize = 32;

/// Tokens at the end of a context that are never packed, at least.
pub(super) const RECENT: usize = 128;

/// Bytes of a group's scale and minimum.
pub(super) const PARAMETER_BYTES: usize = 4;

/// How numbers are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grouping {
    pub(crate) bits: KiviBits,
    /// Tokens of a group.
    pub(crate) tokens: usize,
    /// Channels of a group.
    pub(crate) channels: usize,
}

/// Groups of rows of all heads.
#[derive(Debug)]
pub(crate) struct Groups {
    pub(crate) grouping: Grouping,
    /// `[B, Hkv, T, D / n]` of `Uint8` with `n` codes in a byte, the first in its lowest bits: code `j` of byte `i` is channel
    /// `j D / n + i`.
    pub(crate) codes: Tensor,
    /// `[B, Hkv, T / tokens, 2 D / channels]` of `Half`: scale and minimum of each group.
    pub(crate) parameters: Tensor,
}

impl Grouping {
    /// That of keys or values of `dim` channels.
    pub(super) fn new(bits: KiviBits, side: KvSide, dim: usize) -> Result<Self> {
        if !dim.is_multiple_of(bits.per_byte()) {
            return Err(Error::Field {
                field: "numbers of a key or a value that is packed",
                expected: "whole bytes of codes",
                found: format!("{dim} of {} bits", bits.count()),
            });
        }
        let (tokens, channels) = match side {
            KvSide::Keys => (GROUP, 1),
            KvSide::Values if dim.is_multiple_of(GROUP) => (1, GROUP),
            KvSide::Values => (1, dim),
        };
        Ok(Self { bits, tokens, channels })
    }

    /// `rows`, `[B, Hkv, T, D]` of a floating-point kind with `T` a multiple of the tokens of a group, as codes.
    pub(super) fn quantise(self, rows: &Tensor) -> Result<Groups> {
        let (batch, heads, count, dim) = rows.size4()?;
        let levels = f64::from((1_u32 << self.bits.count()) - 1);
        let numbers = self.grouped(&rows.f_to_kind(Kind::Float)?)?;
        let smallest = numbers.f_amin([3i64, 5].as_slice(), true)?;
        let largest = numbers.f_amax([3i64, 5].as_slice(), true)?;
        // Codes are of the scale and the minimum that are stored.
        let minimum = smallest.f_to_kind(Kind::Half)?;
        let scale = largest.f_sub(&smallest)?.f_div_scalar(levels)?.f_to_kind(Kind::Half)?;
        let (stored_scale, stored_minimum) = (scale.f_to_kind(Kind::Float)?, minimum.f_to_kind(Kind::Float)?);
        let codes = numbers.f_sub(&stored_minimum)?.f_div(&stored_scale)?.f_clamp(0.0, levels)?.f_round()?;
        // All numbers of a group are the same, or one is no number: the minimum or the scale says so.
        let codes = codes.f_nan_to_num(0.0, levels, 0.0)?.f_view([batch, heads, count, dim])?;
        let parameters = Tensor::f_stack(&[scale, minimum], -1)?;
        let (tokens, channels) = (self.tokens as i64, self.channels as i64);
        Ok(Groups {
            grouping: self,
            codes: self.pack(&codes.f_to_kind(Kind::Uint8)?)?,
            parameters: parameters.f_view([batch, heads, count / tokens, 2 * dim / channels])?,
        })
    }

    /// `[B, Hkv, T, D]` as `[B, Hkv, T / tokens, tokens, D / channels, channels]`.
    fn grouped(self, rows: &Tensor) -> Result<Tensor> {
        let (batch, heads, count, dim) = rows.size4()?;
        let (tokens, channels) = (self.tokens as i64, self.channels as i64);
        Ok(rows.f_reshape([batch, heads, count / tokens, tokens, dim / channels, channels])?)
    }

    /// Codes `[.., D]` of `Uint8` as bytes `[.., D / n]`.
    fn pack(self, codes: &Tensor) -> Result<Tensor> {
        let mut parts = codes.f_chunk(self.bits.per_byte() as i64, -1)?.into_iter();
        let Some(mut bytes) = parts.next().map(|first| first.copy()) else {
            return Ok(codes.shallow_clone());
        };
        for (part, number) in parts.zip(1..) {
            bytes = bytes.f_add(&part.f_mul_scalar(1_i64 << (number * self.bits.count()))?)?;
        }
        Ok(bytes)
    }

    /// What codes `[.., R, D / n]` with the parameters `[.., R, 2 D / channels]` of each row stand for: `[.., R, D]` of `Float`.
    fn expand(self, bytes: &Tensor, parameters: &Tensor) -> Result<Tensor> {
        let levels = 1_i64 << self.bits.count();
        let parts = (0..self.bits.per_byte() as u32).map(|number| {
            let shifted = bytes.f_floor_divide_scalar(1_i64 << (number * self.bits.count()))?;
            shifted.f_remainder(levels)
        });
        let codes = Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, -1)?.f_to_kind(Kind::Float)?;
        let of = |which: i64| {
            let chosen =
                parameters.f_unflatten(-1, [-1i64, 2])?.f_select(-1, which)?.f_to_kind(Kind::Float)?;
            chosen.f_repeat_interleave_self_int(self.channels as i64, -1, None)
        };
        Ok(codes.f_mul(&of(0)?)?.f_add(&of(1)?)?)
    }
}

impl Groups {
    /// Rows `first..first + count`, `[B, Hkv, count, D]` of `Float`.
    pub(super) fn expand(&self, first: usize, count: usize) -> Result<Tensor> {
        let tokens = self.grouping.tokens;
        let groups = first / tokens..(first + count).div_ceil(tokens);
        let parameters = self.parameters.f_narrow(2, groups.start as i64, groups.len() as i64)?;
        let of_rows = parameters.f_repeat_interleave_self_int(tokens as i64, 2, None)?;
        let of_rows = of_rows.f_narrow(2, (first - groups.start * tokens) as i64, count as i64)?;
        self.grouping.expand(&self.codes.f_narrow(2, first as i64, count as i64)?, &of_rows)
    }

    /// The rows at `indices` `[B, Hkv, R, N]`: `[B, Hkv, R, N, D]` of `Float`.
    pub(super) fn gather(&self, indices: &Tensor) -> Result<Tensor> {
        let codes = super::gather_rows(&self.codes, indices)?;
        let groups = indices.f_floor_divide_scalar(self.grouping.tokens as i64)?;
        self.grouping.expand(&codes, &super::gather_rows(&self.parameters, &groups)?)
    }

    /// Groups of some rows one after another.
    pub(super) fn join(parts: &[Self]) -> Result<Self> {
        let join = |of: fn(&Self) -> &Tensor| Tensor::f_cat(&parts.iter().map(of).collect::<Vec<_>>(), 2);
        Ok(Self {
            grouping: parts[0].grouping,
            codes: join(|part| &part.codes)?,
            parameters: join(|part| &part.parameters)?,
        })
    }

    /// A view of the heads `first..first + count`.
    pub(super) fn heads(&self, first: i64, count: i64) -> Result<Self> {
        let (codes, parameters) =
            (self.codes.f_narrow(1, first, count)?, self.parameters.f_narrow(1, first, count)?);
        Ok(Self { grouping: self.grouping, codes, parameters })
    }

    pub(super) fn view(&self) -> Self {
        Self {
            grouping: self.grouping,
            codes: self.codes.shallow_clone(),
            parameters: self.parameters.shallow_clone(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.codes.numel() + self.parameters.numel() * Kind::Half.elt_size_in_bytes()
    }
}
