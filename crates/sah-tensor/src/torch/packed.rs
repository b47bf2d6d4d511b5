//! Plain weights that are packed in panels.

use tch::{Device, Kind, Tensor};

use super::slice::{elements, start};
use crate::element::{Bf16, F16, F32};
use crate::error::Error;
use crate::product::{self, PANEL, Panels, Plain};

/// A matrix `[outputs, inputs]` of f32, bf16 or f16 on the CPU, packed in [panels](product).
#[derive(Debug)]
pub struct Packed {
    /// `[panels, columns, 16]`, what [`product::pack`] makes of rows. Rows and columns are filled up with zeros to whole panels and whole
    /// words.
    words: Tensor,
    outputs: i64,
    inputs: i64,
}

impl Packed {
    /// Whether `matrix` can be packed.
    pub(super) fn takes(matrix: &Tensor) -> bool {
        let is_taken = matches!(matrix.kind(), Kind::Float | Kind::BFloat16 | Kind::Half);
        matrix.device() == Device::Cpu && is_taken && matrix.dim() == 2
    }

    /// Packs `matrix`, which [can be](Self::takes), in its own memory where it is contiguous and of whole panels and words. No other handle or
    /// view of it can be used any more.
    #[expect(unsafe_code, reason = "packs a tensor in place")]
    pub(super) fn new(matrix: &Tensor) -> Result<Self, Error> {
        let (outputs, inputs) = matrix.size2()?;
        let panel = PANEL as i64;
        let per_word = per_word(matrix.kind());
        let (rows, columns) = (whole(outputs, panel), whole(inputs, per_word));
        let words = if (rows, columns) == (outputs, inputs) {
            matrix.f_contiguous()?
        } else {
            let filled_up = Tensor::f_zeros([rows, columns], (matrix.kind(), Device::Cpu))?;
            filled_up.f_narrow(0, 0, outputs)?.f_narrow(1, 0, inputs)?.f_copy_(matrix)?;
            filled_up
        };
        let (count, columns) = (words.numel(), columns as usize);
        if per_word == 1 {
            let place = start::<u32>(&words)?;
            // SAFETY: the tensor has `count` elements of 32 bits in one piece, aligned, any bits are a number, and the caller has
            // given it away.
            product::pack::<u32, 1>(
                unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), count) },
                columns,
            );
        } else {
            let place = start::<u16>(&words)?;
            // SAFETY: the same with 16 bits.
            product::pack::<u16, 2>(
                unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), count) },
                columns,
            );
        }
        let words = words.f_view([rows / panel, columns as i64, panel])?;
        Ok(Self { words, outputs, inputs })
    }

    /// The same memory once more.
    pub(super) fn share(&self) -> Self {
        Self { words: self.words.shallow_clone(), ..*self }
    }

    pub(super) fn outputs(&self) -> i64 {
        self.outputs
    }

    pub(super) fn inputs(&self) -> i64 {
        self.inputs
    }

    pub(super) fn bytes(&self) -> u64 {
        self.words.numel() as u64 * self.words.kind().elt_size_in_bytes() as u64
    }

    /// The kind of its values.
    pub(super) fn kind(&self) -> Kind {
        self.words.kind()
    }

    /// All values as `kind`, `[outputs, inputs]`, in a new tensor.
    pub(super) fn expanded(&self, kind: Kind) -> Result<Tensor, Error> {
        let (panels, columns, panel) = self.words.size3()?;
        let per_word = per_word(self.words.kind());
        let rows = self.words.f_view([panels, columns / per_word, panel, per_word])?.f_transpose(1, 2)?;
        let rows = rows.f_reshape([panels * panel, columns])?;
        let rows = rows.f_narrow(0, 0, self.outputs)?.f_narrow(1, 0, self.inputs)?;
        Ok(rows.f_to_kind(kind)?.f_contiguous()?)
    }

    /// The matrix where it lies.
    ///
    /// # Safety
    ///
    /// Nothing may write to it while it is in use.
    #[expect(unsafe_code, reason = "reads a tensor in place")]
    pub(super) unsafe fn panels(&self) -> Result<Box<dyn Panels + '_>, Error> {
        let (outputs, inputs) = (self.outputs as usize, self.inputs as usize);
        // SAFETY: that of this function.
        unsafe {
            Ok(match self.words.kind() {
                Kind::BFloat16 => {
                    Box::new(Plain::<Bf16>::new(elements::<Bf16>(&self.words)?, outputs, inputs))
                }
                Kind::Half => Box::new(Plain::<F16>::new(elements::<F16>(&self.words)?, outputs, inputs)),
                _ => Box::new(Plain::<F32>::new(elements::<F32>(&self.words)?, outputs, inputs)),
            })
        }
    }
}

/// Elements in a word.
fn per_word(kind: Kind) -> i64 {
    if kind == Kind::Float { 1 } else { 2 }
}

/// `count` rounded up to a multiple of `granule`.
fn whole(count: i64, granule: i64) -> i64 {
    (count + granule - 1) / granule * granule
}
