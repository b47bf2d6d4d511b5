//! Matrices of weights in the forms in which they can be kept, and their products.

mod blocks;
mod dense;
mod split;
#[cfg(test)]
mod testing;

use std::rc::Rc;

use sah_tensor::element::{Bf16, Element, F16, F32};
use tch::{Device, Kind, Tensor};

pub(crate) use blocks::Blocks;
pub(crate) use split::MAX_ROWS;

use crate::Error;

/// A matrix `[outputs, inputs]`.
#[derive(Debug)]
pub(crate) enum Matrix {
    /// Contiguous, on any device.
    Dense(Tensor),
    /// On the CPU.
    Blocks(Rc<Blocks>),
}

impl Matrix {
    /// The same memory once more.
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Dense(tensor) => Self::Dense(tensor.shallow_clone()),
            Self::Blocks(blocks) => Self::Blocks(Rc::clone(blocks)),
        }
    }

    /// The same on another device. Blocks stay on the CPU: a model that keeps them is nowhere else.
    pub(crate) fn to_device(&self, device: Device) -> Result<Self, Error> {
        match self {
            Self::Dense(tensor) => Ok(Self::Dense(tensor.f_to_device(device)?)),
            Self::Blocks(_) => Ok(self.share()),
        }
    }

    /// Number of rows.
    pub(crate) fn outputs(&self) -> i64 {
        match self {
            Self::Dense(tensor) => tensor.size()[0],
            Self::Blocks(blocks) => blocks.rows() as i64,
        }
    }

    /// Number of columns.
    pub(crate) fn inputs(&self) -> i64 {
        match self {
            Self::Dense(tensor) => tensor.size()[1],
            Self::Blocks(blocks) => blocks.columns() as i64,
        }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Dense(tensor) => tensor.numel() as u64 * tensor.kind().elt_size_in_bytes() as u64,
            Self::Blocks(blocks) => blocks.bytes(),
        }
    }

    /// Where it is.
    pub(crate) fn device(&self) -> Device {
        match self {
            Self::Dense(tensor) => tensor.device(),
            Self::Blocks(_) => Device::Cpu,
        }
    }

    /// Whether [`Matrix::multiply_few`] can be called.
    pub(crate) fn has_own_product(&self) -> bool {
        match self {
            Self::Dense(tensor) if tensor.device() != Device::Cpu => false,
            Self::Dense(tensor) => match tensor.kind() {
                Kind::Float => true,
                Kind::BFloat16 | Kind::Half => self.inputs() % 2 == 0,
                _ => false,
            },
            Self::Blocks(_) => true,
        }
    }

    /// `outputs[n] = W x[n]` for up to [`MAX_ROWS`] rows of `x`, as many as there are outputs. Reads the weights from memory
    /// once, with all cores; sums are in f32.
    ///
    /// # Panics
    ///
    /// Where [`Matrix::has_own_product`] says no.
    pub(crate) fn multiply_few(&self, x: &[f32], outputs: Vec<&mut [f32]>) {
        let (columns, threads) = (self.inputs() as usize, tch::get_num_threads().max(1) as usize);
        match self {
            Self::Blocks(blocks) => blocks.multiply(x, outputs, threads),
            Self::Dense(tensor) => match tensor.kind() {
                Kind::Float => dense::multiply::<F32>(words::<F32>(tensor), columns, x, outputs, threads),
                Kind::BFloat16 => {
                    dense::multiply::<Bf16>(words::<Bf16>(tensor), columns, x, outputs, threads);
                }
                Kind::Half => dense::multiply::<F16>(words::<F16>(tensor), columns, x, outputs, threads),
                other => unreachable!("no own product of {other:?}"),
            },
        }
    }

    /// All values as `kind`, `[outputs, inputs]`; a new tensor where they are kept otherwise.
    pub(crate) fn expanded(&self, kind: Kind) -> Result<Tensor, Error> {
        match self {
            Self::Dense(tensor) => Ok(tensor.f_to_kind(kind)?),
            Self::Blocks(blocks) => {
                let tensor = Tensor::f_empty([self.outputs(), self.inputs()], (Kind::Float, Device::Cpu))?;
                with_values_mut(&tensor, |values| blocks.expand(values));
                Ok(tensor.f_to_kind(kind)?)
            }
        }
    }

    /// The rows `ids`, each of which must be there, as `kind`: `[1, Q, inputs]`.
    pub(crate) fn rows(&self, ids: &[i64], kind: Kind) -> Result<Tensor, Error> {
        let count = ids.len() as i64;
        match self {
            Self::Dense(tensor) => {
                let ids = Tensor::f_from_slice(ids)?.f_to_device(tensor.device())?.f_view([1, count])?;
                Ok(Tensor::f_embedding(tensor, &ids, -1, false, false)?.f_to_kind(kind)?)
            }
            Self::Blocks(blocks) => {
                let tensor = Tensor::f_empty([1, count, self.inputs()], (Kind::Float, Device::Cpu))?;
                with_values_mut(&tensor, |values| {
                    for (id, row) in ids.iter().zip(values.chunks_exact_mut(blocks.columns().max(1))) {
                        blocks.expand_row(*id as usize, row);
                    }
                });
                Ok(tensor.f_to_kind(kind)?)
            }
        }
    }
}

