//! Tensors that are put together when they are written.

use std::borrow::Cow;

use safetensors::{Dtype, View};
use sah_pickle::Strided;

/// A tensor, or equal ones of all heads on top of one another.
#[derive(Debug)]
pub(super) struct Stacked<'a> {
    element: Dtype,
    shape: Vec<usize>,
    /// One after another in memory; `None` is a head of zeros.
    parts: Vec<Option<Strided<'a>>>,
}

impl<'a> Stacked<'a> {
    /// The tensor as it is.
    pub(super) fn single(tensor: Strided<'a>) -> Self {
        Self { element: tensor.element(), shape: tensor.shape().to_vec(), parts: vec![Some(tensor)] }
    }

    /// `[H, ..]` of `H` parts, all like `model` or absent; else the number of one that is not.
    pub(super) fn stack(model: &Strided<'a>, parts: Vec<Option<Strided<'a>>>) -> Result<Self, usize> {
        let alike = |part: &Strided<'_>| part.element() == model.element() && part.shape() == model.shape();
        if let Some(other) = parts.iter().position(|part| part.as_ref().is_some_and(|part| !alike(part))) {
            return Err(other);
        }
        let shape = std::iter::once(parts.len()).chain(model.shape().iter().copied()).collect();
        Ok(Self { element: model.element(), shape, parts })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes of all elements; saturates.
    pub(super) fn bytes(&self) -> usize {
        let one = self.parts.iter().flatten().next().map_or(0, Strided::bytes);
        one.saturating_mul(self.parts.len())
    }
}

impl View for &Stacked<'_> {
    fn dtype(&self) -> Dtype {
        self.element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut data = Vec::with_capacity(self.bytes());
        for part in &self.parts {
            match part {
                Some(part) => part.copy_to(&mut data),
                None => data.resize(data.len() + self.bytes() / self.parts.len(), 0),
            }
        }
        data.into()
    }

    fn data_len(&self) -> usize {
        self.bytes()
    }
}
