//! Seeded random inputs and masks.

use std::ops::Range;

use sah_attention::{
    AttentionInputs, BlockRanges, IndexList, Mask, MaskShape, PageList, RowBlocks, RowRanges,
};
use tch::{Device, Kind, Tensor};

use crate::seeded::seeded;

/// A small random generator (xorshift64*), so that a case is its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// In `range`, which must not be empty.
    pub(crate) fn within(&mut self, range: Range<usize>) -> usize {
        range.start + (self.next() % range.len() as u64) as usize
    }

    pub(crate) fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.within(0..values.len())]
    }

    /// In `(0, 1]`.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.within(0..1000) + 1) as f32 / 1000.0
    }
}

/// Queries, keys and values of one case.
pub(crate) struct Tensors {
    pub(crate) queries: Tensor,
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
    pub(crate) scale: f64,
    /// Scores that belong to no key.
    pub(crate) sinks: Option<Tensor>,
}

impl Tensors {
    /// Standard normal tensors. Keys and values are views of larger caches, which hold NaN outside the view, so that
    /// reading there shows.
    pub(crate) fn new(
        shape: MaskShape,
        kv_heads: usize,
        d: usize,
        dv: usize,
        seed: u64,
        device: Device,
    ) -> Self {
        let options = (Kind::Float, Device::Cpu);
        let [b, h, q, k, kv] =
            [shape.batch, shape.heads, shape.queries, shape.keys, kv_heads].map(|n| n as i64);
        let cache = |width: usize| {
            let cache = Tensor::full([b, kv, k + 7, width as i64], f64::NAN, options).to_device(device);
            let mut view = cache.narrow(2, 0, k);
            view.copy_(&Tensor::randn([b, kv, k, width as i64], options).to_device(device));
            view
        };
        // A model's queries come as [B, Q, H, D].
        seeded(seed as i64, || {
            let queries = Tensor::randn([b, q, h, d as i64], options).to_device(device).transpose(1, 2);
            Self { queries, keys: cache(d), values: cache(dv), scale: 1.0 / (d as f64).sqrt(), sinks: None }
        })
    }

    pub(crate) fn to_kind(&self, kind: Kind) -> Self {
        Self {
            queries: self.queries.to_kind(kind),
            keys: self.keys.to_kind(kind),
            values: self.values.to_kind(kind),
            scale: self.scale,
            sinks: self.sinks.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// In two of three cases with scores that belong to no key, one a head or one a row, far above and far below those of keys among them.
    pub(crate) fn with_sinks(mut self, random: &mut Random) -> Self {
        let size = self.queries.size();
        let rows = random.choose(&[None, Some(1), Some(size[2])]);
        self.sinks = rows.map(|rows| {
            let scores: Vec<f32> =
                (0..size[1] * rows).map(|_| random.choose(&[-30.0, -1.0, 0.3, 2.0, 30.0])).collect();
            Tensor::from_slice(&scores).view([size[1], rows]).to_device(self.queries.device())
        });
        self
    }

    pub(crate) fn inputs(&self) -> AttentionInputs<'_> {
        let inputs = AttentionInputs::new(&self.queries, &self.keys, &self.values, self.scale).unwrap();
        inputs.with_sink_scores(self.sinks.as_ref()).unwrap()
    }
}

/// Form of a random mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Full,
    Ranges,
    List,
    Weighted,
    RangesAndList,
    RangesAndWeighted,
    Pages,
    RangesAndPages,
    Blocks,
    RangesAndBlocks,
}

impl Form {
    pub(crate) const ALL: [Self; 10] = [
        Self::Full,
        Self::Ranges,
        Self::List,
        Self::Weighted,
        Self::RangesAndList,
        Self::RangesAndWeighted,
        Self::Pages,
        Self::RangesAndPages,
        Self::Blocks,
        Self::RangesAndBlocks,
    ];

    fn has_ranges(self) -> bool {
        matches!(
            self,
            Self::Ranges
                | Self::RangesAndList
                | Self::RangesAndWeighted
                | Self::RangesAndPages
                | Self::RangesAndBlocks
        )
    }

    fn has_list(self) -> bool {
        !matches!(self, Self::Full | Self::Ranges) && !self.has_pages() && !self.has_blocks()
    }

    fn has_pages(self) -> bool {
        matches!(self, Self::Pages | Self::RangesAndPages)
    }

    fn has_blocks(self) -> bool {
        matches!(self, Self::Blocks | Self::RangesAndBlocks)
    }

    fn is_weighted(self) -> bool {
        matches!(self, Self::Weighted | Self::RangesAndWeighted)
    }
}

/// A mask of this form in which every row reads something. It may name keys in the future of a row, as maskers do.
pub(crate) fn random_mask(shape: MaskShape, form: Form, random: &mut Random, device: Device) -> Mask {
    let mut mask = Mask::empty(shape);
    if form == Form::Full {
        return Mask::full(shape);
    }
    if form.has_ranges() {
        // Some rows without a range, where a list can stand in.
        let sometimes_none = form.has_list() || form.has_pages() || form.has_blocks();
        let rows = (0..shape.queries).map(|row| {
            let position = shape.keys - shape.queries + row;
            let mut ranges = vec![];
            if !sometimes_none || random.within(0..4) > 0 {
                let start = random.within(0..position + 1);
                ranges.push(start..random.within(start + 1..shape.keys + 1));
                for _ in 0..random.within(0..3) {
                    let start = random.within(0..shape.keys);
                    ranges.push(start..random.within(start..shape.keys + 1));
                }
            }
            ranges
        });
        let ranges = RowRanges::from_rows(shape.keys, rows.collect::<Vec<_>>()).unwrap();
        mask = mask.merge(Mask::from_ranges(shape, ranges).unwrap()).unwrap();
    }
    if form.has_list() {
        mask = mask.merge(random_list(shape, form.is_weighted(), random, device)).unwrap();
    }
    if form.has_pages() {
        mask = mask.merge(random_pages(shape, random, device)).unwrap();
    }
    if form.has_blocks() {
        mask = mask.merge(random_blocks(shape, random)).unwrap();
    }
    mask
}

