//! Tensors as the rows of their heads.

use tch::{Device, Kind, Tensor};

use super::slice::{check_kind, layout, start};
use crate::element::{Bf16, Codes, Element, F16, F32, Int8};
use crate::error::Error;
use crate::rows::Rows;

/// An element that tensors of one kind hold. No other crate can implement it.
pub trait Stored: Element + sealed::Sealed {
    /// The kind. [`Element::PER_WORD`] of its elements take as many bytes as a word.
    const KIND: Kind;
}

mod sealed {
    use crate::element::{Bf16, Codes, F16, F32, Int8};

    /// That a word is [`Element::PER_WORD`](super::Element::PER_WORD) elements of a kind is what unsafe code relies on.
    pub trait Sealed {}

    impl Sealed for F32 {}
    impl Sealed for Bf16 {}
    impl Sealed for F16 {}
    impl Sealed for Int8 {}
    impl Sealed for Codes {}
}

impl Stored for F32 {
    const KIND: Kind = Kind::Float;
}

impl Stored for Bf16 {
    const KIND: Kind = Kind::BFloat16;
}

impl Stored for F16 {
    const KIND: Kind = Kind::Half;
}

impl Stored for Int8 {
    const KIND: Kind = Kind::Int8;
}

impl Stored for Codes {
    const KIND: Kind = Kind::Uint8;
}

/// Whether [`heads`] reads `tensor`, `[B, H, N, W]`: on the CPU, of the kind of `E`, the elements of a row side by side, and
/// every row beginning with a word.
pub fn is_readable<E: Stored>(tensor: &Tensor) -> Result<bool, Error> {
    if tensor.device() != Device::Cpu || tensor.f_kind()? != E::KIND {
        return Ok(false);
    }
    let (_, _, _, width) = tensor.size4()?;
    let (of_batch, of_head, of_row, of_element) = tensor.stride4()?;
    let is_whole = |elements: i64| elements >= 0 && elements % E::PER_WORD as i64 == 0;
    // libtorch aligns storages for any word; a view may begin within one.
    let is_aligned = tensor.data_ptr().cast::<E::Word>().is_aligned();
    Ok(of_element == 1 && is_aligned && [width, of_batch, of_head, of_row].into_iter().all(is_whole))
}

/// The rows of each head of `tensor`, `[B, H, N, W]`, those of the first sequence first.
///
/// Fails where the tensor is not [readable](is_readable).
///
/// # Safety
///
/// Nothing may write to the tensor's memory while the rows are in use, through whatever handle or view.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub unsafe fn heads<E: Stored>(tensor: &Tensor) -> Result<Vec<Rows<'_, E>>, Error> {
    check_kind(tensor, E::KIND)?;
    if !is_readable::<E>(tensor)? {
        return Err(layout(tensor));
    }
    let (batch, heads, rows, width) = tensor.size4()?;
    let (of_batch, of_head, of_row, _) = tensor.stride4()?;
    let start = start::<E::Word>(tensor)?;
    let words = |elements: i64| elements as usize / E::PER_WORD;
    if tensor.numel() == 0 {
        return Ok((0..batch * heads).map(|_| Rows::new(&[], 0, 0)).collect());
    }
    let length = words((rows - 1) * of_row + width);
    let rows_of = |head: i64| {
        let first = words(head / heads * of_batch + head % heads * of_head);
        // SAFETY: by the tensor's sizes and strides these elements are its own; `is_readable` says that they are whole words,
        // aligned, and any bits are a word. It is borrowed, so that its memory stays; the caller sees to it that nobody writes.
        let words_of_head = unsafe { std::slice::from_raw_parts(start.as_ptr().add(first), length) };
        Rows::new(words_of_head, words(of_row), words(width))
    };
    Ok((0..batch * heads).map(rows_of).collect())
}

#[cfg(test)]
#[expect(unsafe_code, reason = "calls the functions under test")]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{heads, is_readable};
    use crate::element::{Bf16, F32, Int8};
    use crate::error::Error;

    fn counting(size: &[i64]) -> Tensor {
        Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu)).view(size)
    }

    #[test]
    fn rows_of_views_are_those_of_their_heads() {
        let cache = counting(&[2, 3, 5, 4]);
        let heads_last = counting(&[2, 5, 3, 4]).transpose(1, 2);
        for view in [cache.shallow_clone(), cache.narrow(2, 1, 3), cache.narrow(1, 1, 2), heads_last] {
            let (batch, count, rows, _) = view.size4().unwrap();
            // SAFETY: nothing writes to tensors of this test.
            let found = unsafe { heads::<F32>(&view).unwrap() };
            assert_eq!(found.len() as i64, batch * count);
            for (number, head) in found.iter().enumerate() {
                let (sequence, of_sequence) = (number as i64 / count, number as i64 % count);
                for row in 0..rows {
                    let expected = view.select(0, sequence).select(0, of_sequence).select(0, row);
                    assert_eq!(head.row(row as usize), Vec::<f32>::try_from(expected).unwrap());
                }
            }
        }
    }

    #[test]
    fn no_rows_are_none() {
        for size in [[2, 3, 0, 4], [0, 3, 5, 4], [2, 3, 5, 0]] {
            let cache = counting(&size);
            // SAFETY: nothing writes to tensors of this test.
            let found = unsafe { heads::<F32>(&cache).unwrap() };
            assert_eq!(found.len() as i64, size[0] * size[1]);
        }
    }

    #[test]
    fn what_is_no_row_of_words_is_refused() {
        let cache = counting(&[1, 2, 6, 8]);
        let refused = |cache: &Tensor| {
            assert!(!is_readable::<F32>(cache).unwrap());
            // SAFETY: nothing writes to tensors of this test.
            unsafe { heads::<F32>(cache).unwrap_err() }
        };
        assert!(matches!(refused(&cache.transpose(2, 3)), Error::Layout { .. }));
        assert!(matches!(refused(&cache.to_kind(Kind::BFloat16)), Error::Kind { .. }));
        let sequence = cache.select(0, 0);
        // SAFETY: nothing writes to tensors of this test.
        assert!(matches!(unsafe { heads::<F32>(&sequence) }, Err(Error::Tch(_))), "three dimensions");

        let halves = cache.to_kind(Kind::BFloat16);
        assert!(is_readable::<Bf16>(&halves).unwrap());
        assert!(!is_readable::<Bf16>(&halves.narrow(3, 0, 7)).unwrap(), "half a word is left");
        assert!(!is_readable::<Bf16>(&halves.narrow(3, 1, 6)).unwrap(), "begins within a word");
        let bytes = cache.to_kind(Kind::Int8);
        assert!(is_readable::<Int8>(&bytes.narrow(3, 4, 4)).unwrap());
        assert!(!is_readable::<Int8>(&bytes.narrow(3, 2, 4)).unwrap(), "begins within a word");
    }
}
