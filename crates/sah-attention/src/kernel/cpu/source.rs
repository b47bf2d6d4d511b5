//! Keys or values of one head, as the kernels for the CPU read them.

use std::ops::Range;

use sah_tensor::element::{Bf16, Codes, Element, F16, F32, Parts, scale_codes, scale_groups};
use sah_tensor::{Rows, prefetch};

use crate::kv::{Grouping, KiviBits, Span};

/// Words of rows that a source gives.
pub(super) type Word<S> = <<S as Source>::Element as Element>::Word;

/// Keys that are read together.
#[derive(Clone)]
pub(super) enum Keys<'a> {
    /// Side by side.
    Span(Range<usize>),
    /// These.
    List(&'a [usize]),
}

impl Keys<'_> {
    /// How many.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::List(keys) => keys.len(),
        }
    }

    /// Number `at` of them.
    #[inline(always)]
    pub(super) fn key(&self, at: usize) -> usize {
        match self {
            Self::Span(span) => span.start + at,
            Self::List(keys) => keys[at],
        }
    }

    /// Those from number `run.start` to before number `run.end`.
    #[inline(always)]
    pub(super) fn part(&self, run: Range<usize>) -> Self {
        match self {
            Self::Span(span) => Self::Span(span.start + run.start..span.start + run.end),
            Self::List(keys) => Self::List(&keys[run]),
        }
    }
}

/// Rows of one head.
pub(super) trait Source: Sync {
    /// What rows are given as: what is stored, where it can be multiplied so, or f32.
    type Element: Parts;
    /// How many rows are made ready at once.
    const RUN: usize;

    /// Makes at most [`Source::RUN`] rows ready to be read.
    fn prepare(&self, keys: &Keys<'_>, memory: &mut Memory);

    /// The row of `key`, which is number `at` of those that were made ready in `memory`.
    fn row<'a>(&'a self, key: usize, at: usize, memory: &'a Memory) -> &'a [Word<Self>];

    /// Writes the rows `keys` to `elements`, `[n, D]`, in their own order.
    fn widen(&self, keys: Range<usize>, group: &mut Group, elements: &mut [f32]);

    /// Has the processor fetch row `key`.
    fn prefetch(&self, key: usize);
}

/// Room for rows that are widened before they are multiplied.
pub(super) struct Memory {
    /// `[RUN, D]`, where they are.
    rows: Vec<f32>,
    dim: usize,
    group: Group,
}

/// Scales and minima that were read last.
#[derive(Default)]
pub(super) struct Group {
    /// Of which group of keys they are.
    number: Option<usize>,
    scales: Vec<f32>,
    minima: Vec<f32>,
    /// Those of values.
    pairs: Vec<[f32; 2]>,
}

impl Memory {
    /// For rows of `dim` numbers.
    pub(super) fn new(dim: usize) -> Self {
        Self { rows: Vec::new(), dim, group: Group::default() }
    }
}

impl<E: Parts> Source for Rows<'_, E> {
    type Element = E;
    const RUN: usize = usize::MAX;

    #[inline(always)]
    fn prepare(&self, _: &Keys<'_>, _: &mut Memory) {}

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, _: usize, _: &'a Memory) -> &'a [E::Word] {
        Rows::row(self, key)
    }

    #[inline(always)]
    fn widen(&self, keys: Range<usize>, _: &mut Group, elements: &mut [f32]) {
        widen_rows(self, keys, elements);
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        prefetch(Rows::row(self, key));
    }
}

/// Writes `rows[keys]` to `elements`, `[n, D]`.
#[inline(always)]
fn widen_rows<E: Element>(rows: &Rows<'_, E>, keys: Range<usize>, elements: &mut [f32]) {
    let dim = elements.len() / keys.len().max(1);
    for (key, elements) in keys.zip(elements.chunks_exact_mut(dim.max(1))) {
        E::widen(rows.row(key), elements);
    }
}

/// Rows of which some are packed in groups.
pub(super) struct Grouped<'a> {
    pub(super) spans: &'a [Span],
    /// `None` where no row is packed.
    pub(super) groups: Option<HeadGroups<'a>>,
    pub(super) plain: PlainRows<'a>,
}

