//! How much of what a call may read it reads.

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, Selection, Visible};

/// The density of one call: selected entries over the entries that causality and the layer's sliding window permit, in `(0, 1]`;
/// see [`Mask::density`].
///
/// That of key ranges is known at once. That of a list is counted by [`value`](Self::value): the list must be read back from its
/// device, which waits until the device has finished its work. A forward pass collects densities and counts them at the end.
#[derive(Debug)]
pub struct Density(Counted);

#[derive(Debug)]
enum Counted {
    Known(f64),
    Lists(Mask, Visible),
    Mean(Vec<Density>),
}

impl Density {
    /// Of a call that reads `mask`.
    pub(crate) fn of(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Self> {
        let visible = inputs.visible();
        Ok(Self(match mask.selection() {
            Selection::Sparse(sparse) if sparse.list().is_some() || sparse.pages().is_some() => {
                Counted::Lists(mask.shallow_clone(), visible)
            }
            _ => Counted::Known(mask.density_of(&visible)?),
        }))
    }

    /// One that the caller has counted.
    #[must_use]
    pub fn known(density: f64) -> Self {
        Self(Counted::Known(density))
    }

    /// The mean of those of a call's parts, each with as many heads; 0 of none.
    #[must_use]
    pub fn mean(parts: Vec<Self>) -> Self {
        Self(Counted::Mean(parts))
    }

    /// The density. Waits for the device where there is a list.
    pub fn value(&self) -> Result<f64> {
        match &self.0 {
            Counted::Known(density) => Ok(*density),
            Counted::Lists(mask, visible) => mask.density_of(visible),
            Counted::Mean(parts) => {
                let sum = parts.iter().try_fold(0.0, |sum, part| Ok(sum + part.value()?));
                sum.map(|sum: f64| sum / parts.len().max(1) as f64)
            }
        }
    }
}
