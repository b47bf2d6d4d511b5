//! Tensors as views of bytes.

use safetensors::Dtype;

use crate::value::TensorEntry;
use crate::{Problem, Result};

/// A tensor whose elements all lie in `data`; it has one at least, and no more than `data` has.
#[derive(Clone, Debug)]
pub struct Strided<'a> {
    element: Dtype,
    data: &'a [u8],
    /// In elements, like the strides.
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<'a> Strided<'a> {
    pub(crate) fn new(element: Dtype, data: &'a [u8], entry: &TensorEntry) -> Result<Self> {
        let TensorEntry { offset, shape, strides, .. } = entry;
        let room = data.len() / size(element);
        // The last element that is read; `None` where a number overflows or there is no element.
        let last = shape.iter().zip(strides).try_fold(*offset, |last, (&length, &stride)| {
            last.checked_add(length.checked_sub(1)?.checked_mul(stride)?)
        });
        let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length));
        if shape.len() != strides.len()
            || last.is_none_or(|last| last >= room)
            || count.is_none_or(|count| count > room)
        {
            let problem = format!(
                "a tensor of shape {shape:?}, strides {strides:?} and offset {offset} does not lie in its {room} elements"
            );
            return Err(Problem::Tensor(problem));
        }
        Ok(Self { element, data, offset: *offset, shape: shape.clone(), strides: strides.clone() })
    }

    /// The type of its elements.
    #[must_use]
    pub fn element(&self) -> Dtype {
        self.element
    }

    /// Its shape, without a 0.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * size(self.element)
    }

    /// A matrix the other way round.
    #[must_use]
    pub fn transposed(mut self) -> Self {
        self.shape.reverse();
        self.strides.reverse();
        self
    }

    /// Appends the elements to `out`, row after row.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        let size = size(self.element);
        let mut index = vec![0; self.shape.len()];
        let mut at = self.offset;
        loop {
            out.extend_from_slice(&self.data[at * size..(at + 1) * size]);
            // The next index, as an odometer counts.
            let mut axis = self.shape.len();
            loop {
                let Some(next) = axis.checked_sub(1) else { return };
                axis = next;
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
    }
}

/// Bytes of an element.
pub(crate) fn size(element: Dtype) -> usize {
    element.bitsize() / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(entry: &TensorEntry) -> Result<Vec<u8>> {
        let data: Vec<u8> = (0..24).collect();
        let mut out = Vec::new();
        Strided::new(Dtype::F16, &data, entry)?.copy_to(&mut out);
        Ok(out)
    }

    fn entry(offset: usize, shape: &[usize], strides: &[usize]) -> TensorEntry {
        TensorEntry { storage: 0, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn elements_come_row_after_row() {
        assert_eq!(bytes_of(&entry(1, &[2, 2], &[1, 3])).unwrap(), [2, 3, 8, 9, 4, 5, 10, 11]);
        assert_eq!(bytes_of(&entry(2, &[2, 1, 2], &[4, 9, 1])).unwrap(), [4, 5, 6, 7, 12, 13, 14, 15]);
        assert_eq!(bytes_of(&entry(3, &[], &[])).unwrap(), [6, 7]);
    }

    #[test]
    fn a_tensor_outside_its_storage_is_an_error() {
        assert_eq!(bytes_of(&entry(0, &[12], &[1])).unwrap().len(), 24);
        for wrong in [
            entry(1, &[12], &[1]),
            entry(0, &[13], &[0]),
            entry(0, &[0], &[1]),
            entry(0, &[2, 7], &[6, 1]),
            entry(0, &[2], &[1, 1]),
            entry(usize::MAX, &[2], &[usize::MAX]),
            entry(0, &[usize::MAX, usize::MAX], &[0, 0]),
        ] {
            assert!(matches!(bytes_of(&wrong), Err(Problem::Tensor(_))), "{wrong:?}");
        }
    }
}
