//! The memory of tensors as slices: a copy of what is large takes as long as what is done with it.

use std::ptr::NonNull;

use tch::{Device, Kind, TchError, Tensor};

use super::rows::Stored;
use crate::element::F32;
use crate::error::Error;

/// Fails where `tensor` is not on the CPU or has elements of another kind.
pub(super) fn check_kind(tensor: &Tensor, kind: Kind) -> Result<(), Error> {
    let device = tensor.device();
    if device != Device::Cpu {
        return Err(Error::Device(device));
    }
    match tensor.f_kind()? {
        found if found == kind => Ok(()),
        found => Err(Error::Kind { expected: kind, found }),
    }
}

/// The error of a tensor that is laid out otherwise than it must be.
pub(super) fn layout(tensor: &Tensor) -> Error {
    Error::Layout { size: tensor.size(), stride: tensor.stride() }
}

/// Fails where `tensor` does not hold elements of `kind` on the CPU, one after another.
fn check_contiguous(tensor: &Tensor, kind: Kind) -> Result<(), Error> {
    check_kind(tensor, kind)?;
    if tensor.is_contiguous() { Ok(()) } else { Err(layout(tensor)) }
}

/// Where the elements of `tensor` begin. A tensor of none may have no memory, but a slice must point somewhere.
pub(super) fn start<T>(tensor: &Tensor) -> Result<NonNull<T>, Error> {
    let start = NonNull::new(tensor.data_ptr().cast::<T>()).unwrap_or(NonNull::dangling());
    if start.is_aligned() { Ok(start) } else { Err(layout(tensor)) }
}

/// The elements of a tensor on the CPU, which must lie one after another, as words of `E`.
///
/// # Safety
///
/// Nothing may write to the tensor's memory while the slice is in use, through whatever handle or view.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub unsafe fn elements<E: Stored>(tensor: &Tensor) -> Result<&[E::Word], Error> {
    check_contiguous(tensor, E::KIND)?;
    let count = tensor.numel();
    if !count.is_multiple_of(E::PER_WORD) {
        return Err(layout(tensor));
    }
    let start = start::<E::Word>(tensor)?;
    // SAFETY: the tensor has `count` elements in one piece, which are whole words (`Stored`), aligned, and any bits are a word.
    // It is borrowed, so that its memory stays; the caller sees to it that nobody writes there.
    Ok(unsafe { std::slice::from_raw_parts(start.as_ptr(), count / E::PER_WORD) })
}

/// The first `count` elements of every row, `[.., n]`, of a contiguous tensor on the CPU.
///
/// # Safety
///
/// These elements have been written, and nothing may write to them while the slices are in use.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub unsafe fn leading<T: tch::kind::Element>(tensor: &Tensor, count: usize) -> Result<Vec<&[T]>, Error> {
    check_contiguous(tensor, T::KIND)?;
    let size = tensor.size();
    let (width, leading) =
        size.split_last().map_or((1, &[][..]), |(width, leading)| (*width as usize, leading));
    if count > width {
        return Err(Error::Shape {
            expected: format!("one of at least {count} elements a row"),
            found: size,
        });
    }
    let start = start::<T>(tensor)?;
    let rows = leading.iter().product::<i64>() as usize;
    // SAFETY: the tensor has `rows` rows of `width` elements of type `T` in one piece, aligned, and `count` is no more than
    // `width`. It is borrowed, so that its memory stays; the caller says that these elements hold values and stay as they are.
    let row = |row: usize| unsafe { std::slice::from_raw_parts(start.as_ptr().add(row * width), count) };
    Ok((0..rows).map(row).collect())
}

