//! Matrices of weights in the forms in which they can be kept, and their products.

use std::rc::Rc;

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::packed::Packed;
use super::slice::{elements, written, written_bf16};
use crate::blocks::Blocks;
use crate::element::{Bf16, F32};
use crate::error::Error;
use crate::product::{self, DotProducts, PANEL, Panels};

/// Values in f32 that are made of blocks before they are rounded: few enough to stay in a cache, and in memory that is used again.
const EXPANDED_AT_ONCE: i64 = 1 << 20;

/// A matrix `[outputs, inputs]`.
#[derive(Debug)]
pub enum Matrix {
    /// Contiguous, on any device: what is looked up, and what libtorch multiplies.
    Dense(Tensor),
    /// On the CPU, f32, bf16 or f16.
    Packed(Packed),
    /// On the CPU, quantised.
    Blocks(Rc<Blocks>),
}

impl Matrix {
    /// `matrix`, `[outputs, inputs]`, packed for our own products where there are any: on the CPU, in f32, bf16 and f16. Takes its memory: no other
    /// handle or view of it can be used any more.
    pub fn packed(matrix: Tensor) -> Result<Self, Error> {
        Ok(if Packed::takes(&matrix) { Self::Packed(Packed::new(&matrix)?) } else { Self::Dense(matrix) })
    }

    /// The same memory once more.
    #[must_use]
    pub fn share(&self) -> Self {
        match self {
            Self::Dense(tensor) => Self::Dense(tensor.shallow_clone()),
            Self::Packed(packed) => Self::Packed(packed.share()),
            Self::Blocks(blocks) => Self::Blocks(Rc::clone(blocks)),
        }
    }

