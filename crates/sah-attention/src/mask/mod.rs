//! Which keys each query row reads.

mod blocks;
mod indices;
mod merge;
mod pages;
mod ranges;
mod visible;

use std::fmt;
use std::sync::Arc;

use tch::{Device, Kind, Tensor};

pub use blocks::{BlockRanges, RowBlocks};
pub use indices::IndexList;
pub use pages::PageList;
pub(crate) use pages::outside;
pub use ranges::RowRanges;
pub use visible::Visible;

use crate::error::{Error, Result};

/// Shape of a mask, `[B, H, Q, K]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskShape {
    /// Batch size, `B`.
    pub batch: usize,
    /// Query heads, `H`.
    pub heads: usize,
    /// Query rows, `Q`.
    pub queries: usize,
    /// Keys, `K`; at least `Q`.
    pub keys: usize,
}

impl fmt::Display for MaskShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}, {}]", self.batch, self.heads, self.queries, self.keys)
    }
}

/// One row of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Index in the batch.
    pub batch: usize,
    /// Query head.
    pub head: usize,
    /// Query row.
    pub query: usize,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query row {} of head {}, batch entry {}", self.query, self.head, self.batch)
    }
}

/// The keys that each query row reads, and with which weight.
///
/// An entry `(b, h, i, j)` has weight 0 (not selected), 1 (selected), or `p` in `(0, 1)`: selected because it was sampled
/// with inclusion probability `p`. Attention divides the exponentiated score of an entry by its weight.
///
/// A mask selects; causality, and the sliding window of a layer that has one, are applied by what uses it. It may name
/// keys in the future of a row or out of its window: kernels do not read them and densities do not count them.
///
/// A row with nothing selected is allowed here, because a later masker may add to it. Computing attention over such a row
/// is [`Error::EmptySelection`].
#[derive(Debug)]
pub struct Mask {
    shape: MaskShape,
    selection: Selection,
}

/// What a [`Mask`] selects, in the form in which it was chosen.
#[derive(Debug)]
#[non_exhaustive]
pub enum Selection {
    /// Nothing.
    Empty,
    /// Everything that causality permits.
    Full,
    /// Key ranges, a list of single keys or of pages, ranges of heads and blocks of rows, or ranges and one of these.
    Sparse(SparseSelection),
}

/// Key ranges that all heads share, and a list per head: of single keys, none of which is in a range of its row, of
/// pages, or of key ranges for blocks of rows.
#[derive(Debug)]
pub struct SparseSelection {
    shape: MaskShape,
    ranges: RowRanges,
    listed: Listed,
}

/// What is selected beside the ranges.
#[derive(Debug)]
enum Listed {
    Nothing,
    Keys(IndexList),
    Pages(PageList),
    Blocks(Arc<BlockRanges>),
}

impl SparseSelection {
    /// Ranges of every query row, the same for all heads; weight 1.
    #[must_use]
    pub fn ranges(&self) -> &RowRanges {
        &self.ranges
    }

    /// Single keys, per head and row, where they were chosen one by one.
    #[must_use]
    pub fn list(&self) -> Option<&IndexList> {
        if let Listed::Keys(list) = &self.listed { Some(list) } else { None }
    }

    /// Pages, per head and row, where they were chosen as such.
    #[must_use]
    pub fn pages(&self) -> Option<&PageList> {
        if let Listed::Pages(pages) = &self.listed { Some(pages) } else { None }
    }

    /// Key ranges per head and block of rows, where they were chosen as such.
    #[must_use]
    pub fn blocks(&self) -> Option<&BlockRanges> {
        if let Listed::Blocks(blocks) = &self.listed { Some(blocks) } else { None }
    }

    /// The pages or blocks, if there are some, as the key ranges of every row that lie in `visible` and in none of the
    /// [ranges](Self::ranges), rows in the order `[B, H, Q]`.
    pub fn spans(&self, visible: &Visible) -> Result<Option<RowRanges>> {
        match &self.listed {
            Listed::Nothing | Listed::Keys(_) => Ok(None),
            Listed::Pages(pages) => Ok(Some(pages.spans(&self.ranges, visible)?)),
            Listed::Blocks(blocks) => Ok(Some(blocks.spans(&self.ranges, visible)?)),
        }
    }

    /// Everything beside the ranges, key by key; `None` where there is nothing. Of blocks, a list for each of their rows.
    pub fn keys(&self) -> Result<Option<IndexList>> {
        self.listed.keys(&self.shape, &self.ranges)
    }
}

