//! Matrices in quantised blocks, of GGUF files and of safetensors: the bits of the file, packed for vectors, and never expanded as a whole.

mod dequant;
mod format;
mod integers;
mod k_quants;
mod kernel;
mod legacy;
mod look_up;
mod microscaling;
#[cfg(test)]
mod tests;
mod types;

use std::marker::PhantomData;
use std::ops::Range;

use crate::cpu::arch;
use rayon::prelude::*;

use self::format::Format;
use self::integers::{Group, PackGroups};
use self::kernel::{Expand, ExpandColumns, Inputs, Multiply, expand_row};
use crate::product::{PANEL, Panels};

pub use self::dequant::dequantise;
pub use self::types::{GgmlType, type_name};

/// Rows of inputs whose sums fit into the processor's registers.
const AT_ONCE: usize = 8;

/// A matrix `[rows, columns]` of quantised blocks.
pub struct Blocks {
    form: Form,
    rows: usize,
    columns: usize,
    /// Panel by panel of 16 rows, see [`Format`]. The last panel may have rows of zeros.
    words: Vec<u32>,
}

/// How its blocks are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ggml(GgmlType),
    /// Groups of 32 or of 128 columns.
    Int4By32,
    Int4By128,
    E4M3,
}

/// `$body` with `$format` for blocks packed as `$form`.
macro_rules! with_format {
    ($form:expr, $format:ident => $body:expr) => {
        match $form {
            Form::Int4By32 => {
                type $format = integers::Int4<32>;
                $body
            }
            Form::Int4By128 => {
                type $format = integers::Int4<128>;
                $body
            }
            Form::E4M3 => {
                type $format = integers::E4M3;
                $body
            }
            Form::Ggml(ty) => with_ggml!(ty, $format => $body),
        }
    };
}

/// The same for a type of GGUF files, which must be one that can be packed.
macro_rules! with_ggml {
    ($ty:expr, $format:ident => $body:expr) => {
        with_ggml!(@ $ty, $format => $body, legacy::{Q4_0, Q4_1, Q5_0, Q5_1, Q8_0}, k_quants::{Q4K, Q5K, Q6K}, microscaling::{Mxfp4})
    };
    (@ $ty:expr, $format:ident => $body:expr, $($module:ident::{$($name:ident),*}),*) => {
        match $ty {
            $($(GgmlType::$name => {
                type $format = $module::$name;
                $body
            })*)*
            other => unreachable!("{other:?} is not packed"),
        }
    };
}

impl Blocks {
    /// What an error lists.
    pub const SUPPORTED: &'static str = "Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, MXFP4";