    /// The same on another device. Blocks stay on the CPU: a model that keeps them is nowhere else.
    pub fn to_device(&self, device: Device) -> Result<Self, Error> {
        match self {
            Self::Dense(tensor) => Ok(Self::Dense(tensor.f_to_device(device)?)),
            Self::Packed(packed) if device != Device::Cpu => {
                Ok(Self::Dense(packed.expanded(packed.kind())?.f_to_device(device)?))
            }
            Self::Packed(_) | Self::Blocks(_) => Ok(self.share()),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        match self {
            Self::Dense(tensor) => tensor.size()[0],
            Self::Packed(packed) => packed.outputs(),
            Self::Blocks(blocks) => blocks.rows() as i64,
        }
    }

    /// Number of columns.
    #[must_use]
    pub fn inputs(&self) -> i64 {
        match self {
            Self::Dense(tensor) => tensor.size()[1],
            Self::Packed(packed) => packed.inputs(),
            Self::Blocks(blocks) => blocks.columns() as i64,
        }
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Dense(tensor) => tensor.numel() as u64 * tensor.kind().elt_size_in_bytes() as u64,
            Self::Packed(packed) => packed.bytes(),
            Self::Blocks(blocks) => blocks.bytes(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(tensor) => tensor.device(),
            Self::Packed(_) | Self::Blocks(_) => Device::Cpu,
        }
    }

    /// Whether [`Matrix::multiply`] takes it.
    #[must_use]
    pub fn has_own_product(&self) -> bool {
        !matches!(self, Self::Dense(_))
    }

    /// `x W^T` of `x`, `[1, rows, inputs]` in f32, contiguous on the CPU, with the outputs of all `matrices`, which have the same inputs, one
    /// after another: `[1, rows, outputs]`. Sums are in f32.
    ///
    /// Fails where [`Matrix::has_own_product`] says no.
    #[expect(unsafe_code, reason = "reads tensors in place")]
    pub fn multiply(matrices: &[Self], x: &Tensor) -> Result<Tensor, Error> {
        let (_, rows, inputs) = x.size3()?;
        if matrices.iter().any(|matrix| matrix.inputs() != inputs) {
            return Err(Error::Shape {
                expected: format!("rows of inputs of {matrices:?}"),
                found: x.size(),
            });
        }
        // SAFETY: all that is written while the slices are in use is the output, which is new.
        let (weights, x) = unsafe {
            let weights = matrices.iter().map(|matrix| matrix.panels());
            (weights.collect::<Result<Vec<_>, _>>()?, elements::<F32>(x)?)
        };
        let weights: Vec<&dyn Panels> = weights.iter().map(|weights| &**weights).collect();
        let threads = tch::get_num_threads().max(1) as usize;
        let outputs = matrices.iter().map(Self::outputs).sum::<i64>();
        Ok(written([1, rows, outputs], |output| {
            product::multiply(&weights, x, rows as usize, output, threads);
        })?)
    }

    /// [`Matrix::multiply`] in bf16: `x` is bf16, weights are rounded to it, and sums, which are in f32, to `kind`: f32 or bf16. `None` where the processor
    /// has no dot products of bf16 that take these columns.
    #[expect(unsafe_code, reason = "reads tensors in place")]
    pub fn multiply_bf16(matrices: &[Self], x: &Tensor, kind: Kind) -> Result<Option<Tensor>, Error> {
        let (_, rows, inputs) = x.size3()?;
        if matrices.iter().any(|matrix| matrix.inputs() != inputs) {
            return Err(Error::Shape {
                expected: format!("rows of inputs of {matrices:?}"),
                found: x.size(),
            });
        }
        let Some(products) = DotProducts::fastest().filter(|products| products.takes(inputs as usize)) else {
            return Ok(None);
        };
        // SAFETY: all that is written while the slices are in use is the output, which is new.
        let (weights, x) = unsafe {
            let weights = matrices.iter().map(|matrix| matrix.panels());
            (weights.collect::<Result<Vec<_>, _>>()?, elements::<Bf16>(x)?)
        };
        let weights: Vec<&dyn Panels> = weights.iter().map(|weights| &**weights).collect();
        let threads = tch::get_num_threads().max(1) as usize;
        let outputs = matrices.iter().map(Self::outputs).sum::<i64>();
        let (rows, size) = (rows as usize, [1, rows, outputs]);
        Ok(Some(if kind == Kind::BFloat16 {
            written_bf16(size, |output| product::multiply_bf16(products, &weights, x, rows, output, threads))?
        } else {
            written(size, |output| product::multiply_bf16(products, &weights, x, rows, output, threads))?
        }))
    }

    /// `x W^T` of one row of f32 with each of `matrices`, which are alike in size: row `i` of `x`, `[n, inputs]`, or its only row, contiguous
    /// on the CPU, with matrix `i`. Gives `[n, outputs]`. All matrices are read at once, with all cores; sums are in f32.
    ///
    /// Fails where [`Matrix::has_own_product`] says no.
    #[expect(unsafe_code, reason = "reads tensors in place")]
    pub fn multiply_each(matrices: &[&Self], x: &Tensor) -> Result<Tensor, Error> {
        let (rows, inputs) = x.size2()?;
        let outputs = matrices.first().map_or(0, |matrix| matrix.outputs());
        let is_alike = |matrix: &&Self| (matrix.outputs(), matrix.inputs()) == (outputs, inputs);
        if !matrices.iter().all(is_alike) || rows != 1 && rows != matrices.len() as i64 {
            let expected = format!("a row of inputs for each of {matrices:?}");
            return Err(Error::Shape { expected, found: x.size() });
        }
        // SAFETY: all that is written while the slices are in use is the output, which is new.
        let (weights, x) = unsafe {
            let weights = matrices.iter().map(|matrix| matrix.panels());
            (weights.collect::<Result<Vec<_>, _>>()?, elements::<F32>(x)?)
        };
        let (columns, outputs) = (inputs as usize, outputs as usize);
        let threads = tch::get_num_threads().max(1) as usize;
        // Each thread has a part of every matrix.
        let part = outputs.div_ceil(threads).next_multiple_of(PANEL);
        Ok(written([matrices.len() as i64, outputs as i64], |output| {
            let of_matrices = output.chunks_exact_mut(outputs.max(1)).enumerate();
            let parts = of_matrices.flat_map(|(number, output)| {
                output.chunks_mut(part).enumerate().map(move |(at, output)| (number, at * part, output))
            });
            let parts: Vec<(usize, usize, &mut [f32])> = parts.collect();
            let row =
                |number: usize| if rows == 1 { x } else { &x[number * columns..(number + 1) * columns] };
            parts.into_par_iter().with_max_len(1).for_each(|(number, first, output)| {
                weights[number].multiply_few(first / PANEL, row(number), &mut [output]);
            });
        })?)
    }

    /// The weights where they lie.
    ///
    /// # Safety
    ///
    /// Nothing may write to the matrix while they are in use.
    #[expect(unsafe_code, reason = "reads tensors in place")]
    unsafe fn panels(&self) -> Result<Box<dyn Panels + '_>, Error> {
        match self {
            Self::Dense(tensor) => {
                Err(Error::Shape { expected: "a packed matrix".into(), found: tensor.size() })
            }
            // SAFETY: that of this function.
            Self::Packed(packed) => unsafe { packed.panels() },
            Self::Blocks(blocks) => Ok(Box::new(&**blocks)),
        }
    }