impl Listed {
    fn shallow_clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Keys(list) => Self::Keys(list.shallow_clone()),
            Self::Pages(pages) => Self::Pages(pages.shallow_clone()),
            Self::Blocks(blocks) => Self::Blocks(Arc::clone(blocks)),
        }
    }

    /// Key by key, without those of `ranges`.
    fn keys(&self, shape: &MaskShape, ranges: &RowRanges) -> Result<Option<IndexList>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Keys(list) => Ok(Some(list.shallow_clone())),
            Self::Pages(pages) => Ok(Some(pages.keys(ranges)?)),
            Self::Blocks(blocks) => Ok(Some(blocks.keys(shape, ranges)?)),
        }
    }
}

impl Mask {
    /// Nothing selected.
    #[must_use]
    pub fn empty(shape: MaskShape) -> Self {
        Self { shape, selection: Selection::Empty }
    }

    /// Everything selected.
    #[must_use]
    pub fn full(shape: MaskShape) -> Self {
        Self { shape, selection: Selection::Full }
    }

    /// The same key ranges for all heads. `ranges` must have `Q` rows over `K` keys.
    pub fn from_ranges(shape: MaskShape, ranges: RowRanges) -> Result<Self> {
        let found = MaskShape { queries: ranges.queries(), keys: ranges.keys(), ..shape };
        if found != shape {
            return Err(Error::MaskShape { expected: shape, found });
        }
        Ok(Self::sparse(shape, ranges, Listed::Nothing))
    }

    /// Single keys. The list must be `[B, H, Q, N]` with every index below `K`.
    pub fn from_indices(shape: MaskShape, list: IndexList) -> Result<Self> {
        list.check_fits(&shape)?;
        Ok(Self::sparse(shape, RowRanges::none(shape.queries, shape.keys), Listed::Keys(list)))
    }

    /// Whole pages. The list must be `[B, H, Q, P]`, and every page must begin below `K`.
    pub fn from_pages(shape: MaskShape, pages: PageList) -> Result<Self> {
        pages.check_fits(&shape)?;
        Ok(Self::sparse(shape, RowRanges::none(shape.queries, shape.keys), Listed::Pages(pages)))
    }

    /// Key ranges of heads and blocks of rows. There must be a block for every head and query row, over `K` keys.
    pub fn from_blocks(shape: MaskShape, blocks: BlockRanges) -> Result<Self> {
        blocks.check_fits(&shape)?;
        Ok(Self::sparse(shape, RowRanges::none(shape.queries, shape.keys), Listed::Blocks(Arc::new(blocks))))
    }

    fn sparse(shape: MaskShape, ranges: RowRanges, listed: Listed) -> Self {
        if matches!(listed, Listed::Nothing) && ranges.is_empty() {
            return Self::empty(shape);
        }
        Self { shape, selection: Selection::Sparse(SparseSelection { shape, ranges, listed }) }
    }

