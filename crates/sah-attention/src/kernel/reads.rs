//! What the rows of a call read.

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, MaskShape, Row, RowRanges, Selection};

/// The keys that the rows of a call read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Reads<'a> {
    /// Every key up to each row's position and within the layer's sliding window: dense attention.
    All,
    /// The keys of a mask `[B, H, Q, K]` up to each row's position and within the layer's sliding window.
    Mask(&'a Mask),
    /// These keys and nothing else: neither causality nor the layer's window is applied. For rows of several sequences whose
    /// keys lie in one cache. There is a row for each query row, over as many keys.
    Ranges(&'a RowRanges),
}

impl Reads<'_> {
    /// Fails where these do not fit the inputs: [`Error::MaskShape`]; where they read evicted keys: [`Error::Evicted`]; and where
    /// a row reads nothing: [`Error::EmptySelection`].
    ///
    /// Reads an index list back from its device where ranges alone leave a row empty, and nothing otherwise.
    pub fn check(self, inputs: &AttentionInputs<'_>) -> Result<()> {
        match self {
            Self::All => inputs.check_all_keys("dense attention"),
            Self::Mask(mask) => check_mask(inputs, mask),
            Self::Ranges(ranges) => check_ranges(inputs, ranges),
        }
    }

    /// Whether they name no single keys and no pages: everything, or key ranges of rows or of blocks of rows.
    pub(crate) fn is_of_ranges(self) -> bool {
        match self {
            Self::All | Self::Ranges(_) => true,
            Self::Mask(mask) => match mask.selection() {
                Selection::Full | Selection::Empty => true,
                Selection::Sparse(sparse) => sparse.list().is_none() && sparse.pages().is_none(),
            },
        }
    }
}

fn check_mask(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<()> {
    let expected = inputs.dims().mask_shape();
    if *mask.shape() != expected {
        return Err(Error::MaskShape { expected, found: *mask.shape() });
    }
    if mask.is_full() {
        inputs.check_all_keys("a full mask")?;
    }
    match mask.first_row_without_entry(&inputs.visible())? {
        Some(row) => Err(Error::EmptySelection { row, layer: None, window: inputs.window() }),
        None => Ok(()),
    }
}

fn check_ranges(inputs: &AttentionInputs<'_>, ranges: &RowRanges) -> Result<()> {
    let dims = inputs.dims();
    if (ranges.queries(), ranges.keys()) != (dims.queries, dims.keys) {
        let expected = dims.mask_shape();
        let found = MaskShape { queries: ranges.queries(), keys: ranges.keys(), ..expected };
        return Err(Error::MaskShape { expected, found });
    }
    match ranges.rows().position(<[_]>::is_empty) {
        Some(query) => {
            let row = Row { batch: 0, head: 0, query };
            Err(Error::EmptySelection { row, layer: None, window: None })
        }
        None => Ok(()),
    }
}