    /// All values as `kind`, `[outputs, inputs]`; a new tensor where they are kept otherwise.
    pub fn expanded(&self, kind: Kind) -> Result<Tensor, Error> {
        match self {
            Self::Dense(tensor) => Ok(tensor.f_to_kind(kind)?),
            Self::Packed(packed) => packed.expanded(kind),
            Self::Blocks(blocks) if kind == Kind::Float => {
                Ok(written([self.outputs(), self.inputs()], |values| blocks.expand(values))?)
            }
            Self::Blocks(blocks) => {
                let (outputs, inputs) = (self.outputs(), self.inputs());
                let all = Tensor::f_empty([outputs, inputs], (kind, Device::Cpu))?;
                let step =
                    (EXPANDED_AT_ONCE / inputs.max(1)).max(1).unsigned_abs().next_multiple_of(PANEL as u64);
                for first in (0..outputs).step_by(step as usize) {
                    let count = (outputs - first).min(step as i64);
                    let rows = written([count, inputs], |values| blocks.expand_part(first as usize, values))?;
                    all.f_narrow(0, first, count)?.f_copy_(&rows)?;
                }
                Ok(all)
            }
        }
    }

    /// The rows `ids` as `kind`: `[1, Q, inputs]`. Fails where one is not there.
    #[expect(unsafe_code, reason = "reads tensors in place")]
    pub fn rows(&self, ids: &[i64], kind: Kind) -> Result<Tensor, Error> {
        let count = ids.len() as i64;
        if let Self::Dense(tensor) = self {
            let ids = Tensor::f_from_slice(ids)?.f_to_device(tensor.device())?.f_view([1, count])?;
            return Ok(Tensor::f_embedding(tensor, &ids, -1, false, false)?.f_to_kind(kind)?);
        }
        let outputs = self.outputs();
        if let Some(id) = ids.iter().find(|&&id| id < 0 || id >= outputs) {
            let expected = format!("a matrix with a row {id}");
            return Err(Error::Shape { expected, found: vec![outputs, self.inputs()] });
        }
        // SAFETY: all that is written while the weights are in use is the output, which is new.
        let weights = unsafe { self.panels()? };
        let tensor = written([1, count, self.inputs()], |values| {
            let rows = values.par_chunks_exact_mut(self.inputs().max(1) as usize).zip(ids);
            rows.with_min_len(32).for_each(|(row, id)| weights.row(*id as usize, row));
        })?;
        Ok(tensor.f_to_kind(kind)?)
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::{Blocks, Matrix};
    use crate::blocks::GgmlType;
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
        let (packed, dense) = (Matrix::packed(expanded.copy()).unwrap(), Matrix::Dense(expanded));
        for kind in [Kind::Float, Kind::BFloat16] {
            let (rows, same) = (matrix.rows(&ids, kind).unwrap(), dense.rows(&ids, kind).unwrap());
            assert_eq!((rows.kind(), rows.size()), (kind, vec![1, 3, 64]));
            assert!(rows.equal(&same) && packed.rows(&ids, kind).unwrap().equal(&same));
        }
        for id in [-1, 5, 15] {
            assert!(
                matrix.rows(&[0, id], Kind::Float).is_err() && dense.rows(&[0, id], Kind::Float).is_err()
            );
        }
    }

    #[test]
    fn blocks_that_are_expanded_in_parts_are_rounded_as_all_at_once() {
        // More than two parts, the last of odd rows.
        let rows = 2 * super::EXPANDED_AT_ONCE / 64 + 21;
        let block = |row: i64| {
            let quants = (0..32_u8).map(move |at| at.wrapping_mul(37).wrapping_add(row as u8));
            f16::from_f32(0.01 + row as f32 * 1e-5).to_le_bytes().into_iter().chain(quants)
        };
        let bytes: Vec<u8> = (0..rows).flat_map(|row| block(row).chain(block(row + 7))).collect();
        let matrix = Matrix::Blocks(Rc::new(Blocks::pack(GgmlType::Q8_0, 64, &bytes).unwrap()));
        let whole = matrix.expanded(Kind::Float).unwrap();
        for kind in [Kind::BFloat16, Kind::Half] {
            let found = matrix.expanded(kind).unwrap();
            assert_eq!((found.kind(), found.size()), (kind, vec![rows, 64]));
            assert!(found.equal(&whole.to_kind(kind)));
        }
    }

