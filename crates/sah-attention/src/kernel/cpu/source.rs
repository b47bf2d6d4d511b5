//! Keys or values of one head, as the kernels for the CPU read them.

use sah_tensor::element::{Codes, Element, F16, F32, Factor, ROWS, scale_codes};
use sah_tensor::{Rows, prefetch};

use crate::kv::{Grouping, KiviBits, Span};

/// Words of rows that a source gives.
pub(super) type Word<S> = <<S as Source>::Factor as Element>::Word;

/// Rows of one head, each of which is multiplied as [`Source::Factor`].
pub(super) trait Source: Sync {
    /// What rows are given as: what is stored, where it can be multiplied so, or f32.
    type Factor: Factor;
    /// Whether rows of a block are read in several streams, from places apart, and not one after another.
    const STREAMS: bool;

    /// The rows `keys`: where they lie, or in `memory`.
    fn rows<'a>(&'a self, keys: [usize; ROWS], memory: &'a mut Memory) -> [&'a [Word<Self>]; ROWS];

    /// Row `key`, likewise.
    fn row<'a>(&'a self, key: usize, memory: &'a mut Memory) -> &'a [Word<Self>];

    /// Writes row `key` to `elements`, in its own order. `group` is of this source alone.
    fn widen(&self, key: usize, group: &mut Group, elements: &mut [f32]);

    /// Has the processor fetch row `key`.
    fn prefetch(&self, key: usize);
}

/// Room for rows that are widened before they are multiplied.
pub(super) struct Memory {
    rows: Vec<f32>,
    dim: usize,
    group: Group,
}

/// Scales and minima of the group that was read last.
#[derive(Default)]
pub(super) struct Group {
    number: Option<usize>,
    scales: Vec<f32>,
    minima: Vec<f32>,
}

impl Memory {
    /// For rows of `dim` numbers.
    pub(super) fn new(dim: usize) -> Self {
        Self { rows: vec![0.0; ROWS * dim], dim, group: Group::default() }
    }

    /// The rows `keys` of `source` in f32.
    #[inline(always)]
    fn widened(&mut self, source: &impl Source, keys: [usize; ROWS]) -> [&[f32]; ROWS] {
        for (key, row) in keys.into_iter().zip(self.rows.chunks_exact_mut(self.dim)) {
            source.widen(key, &mut self.group, row);
        }
        std::array::from_fn(|row| &self.rows[row * self.dim..(row + 1) * self.dim])
    }

    /// Row `key` of `source` in f32.
    #[inline(always)]
    fn widened_row(&mut self, source: &impl Source, key: usize) -> &[f32] {
        let row = &mut self.rows[..self.dim];
        source.widen(key, &mut self.group, row);
        row
    }
}

impl Group {
    /// Makes it group `number`, whose scales and minima are the lower and the upper halves of `parameters`.
    #[inline(always)]
    fn read(&mut self, number: usize, parameters: &[u32]) {
        if self.number == Some(number) {
            return;
        }
        self.number = Some(number);
        self.scales.resize(parameters.len(), 0.0);
        self.minima.resize(parameters.len(), 0.0);
        for (word, (scale, minimum)) in parameters.iter().zip(self.scales.iter_mut().zip(&mut self.minima)) {
            [*scale, *minimum] = F16::pair(*word);
        }
    }
}

impl<E: Factor> Source for Rows<'_, E> {
    type Factor = E;
    const STREAMS: bool = true;

    #[inline(always)]
    fn rows<'a>(&'a self, keys: [usize; ROWS], _: &'a mut Memory) -> [&'a [E::Word]; ROWS] {
        keys.map(|key| Rows::row(self, key))
    }

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, _: &'a mut Memory) -> &'a [E::Word] {
        Rows::row(self, key)
    }

    #[inline(always)]
    fn widen(&self, key: usize, _: &mut Group, elements: &mut [f32]) {
        E::widen(Rows::row(self, key), elements);
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        prefetch(Rows::row(self, key));
    }
}

/// Rows that are widened once for all heads of a group, and multiplied as f32.
pub(super) struct Widened<'a, E: Element>(pub(super) Rows<'a, E>);

impl<E: Element> Source for Widened<'_, E> {
    type Factor = F32;
    const STREAMS: bool = true;

    #[inline(always)]
    fn rows<'a>(&'a self, keys: [usize; ROWS], memory: &'a mut Memory) -> [&'a [f32]; ROWS] {
        memory.widened(self, keys)
    }

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, memory: &'a mut Memory) -> &'a [f32] {
        memory.widened_row(self, key)
    }

    #[inline(always)]
    fn widen(&self, key: usize, _: &mut Group, elements: &mut [f32]) {
        E::widen(self.0.row(key), elements);
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        prefetch(self.0.row(key));
    }
}

/// Rows of which some are packed in groups, and the others stored as `E`.
pub(super) struct Grouped<'a, E: Element> {
    pub(super) spans: &'a [Span],
    /// `None` where no row is packed.
    pub(super) groups: Option<HeadGroups<'a>>,
    pub(super) plain: Rows<'a, E>,
}

/// The packed rows of one head.
pub(super) struct HeadGroups<'a> {
    pub(super) grouping: Grouping,
    pub(super) codes: Rows<'a, Codes>,
    /// Scale and minimum of each group, two f16 in a word.
    pub(super) parameters: Rows<'a, F16>,
}

/// Where a row is.
enum Place<'a> {
    /// Row `.1` of these groups.
    Packed(&'a HeadGroups<'a>, usize),
    /// This row of the plain ones.
    Plain(usize),
}

impl<E: Element> Grouped<'_, E> {
    #[inline(always)]
    fn place(&self, key: usize) -> Place<'_> {
        let Some(groups) = &self.groups else { return Place::Plain(key) };
        let span = &self.spans[self.spans.partition_point(|span| span.rows.end <= key)];
        if span.is_packed { Place::Packed(groups, span.place(key)) } else { Place::Plain(span.place(key)) }
    }
}

impl<E: Element> Source for Grouped<'_, E> {
    type Factor = F32;
    /// Rows of a group share its scales, which are read once where they follow each other.
    const STREAMS: bool = false;

    #[inline(always)]
    fn rows<'a>(&'a self, keys: [usize; ROWS], memory: &'a mut Memory) -> [&'a [f32]; ROWS] {
        memory.widened(self, keys)
    }

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, memory: &'a mut Memory) -> &'a [f32] {
        memory.widened_row(self, key)
    }

    #[inline(always)]
    fn widen(&self, key: usize, group: &mut Group, elements: &mut [f32]) {
        let (groups, row) = match self.place(key) {
            Place::Packed(groups, row) => (groups, row),
            Place::Plain(row) => return E::widen(self.plain.row(row), elements),
        };
        let number = row / groups.grouping.tokens;
        group.read(number, groups.parameters.row(number));
        let codes = groups.codes.row(row);
        match groups.grouping.bits {
            KiviBits::Two => scale_codes::<2>(codes, &group.scales, &group.minima, elements),
            KiviBits::Four => scale_codes::<4>(codes, &group.scales, &group.minima, elements),
        }
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        match self.place(key) {
            Place::Packed(groups, row) => prefetch(groups.codes.row(row)),
            Place::Plain(row) => prefetch(self.plain.row(row)),
        }
    }
}
