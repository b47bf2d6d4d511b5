//! Attention over some of the keys for one query row of each head of a group.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::source::{Memory, Source};
use sah_tensor::element::{Factor as _, ROWS};

/// Keys whose scores are held at once: 128 KiB of keys and as much of values at 64 elements each.
pub(super) const BLOCK: usize = 512;

/// Rows of each stream that are fetched ahead of the one at work.
const AHEAD: usize = 4;

/// At most [`BLOCK`] keys for some heads of a group.
pub(super) enum Piece<'a> {
    /// Keys side by side, for all heads of the group.
    Span(Range<usize>),
    /// Single keys for one head, and what is added to their scores.
    List { head: usize, keys: &'a [usize], biases: &'a [f32] },
}

impl Piece<'_> {
    /// How many keys.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::List { keys, .. } => keys.len(),
        }
    }

    /// Its first key.
    pub(super) fn first(&self) -> usize {
        match self {
            Self::Span(span) => span.start,
            Self::List { keys, .. } => keys.first().copied().unwrap_or_default(),
        }
    }
}

/// Reads the keys of `pieces` one block after the other into `part`.
pub(super) struct Work<'a, Keys: Source, Values: Source> {
    /// Scaled and arranged, `[g, D]`.
    pub(super) queries: &'a [f32],
    pub(super) head_dim: usize,
    pub(super) value_dim: usize,
    pub(super) keys: &'a Keys,
    pub(super) values: &'a Values,
    pub(super) soft_cap: Option<f32>,
    pub(super) pieces: &'a [Piece<'a>],
    pub(super) part: &'a mut Part,
}

impl<Keys: Source, Values: Source> WithSimd for Work<'_, Keys, Values> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let group = self.queries.len() / self.head_dim;
        let mut memory = Buffers {
            scores: vec![0.0; group * BLOCK],
            keys: Memory::new(self.head_dim),
            values: Memory::new(self.value_dim),
        };
        for piece in self.pieces {
            match piece {
                Piece::Span(span) => {
                    let start = span.start;
                    self.attend(simd, 0..group, (span.len(), |at| start + at), &[], &mut memory);
                }
                Piece::List { head, keys, biases } => {
                    let heads = *head..*head + 1;
                    self.attend(simd, heads, (keys.len(), |at| keys[at]), biases, &mut memory);
                }
            }
        }
    }
}

impl<Keys: Source, Values: Source> Work<'_, Keys, Values> {
    /// One block for `heads`: `count` keys, of which number `at` is `key(at)`.
    #[inline(always)]
    fn attend<S: Simd>(
        &mut self,
        simd: S,
        heads: Range<usize>,
        (count, key): (usize, impl Fn(usize) -> usize),
        biases: &[f32],
        memory: &mut Buffers,
    ) {
        let (head_dim, value_dim) = (self.head_dim, self.value_dim);
        let Buffers { scores, keys, values } = memory;
        let queries = &self.queries[heads.start * head_dim..heads.end * head_dim];
        // Key number n of each of ROWS parts of the block, or ROWS keys side by side, then what is left, one by one.
        let part = count / ROWS;
        let (of_keys, of_values) = (steps::<Keys>(part), steps::<Values>(part));
        for at in 0..part {
            fetch_ahead(self.keys, &key, at, part);
            let rows = self.keys.rows(std::array::from_fn(|row| key(at * of_keys.0 + row * of_keys.1)), keys);
            for (query, scores) in queries.chunks_exact(head_dim).zip(scores.chunks_exact_mut(BLOCK)) {
                for (row, dot) in Keys::Factor::dots(simd, query, rows).into_iter().enumerate() {
                    scores[at * of_keys.0 + row * of_keys.1] = dot;
                }
            }
        }
        for at in ROWS * part..count {
            let row = self.keys.row(key(at), keys);
            for (query, scores) in queries.chunks_exact(head_dim).zip(scores.chunks_exact_mut(BLOCK)) {
                scores[at] = Keys::Factor::dot(simd, query, row);
            }
        }
        for (head, scores) in heads.clone().zip(scores.chunks_exact_mut(BLOCK)) {
            let scores = &mut scores[..count];
            if let Some(cap) = self.soft_cap {
                for score in scores.iter_mut() {
                    *score = cap * (*score / cap).tanh();
                }
            }
            for (score, bias) in scores.iter_mut().zip(biases) {
                *score += bias;
            }
            self.part.weigh(simd, head, scores);
        }
        let weighted = &mut self.part.weighted[heads.start * value_dim..heads.end * value_dim];
        for at in 0..part {
            fetch_ahead(self.values, &key, at, part);
            let rows = self
                .values
                .rows(std::array::from_fn(|row| key(at * of_values.0 + row * of_values.1)), values);
            for (sum, scores) in weighted.chunks_exact_mut(value_dim).zip(scores.chunks_exact(BLOCK)) {
                let weights = std::array::from_fn(|row| scores[at * of_values.0 + row * of_values.1]);
                Values::Factor::add_weighted_rows(simd, weights, rows, sum);
            }
        }
        for at in ROWS * part..count {
            let row = self.values.row(key(at), values);
            for (sum, scores) in weighted.chunks_exact_mut(value_dim).zip(scores.chunks_exact(BLOCK)) {
                Values::Factor::add_weighted(simd, scores[at], row, sum);
            }
        }
    }
}

/// What a block needs room for.
struct Buffers {
    /// `[g, BLOCK]`.
    scores: Vec<f32>,
    keys: Memory,
    values: Memory,
}

/// How far apart in a block of [`ROWS`] parts of `part` keys the keys lie of which rows are read one after another, and those that
/// are read at once.
#[inline(always)]
fn steps<S: Source>(part: usize) -> (usize, usize) {
    if S::STREAMS { (1, part) } else { (ROWS, 1) }
}

/// Has the processor fetch what is read [`AHEAD`] rows after number `at` of each of [`ROWS`] streams of a block.
#[inline(always)]
fn fetch_ahead<S: Source>(source: &S, key: &impl Fn(usize) -> usize, at: usize, part: usize) {
    let (of_at, of_row) = steps::<S>(part);
    if at + AHEAD < part {
        for row in 0..ROWS {
            source.prefetch(key((at + AHEAD) * of_at + row * of_row));
        }
    }
}