/// A new f32 tensor on the CPU. `write` gets its elements, whatever they are, and writes all of them.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub fn written(size: impl AsRef<[i64]>, write: impl FnOnce(&mut [f32])) -> Result<Tensor, TchError> {
    let tensor = Tensor::f_empty(size.as_ref(), (Kind::Float, Device::Cpu))?;
    let start = NonNull::new(tensor.data_ptr().cast::<f32>()).unwrap_or(NonNull::dangling());
    // SAFETY: the tensor was made here: it has numel() f32 in one piece, aligned as all that libtorch allocates, outlives the
    // slice, and nobody else knows it yet.
    write(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), tensor.numel()) });
    Ok(tensor)
}

/// A new bf16 tensor on the CPU. `write` gets the bits of its elements, whatever they are, and writes all of them.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub(super) fn written_bf16(
    size: impl AsRef<[i64]>,
    write: impl FnOnce(&mut [u16]),
) -> Result<Tensor, TchError> {
    let tensor = Tensor::f_empty(size.as_ref(), (Kind::BFloat16, Device::Cpu))?;
    let start = NonNull::new(tensor.data_ptr().cast::<u16>()).unwrap_or(NonNull::dangling());
    // SAFETY: as in `written`, with elements of 16 bits.
    write(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), tensor.numel()) });
    Ok(tensor)
}

/// Hands the elements of `x` to `write`, with those of `others`: all are f32, contiguous and on the CPU, and none of `others`
/// shares memory with `x`. `write` cannot call libtorch on any of them: a tensor is not `Sync`.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub(super) fn in_place<const N: usize>(
    x: &mut Tensor,
    others: [&Tensor; N],
    write: impl FnOnce(&mut [f32], [&[f32]; N]) + Sync,
) -> Result<(), Error> {
    check_contiguous(x, Kind::Float)?;
    let (place, count) = (start::<f32>(x)?, x.numel());
    let mut slices = [&[][..]; N];
    for (slice, other) in slices.iter_mut().zip(others) {
        // SAFETY: nothing but `write` writes before the slices are gone, to memory that is checked to be apart below.
        *slice = unsafe { elements::<F32>(other)? };
        let (ours, theirs) = (place.addr().get(), slice.as_ptr().addr());
        if ours < theirs + size_of_val(*slice) && theirs < ours + count * size_of::<f32>() {
            return Err(Error::Overlap);
        }
    }
    // SAFETY: `x` has `count` f32 in one piece, aligned, and is borrowed mutably; its memory is not that of `slices`. Other
    // handles of it are not used: `write`, which is of this crate, holds no tensor and calls nothing of libtorch.
    write(unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), count) }, slices);
    Ok(())
}