    /// Another handle to the same selection.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        let selection = match &self.selection {
            Selection::Empty => Selection::Empty,
            Selection::Full => Selection::Full,
            Selection::Sparse(SparseSelection { shape, ranges, listed }) => {
                let (ranges, listed) = (ranges.clone(), listed.shallow_clone());
                Selection::Sparse(SparseSelection { shape: *shape, ranges, listed })
            }
        };
        Self { shape: self.shape, selection }
    }

    /// `[B, H, Q, K]`.
    #[must_use]
    pub fn shape(&self) -> &MaskShape {
        &self.shape
    }

    /// What is selected.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether everything is selected. Looks at the form only: ranges that happen to cover all keys do not count.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.selection, Selection::Full)
    }

    /// Whether nothing is selected. Looks at the form only: an index list of nothing but padding does not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.selection, Selection::Empty)
    }

    /// The same selection without keys in the future of a row. A full mask stays full, which already means that.
    pub fn restrict_to_causal(self) -> Result<Self> {
        let Selection::Sparse(sparse) = &self.selection else { return Ok(self) };
        let visible = Visible::causal(&self.shape);
        let keys = sparse.keys()?.map(|list| list.restrict(&visible)).transpose()?;
        let listed = keys.map_or(Listed::Nothing, Listed::Keys);
        Ok(Self::sparse(self.shape, sparse.ranges.restrict(&visible), listed))
    }

    /// Selected entries that causality permits, over all entries that causality permits; in `[0, 1]`.
    ///
    /// (The reference divides by `B H Q K`, impossible entries included, so that dense causal attention over a prompt
    /// counts as half dense there. For one query row, `Q = 1`, both are the same.)
    ///
    /// Computed on the host for ranges, pages and blocks; an index list is counted on its device.
    pub fn density(&self) -> Result<f64> {
        self.density_of(&Visible::causal(&self.shape))
    }

    /// Selected entries among those of `visible`, over all of these.
    pub(crate) fn density_of(&self, visible: &Visible) -> Result<f64> {
        let selected: usize = self.entries_by_head(visible)?.iter().sum();
        Ok(selected as f64 / (self.shape.batch * self.shape.heads * visible.entries()) as f64)
    }

    /// Number of selected entries among those of `visible` in each query head, over the batch.
    pub(crate) fn entries_by_head(&self, visible: &Visible) -> Result<Vec<usize>> {
        let MaskShape { batch, heads, .. } = self.shape;
        let sparse = match &self.selection {
            Selection::Empty => return Ok(vec![0; heads]),
            Selection::Full => return Ok(vec![batch * visible.readable(); heads]),
            Selection::Sparse(sparse) => sparse,
        };
        let shared = batch * sparse.ranges.entries(visible);
        let listed = match &sparse.listed {
            Listed::Nothing => vec![0; heads],
            Listed::Keys(list) => list.entries_by_head(visible)?,
            Listed::Pages(pages) => pages.entries_by_head(&self.shape, &sparse.ranges, visible)?,
            Listed::Blocks(blocks) => blocks.entries_by_head(&self.shape, &sparse.ranges, visible),
        };
        Ok(listed.into_iter().map(|listed| shared + listed).collect())
    }

    /// The first row, if any, that may read nothing: no key selected, or only keys in its future.
    pub fn first_empty_row(&self) -> Result<Option<Row>> {
        self.first_row_without_entry(&Visible::causal(&self.shape))
    }

    /// The first row, if any, for which nothing of `visible` is selected.
    pub(crate) fn first_row_without_entry(&self, visible: &Visible) -> Result<Option<Row>> {
        let first = Row { batch: 0, head: 0, query: 0 };
        let sparse = match &self.selection {
            Selection::Empty => return Ok(Some(first)),
            Selection::Full => return Ok(None),
            Selection::Sparse(sparse) => sparse,
        };
        let empty_ranges = sparse.ranges.rows_without_entry(visible);
        match &sparse.listed {
            _ if empty_ranges.is_empty() => Ok(None),
            Listed::Nothing => Ok(empty_ranges.first().map(|&query| Row { query, ..first })),
            Listed::Keys(list) => list.first_row_without_entry(visible, &empty_ranges),
            Listed::Pages(pages) => {
                pages.first_row_without_entry(&self.shape, (&sparse.ranges, visible), &empty_ranges)
            }
            Listed::Blocks(blocks) => Ok(blocks.first_row_without_entry(&self.shape, visible, &empty_ranges)),
        }
    }

    /// The weights as one tensor, `[B, H, Q, K]` of `Float` on `device`, entries in the future of a row included.
    ///
    /// For oracles and tests; fast kernels never build this.
    pub fn to_dense(&self, device: Device) -> Result<Tensor> {
        let MaskShape { batch, heads, queries, keys } = self.shape;
        let size = [batch as i64, heads as i64, queries as i64, keys as i64];
        let sparse = match &self.selection {
            Selection::Empty => return Ok(Tensor::f_zeros(size, (Kind::Float, device))?),
            Selection::Full => return Ok(Tensor::f_ones(size, (Kind::Float, device))?),
            Selection::Sparse(sparse) => sparse,
        };
        let mut weights = vec![0f32; queries * keys];
        for row in 0..queries {
            for range in sparse.ranges.row(row) {
                weights[row * keys + range.start..row * keys + range.end].fill(1.0);
            }
        }
        let weights = Tensor::f_from_slice(&weights)?.f_view([1, 1, size[2], size[3]])?;
        let weights = weights.f_to_device(device)?.f_expand(size, false)?;
        if let Listed::Blocks(blocks) = &sparse.listed {
            return Ok(weights.f_maximum(&blocks.to_dense(&self.shape, device)?)?);
        }
        match sparse.keys()? {
            None => Ok(weights.f_contiguous()?),
            Some(list) => Ok(weights.f_add(&list.to_dense(keys)?.f_to_device(device)?)?),
        }
    }
}
