//! Tensors that grow with the KV cache, fork with it and are cut back with it.

use std::cell::Cell;

use sah_tensor::torch::leading;
use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// A tensor `[.., n]` to which columns are appended, one or more for a key or a page.
///
/// Room is kept for an eighth more. A fork shares memory until either side writes over what both see.
#[derive(Debug)]
pub struct GrowingTensor {
    /// `[.., room]`, perhaps followed by columns of other forks.
    buffer: Tensor,
    len: usize,
    room: usize,
    /// Columns that a fork may see: they are not written over.
    shared: Cell<usize>,
}

impl GrowingTensor {
    /// No column yet; `leading` are the sizes of the other dimensions.
    pub fn new(leading: &[usize], kind: Kind, device: Device) -> Result<Self> {
        let mut size: Vec<i64> = leading.iter().map(|&size| size as i64).collect();
        size.push(0);
        Ok(Self { buffer: Tensor::f_empty(size, (kind, device))?, len: 0, room: 0, shared: Cell::new(0) })
    }

    /// All columns, `[.., n]`.
    pub fn view(&self) -> Result<Tensor> {
        Ok(self.buffer.f_narrow(-1, 0, self.len as i64)?)
    }

    /// Forgets the columns from `at` on and writes `tail`, `[.., m]`, instead.
    ///
    /// # Panics
    ///
    /// Where there are fewer than `at` columns.
    pub fn write(&mut self, at: usize, tail: &Tensor) -> Result<()> {
        assert!(at <= self.len, "a column is written at {at} after {}", self.len);
        let added = tail.size().last().map_or(0, |&size| size as usize);
        let len = at + added;
        if len > self.room || at < self.shared.get() {
            let room = len + len / 8;
            let mut size = self.buffer.size();
            if let Some(last) = size.last_mut() {
                *last = room as i64;
            }
            let buffer = Tensor::f_empty(size, (self.buffer.kind(), self.buffer.device()))?;
            buffer.f_narrow(-1, 0, at as i64)?.f_copy_(&self.buffer.f_narrow(-1, 0, at as i64)?)?;
            (self.buffer, self.room) = (buffer, room);
            self.shared.set(0);
        }
        self.buffer.f_narrow(-1, at as i64, added as i64)?.f_copy_(tail)?;
        self.len = len;
        Ok(())
    }

    /// Forgets the columns from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// An independent copy.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.shared.set(self.shared.get().max(self.len));
        let shared = Cell::new(self.len);
        Self { buffer: self.buffer.shallow_clone(), len: self.len, room: self.len, shared }
    }

    /// Memory for the columns there are and those there is room for, in bytes; shared memory counts on both sides.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = self.buffer.size();
        let leading: i64 = size[..size.len() - 1].iter().product();
        leading as usize * self.room * self.buffer.kind().elt_size_in_bytes()
    }

    /// The columns of every leading index, in order, where they can be read on the host and are of this type.
    ///
    /// # Safety
    ///
    /// Nothing may write to a tensor of [`view`](Self::view) while the columns are in use.
    #[must_use]
    #[expect(unsafe_code, reason = "reads a tensor in place")]
    pub unsafe fn host_rows<T: tch::kind::Element>(&self) -> Option<Vec<&[T]>> {
        // SAFETY: the first `len` elements of each row were written. `write` needs the buffer mutably, and a fork that shares it
        // does not write over these columns.
        unsafe { leading(&self.buffer, self.len).ok() }
    }
}

#[cfg(test)]
#[expect(unsafe_code, reason = "calls the function under test")]
mod tests {
    use std::ops::Range;

    use super::*;

    fn columns(range: Range<i64>) -> Tensor {
        let row = Tensor::arange_start(range.start, range.end, (Kind::Int64, Device::Cpu));
        Tensor::stack(&[&row, &(&row + 100)], 0)
    }

    fn first_row(growing: &GrowingTensor) -> Vec<i64> {
        let view = growing.view().unwrap();
        // SAFETY: nothing writes to a view.
        let rows = unsafe { growing.host_rows::<i64>() }.unwrap();
        assert_eq!(rows[0], Vec::<i64>::try_from(view.get(0)).unwrap());
        assert_eq!(rows[1], Vec::<i64>::try_from(view.get(1)).unwrap());
        rows[0].to_vec()
    }

    #[test]
    fn grows_forks_and_is_cut_back() {
        let mut growing = GrowingTensor::new(&[2], Kind::Int64, Device::Cpu).unwrap();
        assert!(first_row(&growing).is_empty());
        growing.write(0, &columns(0..16)).unwrap();
        growing.write(16, &columns(16..18)).unwrap();
        assert_eq!((growing.len, growing.bytes()), (18, 2 * 18 * 8));
        growing.write(18, &columns(18..19)).unwrap();
        assert_eq!(growing.bytes(), 2 * 21 * 8, "an eighth of room");

        let mut fork = growing.fork();
        growing.truncate(10);
        growing.write(10, &columns(50..52)).unwrap();
        assert_eq!(first_row(&growing)[9..], [9, 50, 51]);
        assert_eq!(first_row(&fork), (0..19).collect::<Vec<_>>());
        fork.write(19, &columns(19..20)).unwrap();
        let mut second = fork.fork();
        fork.write(20, &columns(70..71)).unwrap();
        second.write(20, &columns(80..81)).unwrap();
        assert_eq!((first_row(&fork)[20], first_row(&second)[20]), (70, 80));
        assert_eq!(first_row(&growing).len(), 12);
        // SAFETY: nothing writes to a view.
        assert!(unsafe { growing.host_rows::<f32>() }.is_none());
    }
}