#[cfg(test)]
#[expect(unsafe_code, reason = "calls the functions under test")]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{elements, in_place, leading, written};
    use crate::element::{Bf16, F16, F32, Int8};
    use crate::error::Error;

    fn counting(size: &[i64]) -> Tensor {
        Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu)).view(size)
    }

    #[test]
    fn elements_are_read_where_they_lie() {
        let tensor = counting(&[2, 3]);
        // SAFETY: nothing writes to tensors of this test.
        unsafe {
            assert_eq!(elements::<F32>(&tensor).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            assert_eq!(elements::<F32>(&tensor.select(0, 1)).unwrap(), [3.0, 4.0, 5.0]);
            let halves = tensor.to_kind(Kind::BFloat16);
            assert_eq!(elements::<Bf16>(&halves).unwrap()[0], 0x3F80_0000, "0 and 1");
            assert!(elements::<F32>(&counting(&[0, 3])).unwrap().is_empty());
            assert!(elements::<F32>(&Tensor::empty([0], (Kind::Float, Device::Cpu))).unwrap().is_empty());
        }
    }

    #[test]
    fn tensors_that_are_laid_out_otherwise_are_refused() {
        let tensor = counting(&[4, 6]);
        // SAFETY: nothing writes to tensors of this test.
        unsafe {
            for view in
                [tensor.transpose(0, 1), tensor.narrow(1, 0, 3), tensor.narrow(1, 0, 1).expand([4, 6], false)]
            {
                assert!(matches!(elements::<F32>(&view), Err(Error::Layout { .. })), "{view:?}");
            }
            let error = elements::<F32>(&tensor.to_kind(Kind::Double)).unwrap_err();
            assert!(matches!(error, Error::Kind { expected: Kind::Float, found: Kind::Double }), "{error}");
            assert!(matches!(elements::<F16>(&tensor.to_kind(Kind::BFloat16)), Err(Error::Kind { .. })));
            let odd = counting(&[3, 1]).to_kind(Kind::Half);
            assert!(matches!(elements::<F16>(&odd), Err(Error::Layout { .. })), "half a word is left");
            let within_a_word = counting(&[12]).to_kind(Kind::Half).narrow(0, 1, 2);
            assert!(
                matches!(elements::<F16>(&within_a_word), Err(Error::Layout { .. })),
                "begins within a word"
            );
            let bytes = counting(&[12]).to_kind(Kind::Int8).narrow(0, 2, 8);
            assert!(matches!(elements::<Int8>(&bytes), Err(Error::Layout { .. })), "begins within a word");
        }
    }

    #[test]
    #[ignore = "needs a CUDA device"]
    fn memory_on_cuda_is_refused() {
        let tensor = Tensor::zeros([2], (Kind::Float, Device::Cuda(0)));
        // SAFETY: nothing writes to tensors of this test.
        assert!(matches!(unsafe { elements::<F32>(&tensor) }, Err(Error::Device(Device::Cuda(0)))));
    }

    #[test]
    fn leading_elements_of_rows_are_no_more_than_a_row_has() {
        let tensor = Tensor::arange(12, (Kind::Int64, Device::Cpu)).view([2, 2, 3]);
        // SAFETY: nothing writes to tensors of this test.
        unsafe {
            assert_eq!(leading::<i64>(&tensor, 2).unwrap(), [[0, 1], [3, 4], [6, 7], [9, 10]]);
            assert!(matches!(leading::<i64>(&tensor, 4), Err(Error::Shape { .. })));
            assert!(matches!(leading::<i32>(&tensor, 2), Err(Error::Kind { .. })));
            assert!(matches!(leading::<i64>(&tensor.transpose(0, 2), 1), Err(Error::Layout { .. })));
            let none = Tensor::empty([2, 0], (Kind::Int64, Device::Cpu));
            assert_eq!(leading::<i64>(&none, 0).unwrap(), [[0; 0]; 2]);
        }
    }

    #[test]
    fn a_new_tensor_has_what_was_written() {
        let tensor = written([2, 2], |elements| elements.copy_from_slice(&[1.0, 2.0, 3.0, 4.0])).unwrap();
        assert!(tensor.equal(&(counting(&[2, 2]) + 1.0)));
        assert_eq!(written([3, 0], |elements| assert!(elements.is_empty())).unwrap().size(), [3, 0]);
    }

    #[test]
    fn what_is_read_may_not_be_what_is_written() {
        let all = counting(&[4, 4]);
        let add = |x: &mut [f32], [y]: [&[f32]; 1]| x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        for (to, from) in [(0..2, 0..2), (0..2, 1..3), (1..3, 0..2), (0..4, 1..2)] {
            let rows = |rows: std::ops::Range<i64>| all.narrow(0, rows.start, rows.end - rows.start);
            let error = in_place(&mut rows(to), [&rows(from)], add).unwrap_err();
            assert!(matches!(error, Error::Overlap), "{error}");
        }
        in_place(&mut all.narrow(0, 0, 2), [&all.narrow(0, 2, 2)], add).unwrap();
        assert_eq!(Vec::<f32>::try_from(all.select(1, 0)).unwrap(), [8.0, 16.0, 8.0, 12.0]);
        let mut transposed = all.transpose(0, 1);
        assert!(matches!(in_place(&mut transposed, [], |_, []| {}), Err(Error::Layout { .. })));
    }
}