    #[test]
    fn a_row_with_each_of_several_is_what_they_give_by_themselves() {
        tch::manual_seed(20);
        let random = |size: &[i64]| Tensor::randn(size, (Kind::Float, Device::Cpu));
        for (outputs, inputs) in [(40, 64), (16, 128), (7, 64), (1, 64)] {
            let mut matrices: Vec<Matrix> = [Kind::Float, Kind::BFloat16, Kind::Half]
                .into_iter()
                .map(|kind| Matrix::packed(random(&[outputs, inputs]).to_kind(kind)).unwrap())
                .collect();
            let block = |row: i64| {
                let quants = (0..32_u8).map(move |at| at.wrapping_mul(37).wrapping_add(row as u8));
                f16::from_f32(0.01).to_le_bytes().into_iter().chain(quants)
            };
            let bytes: Vec<u8> = (0..outputs * inputs / 32).flat_map(block).collect();
            let blocks = Blocks::pack(GgmlType::Q8_0, inputs as usize, &bytes).unwrap();
            matrices.push(Matrix::Blocks(Rc::new(blocks)));
            let all: Vec<&Matrix> = matrices.iter().collect();
            for rows in [1, 4] {
                let x = random(&[rows, inputs]);
                let found = Matrix::multiply_each(&all, &x).unwrap();
                assert_eq!(found.size(), [4, outputs]);
                for (number, matrix) in matrices.iter().enumerate() {
                    let row = x.narrow(0, (number as i64).min(rows - 1), 1).view([1, 1, inputs]);
                    let alone = Matrix::multiply(std::slice::from_ref(matrix), &row).unwrap();
                    assert!(
                        found.get(number as i64).allclose(&alone.view([-1]), 1e-5, 1e-5, false),
                        "{matrix:?}"
                    );
                }
            }
            assert!(Matrix::multiply_each(&all, &random(&[3, inputs])).is_err());
            assert!(Matrix::multiply_each(&all, &random(&[1, inputs + 2])).is_err());
        }
    }

    #[test]
    fn weights_and_rows_that_cannot_be_multiplied_in_place_are_refused() {
        let random = |size: &[i64]| Tensor::randn(size, (Kind::Float, Device::Cpu));
        let weight = Matrix::packed(random(&[8, 6])).unwrap();
        let multiply = |weight: &Matrix, x: Tensor| Matrix::multiply(std::slice::from_ref(weight), &x);
        for rows in [1, 3, 17, 40] {
            assert_eq!(multiply(&weight, random(&[1, rows, 6])).unwrap().size(), [1, rows, 8]);
        }
        let doubles = Matrix::packed(random(&[8, 6]).to_kind(Kind::Double)).unwrap();
        for (case, weight, x) in [
            ("weights in f64", &doubles, random(&[1, 3, 6])),
            ("other inputs", &weight, random(&[1, 3, 5])),
            ("rows apart", &weight, random(&[1, 6, 3]).transpose(1, 2)),
            ("rows of bf16", &weight, random(&[1, 3, 6]).to_kind(Kind::BFloat16)),
        ] {
            assert!(multiply(weight, x).is_err(), "{case}");
        }
    }

    #[test]
    fn packed_weights_come_back_as_they_were() {
        for size in [[32, 64], [7, 5], [1, 1], [16, 3], [50, 6]] {
            for kind in [Kind::Float, Kind::BFloat16, Kind::Half] {
                let weight = Tensor::randn(size, (Kind::Float, Device::Cpu)).to_kind(kind);
                for (case, given) in [
                    ("whole", weight.copy()),
                    ("transposed", weight.transpose(0, 1).contiguous().transpose(0, 1)),
                ] {
                    let packed = Matrix::packed(given).unwrap();
                    assert_eq!((packed.outputs(), packed.inputs()), (size[0], size[1]));
                    assert!(packed.expanded(kind).unwrap().equal(&weight), "{case} {size:?} {kind:?}");
                    let apart = packed.to_device(Device::Cpu).unwrap().expanded(Kind::Float).unwrap();
                    assert!(apart.equal(&weight.to_kind(Kind::Float)), "{case} {size:?} {kind:?}");
                }
            }
        }
    }
}