    /// Whether matrices of this type can be packed.
    #[must_use]
    pub fn can_hold(ty: GgmlType) -> bool {
        use GgmlType::{Mxfp4, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
        matches!(ty, Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | Q4K | Q5K | Q6K | Mxfp4)
    }

    /// Packs rows of `columns` values, whole blocks of `ty`, as the file has them. `None` where a scale is infinite or no
    /// number, or so large that values are: the products would be wrong without a word.
    ///
    /// # Panics
    ///
    /// If `ty` [cannot be packed](Self::can_hold), or `bytes` are not whole rows of whole blocks.
    #[must_use]
    pub fn pack(ty: GgmlType, columns: usize, bytes: &[u8]) -> Option<Self> {
        assert!(columns.is_multiple_of(ty.block_len()), "{columns} columns are no whole blocks");
        let row_bytes = columns / ty.block_len() * ty.block_bytes();
        assert_eq!(bytes.len() % row_bytes.max(1), 0, "whole rows");
        let rows = bytes.len().checked_div(row_bytes).unwrap_or(0);
        if !bytes.par_chunks(ty.block_bytes()).all(|block| has_finite_scales(ty, block)) {
            return None;
        }
        let words = with_ggml!(ty, F => {
            let per_panel = columns.div_ceil(F::LEN) * F::WORDS * PANEL;
            let mut words = vec![0; rows.div_ceil(PANEL) * per_panel];
            let panels = words.par_chunks_mut(per_panel.max(1)).zip(bytes.par_chunks((PANEL * row_bytes).max(1)));
            panels.for_each(|(words, rows)| pack_panel::<F>(ty, words, rows, row_bytes));
            words
        });
        Some(Self { form: Form::Ggml(ty), rows, columns, words })
    }

    /// Packs integers of 4 bits, `[rows, columns]`, in groups of `group` columns, a multiple of 32 that divides `columns`: a value is
    /// `scale * (code - zero point)`, with `scales` and `zero_points` `[rows, columns / group]`. `None` where a scale is no finite f16 or bf16, or
    /// a zero point is above 31.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit each other.
    #[must_use]
    pub fn pack_int4(
        columns: usize,
        group: usize,
        codes: &[u8],
        scales: &[f32],
        zero_points: &[u8],
    ) -> Option<Self> {
        assert!(
            group.is_multiple_of(32) && columns.is_multiple_of(group),
            "groups of {group} in {columns} columns"
        );
        let per_row = columns / group;
        let rows = codes.len() / columns;
        assert!(codes.len() == rows * columns && scales.len() == rows * per_row, "sizes do not fit");
        assert_eq!(scales.len(), zero_points.len(), "a zero point for each scale");
        if !scales.iter().zip(zero_points).all(|(scale, point)| integers::fits(*scale, *point)) {
            return None;
        }
        let of = |row: usize, first: usize, length: usize| {
            let shared = row * per_row + first / group;
            let at = row * columns + first;
            Group { codes: &codes[at..at + length], scale: scales[shared], zero_point: zero_points[shared] }
        };
        Some(if group.is_multiple_of(128) {
            Self::of_groups::<integers::Int4<128>>(Form::Int4By128, rows, columns, of)
        } else {
            Self::of_groups::<integers::Int4<32>>(Form::Int4By32, rows, columns, of)
        })
    }

    /// Packs E4M3, `[rows, columns]`, with a scale for each block of `block` rows and columns, the latter a multiple of 64 or all columns:
    /// `scales` is `[rows / block, columns / block]`, rounded up. `None` where a number or a scale is not finite.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit each other.
    #[must_use]
    pub fn pack_e4m3(columns: usize, block: [usize; 2], codes: &[u8], scales: &[f32]) -> Option<Self> {
        let [block_rows, block_columns] = block;
        assert!(
            block_columns.is_multiple_of(64) || block_columns >= columns,
            "blocks of {block_columns} columns"
        );
        let per_row = columns.div_ceil(block_columns);
        let rows = codes.len() / columns;
        assert!(
            codes.len() == rows * columns && scales.len() == rows.div_ceil(block_rows) * per_row,
            "sizes do not fit"
        );
        if codes.par_iter().any(|code| code & 0x7F == 0x7F) || !scales.iter().all(|scale| scale.is_finite()) {
            return None;
        }
        let of = |row: usize, first: usize, length: usize| {
            let scale = scales[row / block_rows * per_row + first / block_columns];
            let at = row * columns + first;
            Group { codes: &codes[at..at + length], scale, zero_point: 0 }
        };
        Some(Self::of_groups::<integers::E4M3>(Form::E4M3, rows, columns, of))
    }

    /// Packs MXFP4, `[rows, columns]`: a value is a number of the form E2M1 times a power of 2. `codes`, `[rows, columns / 2]`, has two numbers a
    /// byte, the first in the lower bits, `exponents`, `[rows, columns / 32]`, those of the powers, plus 127. `None` where an exponent makes
    /// values that are not finite.
    ///
    /// # Panics
    ///
    /// Where `columns` is no multiple of 32, or the lengths do not fit each other.
    #[must_use]
    pub fn pack_mxfp4(columns: usize, codes: &[u8], exponents: &[u8]) -> Option<Self> {
        const SHARED: usize = microscaling::SHARED;
        const LEN: usize = microscaling::Mxfp4::LEN;
        assert!(columns.is_multiple_of(SHARED), "{columns} columns are no whole blocks");
        let rows = exponents.len() / (columns / SHARED).max(1);
        assert!(
            2 * codes.len() == rows * columns && SHARED * exponents.len() == rows * columns,
            "sizes do not fit"
        );
        if !exponents.iter().all(|exponent| microscaling::is_finite(*exponent)) {
            return None;
        }
        let form = Form::Ggml(GgmlType::Mxfp4);
        Some(Self::of_parts::<microscaling::Mxfp4>(form, rows, columns, |row, first, words| {
            let part = row * columns + first..row * columns + columns.min(first + LEN);
            let exponents = &exponents[part.start / SHARED..part.end / SHARED];
            microscaling::Mxfp4::pack_row(&codes[part.start / 2..part.end / 2], exponents, words);
        }))
    }

    /// Blocks of the groups that `of` gives for a row, a first column and a number of columns.
    fn of_groups<'a, F: PackGroups>(
        form: Form,
        rows: usize,
        columns: usize,
        of: impl Fn(usize, usize, usize) -> Group<'a> + Sync,
    ) -> Self {
        Self::of_parts::<F>(form, rows, columns, |row, first, words| {
            F::pack_group(&of(row, first, F::LEN.min(columns - first)), words);
        })
    }

