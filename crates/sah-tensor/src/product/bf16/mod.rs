//! Products of many rows in bf16, with sums in f32, by the processor's own dot products.
//!
//! Two products of bf16 numbers are added to an f32 sum at once. Rounding within such a step is the processor's; what comes out lies as close to the exact sum as
//! sums in f32 do, and is then rounded to bf16 by whoever keeps it in bf16.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::panels::Panels;
use crate::lines::Lines;

/// Which dot products the processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DotProducts {
    /// Of vectors: AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    Vectors,
    /// Of tiles of 16 rows: AMX-BF16.
    #[cfg(target_arch = "x86_64")]
    Tiles,
}

impl DotProducts {
    /// All that there are, the fastest last.
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Vectors,
        #[cfg(target_arch = "x86_64")]
        Self::Tiles,
    ];

    /// Whether this processor has them, and they are [allowed](crate::cpu::Instructions::allowed).
    #[must_use]
    pub fn are_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vectors => avx512::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => amx::is_available(),
        }
    }

    /// All that this processor has, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|products| products.are_available()).collect()
    }

    /// The fastest that this processor has.
    #[must_use]
    pub fn fastest() -> Option<Self> {
        static FASTEST: std::sync::OnceLock<Option<DotProducts>> = std::sync::OnceLock::new();
        *FASTEST.get_or_init(|| Self::available().pop())
    }

    /// Whether rows of so many columns can be multiplied.
    #[must_use]
    pub fn takes(self, columns: usize) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vectors => columns.is_multiple_of(2),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => columns.is_multiple_of(amx::COLUMNS),
        }
    }

    /// Rows of inputs that are multiplied at once.
    pub(super) fn height(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vectors => avx512::HEIGHT,
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => amx::HEIGHT,
        }
    }

    /// `x`, `[rows, columns]` of two columns a word, as the product reads it.
    pub(super) fn arrange(self, x: &[u32], words: usize) -> Inputs {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vectors => avx512::arrange(x, words),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => amx::arrange(x, words),
        }
    }

    /// Multiplies panels of `weights` from number `first` on with the rows from tile `first_tile` on, for each of which `outputs` has those of
    /// these panels.
    pub(super) fn multiply<O: Output>(
        self,
        weights: &dyn Panels,
        first: usize,
        x: &Inputs,
        first_tile: usize,
        outputs: &mut [&mut [O]],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vectors => avx512::multiply(weights, first, x, first_tile, outputs),
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => amx::multiply(weights, first, x, first_tile, outputs),
        }
    }
}

/// What a sum is kept as.
pub trait Output: Copy + Default + Send {
    /// Of a sum.
    fn of(sum: f32) -> Self;
}

impl Output for f32 {
    #[inline(always)]
    fn of(sum: f32) -> Self {
        sum
    }
}

/// The bits of a bf16.
impl Output for u16 {
    #[inline(always)]
    fn of(sum: f32) -> Self {
        round(sum)
    }
}

/// The bits of the nearest bf16, the even one of two.
#[inline(always)]
pub(super) fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = (bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16) as u16;
    if value.is_nan() { 0x7FC0 } else { rounded }
}

/// Writes `sums` to `outputs`, as far as there is room.
#[inline(always)]
fn write<O: Output>(outputs: &mut [O], sums: &[f32]) {
    outputs.iter_mut().zip(sums).for_each(|(output, sum)| *output = O::of(*sum));
}

/// Rows of inputs in tiles of [`DotProducts::height`] rows, the last filled up with zeros.
#[derive(Debug)]
pub(super) struct Inputs {
    /// Two columns a word.
    words: Lines<u32>,
    /// Words of a tile.
    stride: usize,
}