/// `x` as `kind`, itself where it is. A call of libtorch that has nothing to do takes its time, too.
pub(crate) fn as_kind(x: &Tensor, kind: Kind) -> Result<Tensor, Error> {
    Ok(if x.kind() == kind { x.shallow_clone() } else { x.f_to_kind(kind)? })
}

/// The words of a contiguous tensor on the CPU whose elements are `E`.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
fn words<E: Element>(tensor: &Tensor) -> &[E::Word] {
    debug_assert!(tensor.is_contiguous() && tensor.device() == Device::Cpu);
    // SAFETY: `tensor` is contiguous on the CPU and owns numel() values, of a kind of which `E::PER_WORD` make a word, aligned
    // for one as all of libtorch's memory. It outlives the slice, and nothing writes to weights.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<E::Word>(), tensor.numel() / E::PER_WORD) }
}

/// The values of a contiguous f32 tensor on the CPU.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub(crate) fn values(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::Float);
    // SAFETY: the tensor owns numel() f32 in one piece and outlives the slice. The caller writes to none of them meanwhile:
    // all writes of this crate go through `with_values_mut`, to tensors that nobody else knows.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// Hands the values of a new f32 tensor on the CPU, which nobody else knows yet, to `write`.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub(crate) fn with_values_mut<R>(tensor: &Tensor, write: impl FnOnce(&mut [f32]) -> R) -> R {
    assert!(tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::Float);
    // SAFETY: the tensor owns numel() f32 in one piece and outlives the slice; it was made by the caller and has not been
    // handed on.
    write(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) })
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::{Blocks, Matrix};
    use crate::weights::gguf::GgmlType;
    use std::rc::Rc;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn rows_and_expansions_of_blocks_are_those_of_the_tensor_that_they_stand_for() {
        // Row r of 64 columns: scale 2^-r, quants that count up from -32 in each half.
        let block = |row: u8| {
            let scale = f16::from_f32(f32::from(row).exp2().recip()).to_le_bytes();
            scale.into_iter().chain((0..32_u8).map(|i| i.wrapping_sub(32)))
        };
        let bytes: Vec<u8> = (0..5).flat_map(|row| block(row).chain(block(row))).collect();
        let blocks = Blocks::pack(GgmlType::Q8_0, 64, &bytes).unwrap();
        let matrix = Matrix::Blocks(Rc::new(blocks));
        let row = Tensor::arange_start(-32, 0, (Kind::Float, Device::Cpu)).repeat([2]);
        let scales = Tensor::arange(5, (Kind::Float, Device::Cpu)).neg().exp2().view([5, 1]);
        let expected = row.view([1, 64]) * scales;
        let expanded = matrix.expanded(Kind::Float).unwrap();
        assert!(expanded.equal(&expected));
        let ids = [4, 0, 4];
        let dense = Matrix::Dense(expanded);
        for kind in [Kind::Float, Kind::BFloat16] {
            let (rows, same) = (matrix.rows(&ids, kind).unwrap(), dense.rows(&ids, kind).unwrap());
            assert_eq!((rows.kind(), rows.size()), (kind, vec![1, 3, 64]));
            assert!(rows.equal(&same));
        }
    }
}