    /// Blocks whose words, which are 0 before, `pack` writes for a row and a first column.
    fn of_parts<F: Format>(
        form: Form,
        rows: usize,
        columns: usize,
        pack: impl Fn(usize, usize, &mut [u32]) + Sync,
    ) -> Self {
        let per_panel = columns.div_ceil(F::LEN) * F::WORDS * PANEL;
        let mut words = vec![0; rows.div_ceil(PANEL) * per_panel];
        words.par_chunks_mut(per_panel.max(1)).enumerate().for_each(|(panel, words)| {
            let mut packed = vec![0; F::WORDS];
            for row in 0..PANEL.min(rows - panel * PANEL) {
                let first = (0..columns).step_by(F::LEN);
                for (first, words) in first.zip(words.chunks_exact_mut(F::WORDS * PANEL)) {
                    packed.fill(0);
                    pack(panel * PANEL + row, first, &mut packed);
                    for (word, packed) in words.chunks_exact_mut(PANEL).zip(&packed) {
                        word[row] = *packed;
                    }
                }
            }
        });
        Self { form, rows, columns, words }
    }

    /// Its rows in another order: row `i` is what row `from(i)` was.
    #[must_use]
    pub fn with_rows(&self, from: impl Fn(usize) -> usize + Sync) -> Self {
        let per_panel = self.words.len() / self.rows.div_ceil(PANEL).max(1);
        let mut words = vec![0; self.words.len()];
        words.par_chunks_mut(per_panel.max(1)).enumerate().for_each(|(panel, words)| {
            for row in 0..PANEL.min(self.rows - panel * PANEL) {
                let from = from(panel * PANEL + row);
                let old = self.words[from / PANEL * per_panel..][..per_panel].as_chunks::<PANEL>().0;
                for (word, old) in words.as_chunks_mut::<PANEL>().0.iter_mut().zip(old) {
                    word[row] = old[from % PANEL];
                }
            }
        });
        Self { words, ..*self }
    }

    /// One above another, where there are several, packed alike, and each fills its panels of 16 rows; else as they are.
    pub fn stacked(parts: Vec<Self>) -> Result<Self, Vec<Self>> {
        let is_alike = |part: &Self| {
            (part.form, part.columns) == (parts[0].form, parts[0].columns) && part.rows.is_multiple_of(PANEL)
        };
        if parts.len() < 2 || !parts.iter().all(is_alike) {
            return Err(parts);
        }
        let (form, columns) = (parts[0].form, parts[0].columns);
        let rows = parts.iter().map(|part| part.rows).sum();
        let mut words = Vec::with_capacity(parts.iter().map(|part| part.words.len()).sum());
        for part in parts {
            words.extend_from_slice(&part.words);
        }
        Ok(Self { form, rows, columns, words })
    }

    /// Number of rows: outputs.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: inputs.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        size_of_val(self.words.as_slice()) as u64
    }

    /// All values, `[rows, columns]`, in `output`.
    ///
    /// # Panics
    ///
    /// Where there is not room for exactly these.
    pub fn expand(&self, output: &mut [f32]) {
        assert_eq!(output.len(), self.rows * self.columns);
        self.expand_part(0, output);
    }

    /// The values of as many rows from row `first` on, a multiple of 16, as `output` has room for.
    ///
    /// # Panics
    ///
    /// Where there are fewer rows, or no whole ones.
    pub fn expand_part(&self, first: usize, output: &mut [f32]) {
        let rows = output.len() / self.columns.max(1);
        assert!(first.is_multiple_of(PANEL) && first + rows <= self.rows, "no {rows} rows from {first} on");
        assert_eq!(output.len(), rows * self.columns, "whole rows");
        let arch = arch();
        with_format!(self.form, F => {
            let per_panel = self.columns.div_ceil(F::LEN) * F::WORDS * PANEL;
            let words = &self.words[first / PANEL * per_panel..];
            let panels = output.par_chunks_mut((PANEL * self.columns).max(1)).zip(words.par_chunks(per_panel.max(1)));
            panels.for_each(|(output, words)| {
                arch.dispatch(Expand { words, columns: self.columns, output, format: PhantomData::<F> });
            });
        });
    }
}

