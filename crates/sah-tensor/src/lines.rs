//! Memory for vectors.

use pulp::bytemuck::Zeroable;

/// Numbers of 32 bits that begin with a cache line: a vector that crosses one takes two reads.
#[derive(Debug)]
pub struct Lines<T = f32> {
    buffer: Vec<T>,
    start: usize,
    length: usize,
}

const LINE: usize = 64;

impl<T: Copy + Zeroable> Lines<T> {
    /// `length` zeros.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        let more = LINE / size_of::<T>();
        let buffer = vec![T::zeroed(); length + more];
        let start = buffer.as_ptr().align_offset(LINE).min(more);
        Self { buffer, start, length }
    }

    /// The numbers.
    #[inline(always)]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.length]
    }

    /// The numbers.
    #[inline(always)]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}