/// Rows that are not packed, in one of the forms that they have beside packed ones.
pub(super) enum PlainRows<'a> {
    F32(Rows<'a, F32>),
    Bf16(Rows<'a, Bf16>),
    F16(Rows<'a, F16>),
}

impl PlainRows<'_> {
    /// Writes the rows `rows` to `elements`, `[n, D]`.
    #[inline(always)]
    fn widen(&self, rows: Range<usize>, elements: &mut [f32]) {
        match self {
            Self::F32(plain) => widen_rows(plain, rows, elements),
            Self::Bf16(plain) => widen_rows(plain, rows, elements),
            Self::F16(plain) => widen_rows(plain, rows, elements),
        }
    }

    #[inline(always)]
    fn prefetch(&self, row: usize) {
        match self {
            Self::F32(plain) => prefetch(plain.row(row)),
            Self::Bf16(plain) => prefetch(plain.row(row)),
            Self::F16(plain) => prefetch(plain.row(row)),
        }
    }
}

/// The packed rows of one head.
pub(super) struct HeadGroups<'a> {
    pub(super) grouping: Grouping,
    pub(super) codes: Rows<'a, Codes>,
    /// Scale and minimum of each group, two f16 in a word.
    pub(super) parameters: Rows<'a, F16>,
}

impl Grouped<'_> {
    /// The span of row `key`; `None` where no row is packed.
    #[inline(always)]
    fn span(&self, key: usize) -> Option<(&Span, &HeadGroups<'_>)> {
        let groups = self.groups.as_ref()?;
        let span = self.spans.get(self.spans.partition_point(|span| span.rows.end <= key))?;
        Some((span, groups))
    }
}

impl HeadGroups<'_> {
    /// Writes the packed rows `rows` to `elements`, `[n, D]`.
    #[inline(always)]
    fn widen(&self, rows: Range<usize>, group: &mut Group, elements: &mut [f32]) {
        match self.grouping.bits {
            KiviBits::Two => self.widen_codes::<2>(rows, group, elements),
            KiviBits::Four => self.widen_codes::<4>(rows, group, elements),
        }
    }

    #[inline(always)]
    fn widen_codes<const BITS: u32>(&self, rows: Range<usize>, group: &mut Group, elements: &mut [f32]) {
        let dim = elements.len() / rows.len();
        if self.grouping.tokens == 1 {
            let (channels, pairs) = (self.grouping.channels, &mut group.pairs);
            pairs.clear();
            if let Some(words) = self.parameters.side_by_side(rows.clone()) {
                pairs.extend(words.iter().map(|word| F16::pair(*word)));
            } else {
                let words = rows.clone().flat_map(|row| self.parameters.row(row));
                pairs.extend(words.map(|word| F16::pair(*word)));
            }
            let pairs = pairs.chunks_exact(dim / channels);
            for ((row, elements), pairs) in rows.zip(elements.chunks_exact_mut(dim)).zip(pairs) {
                scale_groups::<BITS>(self.codes.row(row), pairs, channels, elements);
            }
            return;
        }
        for (row, elements) in rows.zip(elements.chunks_exact_mut(dim)) {
            let number = row / self.grouping.tokens;
            if group.number != Some(number) {
                group.number = Some(number);
                let pairs = self.parameters.row(number).iter().map(|word| F16::pair(*word));
                (group.scales, group.minima) = pairs.map(|[scale, minimum]| (scale, minimum)).unzip();
            }
            scale_codes::<BITS>(self.codes.row(row), &group.scales, &group.minima, elements);
        }
    }
}

impl Source for Grouped<'_> {
    type Element = F32;
    /// 32 KiB of 128 numbers each.
    const RUN: usize = 64;

    #[inline(always)]
    fn prepare(&self, keys: &Keys<'_>, memory: &mut Memory) {
        let Memory { rows, dim, group } = memory;
        rows.resize(Self::RUN * *dim, 0.0);
        match keys {
            Keys::Span(span) => self.widen(span.clone(), group, &mut rows[..span.len() * *dim]),
            Keys::List(keys) => {
                for (key, row) in keys.iter().zip(rows.chunks_exact_mut(*dim)) {
                    self.widen(*key..key + 1, group, row);
                }
            }
        }
    }

    #[inline(always)]
    fn row<'a>(&'a self, _: usize, at: usize, memory: &'a Memory) -> &'a [f32] {
        &memory.rows[at * memory.dim..(at + 1) * memory.dim]
    }

    #[inline(always)]
    fn widen(&self, keys: Range<usize>, group: &mut Group, elements: &mut [f32]) {
        let dim = elements.len() / keys.len().max(1);
        let mut start = keys.start;
        while start < keys.end {
            let Some((span, groups)) = self.span(start) else {
                return self.plain.widen(start..keys.end, &mut elements[(start - keys.start) * dim..]);
            };
            let end = keys.end.min(span.rows.end);
            let (first, elements) =
                (span.place(start), &mut elements[(start - keys.start) * dim..(end - keys.start) * dim]);
            let rows = first..first + (end - start);
            if span.is_packed {
                groups.widen(rows, group, elements);
            } else {
                self.plain.widen(rows, elements);
            }
            start = end;
        }
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        match self.span(key) {
            Some((span, groups)) if span.is_packed => prefetch(groups.codes.row(span.place(key))),
            Some((span, _)) => self.plain.prefetch(span.place(key)),
            None => self.plain.prefetch(key),
        }
    }
}