/// A mask of pages: distinct ones in any order, padding anywhere, at least one that begins at or before each row.
fn random_pages(shape: MaskShape, random: &mut Random, device: Device) -> Mask {
    let page_size = random.choose(&[1, 3, 16]);
    let pages = MaskShape { keys: shape.keys.div_ceil(page_size), ..shape };
    let width = random.within(1..pages.keys.min(8) + 1);
    let position = |row: usize| (shape.keys - shape.queries + row % shape.queries) / page_size;
    let numbers = random_numbers(&pages, width, position, random);
    let size = [shape.batch, shape.heads, shape.queries, width].map(|n| n as i64);
    let numbers = Tensor::from_slice(&numbers).view(size).to_device(device);
    Mask::from_pages(shape, PageList::new(numbers, page_size).unwrap()).unwrap()
}

/// A mask of ranges of heads and blocks of rows: a few long ones, or many of a key each, at least one that begins at or before the first
/// row of the block.
pub(crate) fn random_blocks(shape: MaskShape, random: &mut Random) -> Mask {
    let blocks = RowBlocks::new(&shape, random.choose(&[1, 3, 16, 64])).unwrap();
    let are_long = random.within(0..2) == 0;
    let ranges = BlockRanges::from_fn(&shape, blocks, |_, block| {
        let first = shape.keys - shape.queries + blocks.rows_of(block).start;
        let count = if are_long { random.within(0..4) } else { random.within(0..40) };
        let length = |random: &mut Random, left: usize| if are_long { random.within(1..left + 1) } else { 1 };
        let mut ranges = Vec::new();
        for within in std::iter::once(first + 1).chain(std::iter::repeat_n(shape.keys, count)) {
            let start = random.within(0..within);
            ranges.push(start..start + length(random, shape.keys - start));
        }
        ranges
    });
    Mask::from_blocks(shape, ranges.unwrap()).unwrap()
}

/// A mask of one index list: distinct keys in any order, padding anywhere, at least one key at or before each row.
pub(crate) fn random_list(shape: MaskShape, weighted: bool, random: &mut Random, device: Device) -> Mask {
    let width = random.within(1..shape.keys.min(40) + 1);
    let position = |row: usize| shape.keys - shape.queries + row % shape.queries;
    let indices = random_numbers(&shape, width, position, random);
    let probabilities: Vec<f32> = indices.iter().map(|_| random.unit()).collect();
    let size = [shape.batch, shape.heads, shape.queries, width].map(|n| n as i64);
    let indices = Tensor::from_slice(&indices).view(size).to_device(device);
    let probabilities = weighted.then(|| Tensor::from_slice(&probabilities).view(size).to_device(device));
    Mask::from_indices(shape, IndexList::new(indices, probabilities).unwrap()).unwrap()
}

/// For every row `width` distinct numbers below `shape.keys` or -1, one of them at most `position(row)`.
fn random_numbers(
    shape: &MaskShape,
    width: usize,
    position: impl Fn(usize) -> usize,
    random: &mut Random,
) -> Vec<i64> {
    let mut numbers = vec![];
    for row in 0..shape.batch * shape.heads * shape.queries {
        let mut keys: Vec<i64> = (0..shape.keys as i64).collect();
        for at in 0..width {
            keys.swap(at, random.within(at..shape.keys));
        }
        keys.truncate(width);
        for key in &mut keys {
            if random.within(0..5) == 0 {
                *key = -1;
            }
        }
        let readable = random.within(0..position(row) + 1) as i64;
        if !keys.contains(&readable) {
            keys[random.within(0..width)] = readable;
        }
        numbers.extend(keys);
    }
    numbers
}

/// A random shape, and its number of key/value heads.
pub(crate) fn random_shape(random: &mut Random) -> (MaskShape, usize) {
    let kv_heads = random.choose(&[1, 2, 3]);
    let group = random.choose(&[1, 2, 3, 4, 8]);
    let queries = random.choose(&[1, 1, 1, 2, 5, 17, 64]);
    let keys = queries + random.choose(&[0, 1, 2, 10, 63, 130, 236]);
    (MaskShape { batch: random.choose(&[1, 1, 2]), heads: kv_heads * group, queries, keys }, kv_heads)
}

/// Largest absolute difference; infinite where one side is not finite.
pub(crate) fn difference(left: &Tensor, right: &Tensor) -> f64 {
    assert_eq!(left.size(), right.size());
    let difference = (left.to_kind(Kind::Float) - right.to_kind(Kind::Float)).abs();
    difference.nan_to_num(f64::INFINITY, f64::INFINITY, f64::INFINITY).max().double_value(&[])
}
