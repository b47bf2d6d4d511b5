//! Memory for vectors.

/// Floats that begin with a cache line: a vector that crosses one takes two reads.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<f32>,
    start: usize,
    length: usize,
}

const LINE: usize = 64;

impl Lines {
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let buffer = vec![0.0_f32; length + LINE / size_of::<f32>()];
        let start = buffer.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        Self { buffer, start, length }
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.length]
    }

    #[inline(always)]
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}