impl Panels for Blocks {
    fn outputs(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn multiply_few(&self, first: usize, x: &[f32], outputs: &mut [&mut [f32]]) {
        // The blocks are read once for as many rows as have their sums in registers.
        for (outputs, x) in outputs.chunks_mut(AT_ONCE).zip(x.chunks(AT_ONCE * self.columns)) {
            with_format!(self.form, F => match outputs.len() {
                1 => self.multiply_rows::<F, 1>(first, x, outputs),
                2 => self.multiply_rows::<F, 2>(first, x, outputs),
                3 | 4 => self.multiply_rows::<F, 4>(first, x, outputs),
                _ => self.multiply_rows::<F, AT_ONCE>(first, x, outputs),
            });
        }
    }

    fn panel<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [f32]) -> &'a [f32] {
        let values = &mut scratch[..columns.len() * PANEL];
        with_format!(self.form, F => {
            let per_block = F::WORDS * PANEL;
            let panel = &self.words[number * self.columns.div_ceil(F::LEN) * per_block..];
            let words = &panel[columns.start / F::LEN * per_block..columns.end.div_ceil(F::LEN) * per_block];
            arch().dispatch(ExpandColumns { words, values, format: PhantomData::<F> });
        });
        values
    }

    fn row(&self, row: usize, output: &mut [f32]) {
        assert!(row < self.rows && output.len() == self.columns, "no row {row} of {} values", output.len());
        with_format!(self.form, F => {
            let per_panel = self.columns.div_ceil(F::LEN) * F::WORDS * PANEL;
            expand_row::<F>(&self.words[row / PANEL * per_panel..][..per_panel], row % PANEL, output);
        });
    }
}

impl Blocks {
    fn multiply_rows<F: Format, const N: usize>(&self, first: usize, x: &[f32], outputs: &mut [&mut [f32]]) {
        let inputs = &Inputs::<N>::new::<F>(x, self.columns);
        let blocks = self.columns.div_ceil(F::LEN);
        let per_panel = blocks * F::WORDS * PANEL;
        let words = &self.words[first * per_panel..][..outputs[0].len().div_ceil(PANEL) * per_panel];
        arch().dispatch(Multiply { words, blocks, inputs, outputs, format: PhantomData::<F> });
    }
}

/// Where the f16 of a block in the file are.
fn scale_positions(ty: GgmlType) -> &'static [usize] {
    use GgmlType::{Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    match ty {
        Q4_0 | Q5_0 | Q8_0 => &[0],
        Q4_1 | Q5_1 | Q4K | Q5K => &[0, 2],
        Q6K => &[208],
        _ => &[],
    }
}

fn has_finite_scales(ty: GgmlType, block: &[u8]) -> bool {
    if ty == GgmlType::Mxfp4 {
        return microscaling::is_finite(block[0]);
    }
    // The exponent of infinities and of what is no number.
    scale_positions(ty).iter().all(|at| block[at + 1] & 0x7C != 0x7C)
}

fn pack_panel<F: Format>(ty: GgmlType, panel: &mut [u32], rows: &[u8], row_bytes: usize) {
    let bytes = F::LEN / ty.block_len() * ty.block_bytes();
    let mut packed = vec![0; F::WORDS];
    for (row, blocks) in rows.chunks_exact(row_bytes).enumerate() {
        for (block, words) in blocks.chunks(bytes).zip(panel.chunks_exact_mut(F::WORDS * PANEL)) {
            packed.fill(0);
            F::pack(block, &mut packed);
            for (word, packed) in words.chunks_exact_mut(PANEL).zip(&packed) {
                word[row] = *packed;
            }
        }
    }
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blocks({:?}, [{}, {}])", self.form, self.rows, self.columns)
    }
}
