//! Attention over some of the keys for one query row of each head of a group.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::scores::Score;
use super::sums::AddValues;
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::source::{Keys, Memory, Source};

/// Keys whose scores are held at once: 128 KiB of keys and as much of values at 64 elements each.
pub(super) const BLOCK: usize = 512;

/// At most [`BLOCK`] keys for some heads of a group.
pub(super) struct Piece<'a> {
    /// The head that reads them; `None` for all of the group.
    pub(super) head: Option<usize>,
    pub(super) keys: Keys<'a>,
    /// What is added to their scores; nothing where it is empty.
    pub(super) biases: &'a [f32],
}

impl Piece<'_> {
    /// Keys side by side, for all heads of a group.
    pub(super) fn span(keys: Range<usize>) -> Self {
        Self { head: None, keys: Keys::Span(keys), biases: &[] }
    }

    /// How many keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Its first key.
    pub(super) fn first(&self) -> usize {
        if self.len() == 0 { 0 } else { self.keys.key(0) }
    }
}

/// Reads the keys of `pieces` one block after the other into `part`.
pub(super) struct Work<'a, K: Source, V: Source> {
    /// Scaled and arranged, `[g, D]`.
    pub(super) queries: &'a [f32],
    pub(super) head_dim: usize,
    pub(super) value_dim: usize,
    pub(super) keys: &'a K,
    pub(super) values: &'a V,
    pub(super) soft_cap: Option<f32>,
    pub(super) pieces: &'a [Piece<'a>],
    pub(super) part: &'a mut Part,
}

impl<K: Source, V: Source> WithSimd for Work<'_, K, V> {
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
            let mut heads = piece.head.map_or(0..group, |head| head..head + 1);
            let end = heads.end;
            while heads.start < end {
                heads.end = heads.start + (end - heads.start).min(most_heads::<S>());
                // What is too much for the registers is not compiled.
                if S::F32_LANES < WIDE {
                    match heads.len() {
                        1 => self.attend::<S, 1>(simd, heads.clone(), piece, &mut memory),
                        _ => self.attend::<S, 2>(simd, heads.clone(), piece, &mut memory),
                    }
                } else {
                    match heads.len() {
                        1 => self.attend::<S, 1>(simd, heads.clone(), piece, &mut memory),
                        2 => self.attend::<S, 2>(simd, heads.clone(), piece, &mut memory),
                        3 => self.attend::<S, 3>(simd, heads.clone(), piece, &mut memory),
                        _ => self.attend::<S, 4>(simd, heads.clone(), piece, &mut memory),
                    }
                }
                heads.start = heads.end;
            }
        }
    }
}

impl<K: Source, V: Source> Work<'_, K, V> {
    /// One block for the `N` heads `heads`, for all of which a row is loaded once.
    #[inline(always)]
    fn attend<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        heads: Range<usize>,
        piece: &Piece<'_>,
        memory: &mut Buffers,
    ) {
        let (head_dim, value_dim) = (self.head_dim, self.value_dim);
        let Buffers { scores, keys: of_keys, values: of_values } = memory;
        let (keys, queries) = (&piece.keys, &self.queries[heads.start * head_dim..heads.end * head_dim]);
        let source = self.keys;
        // Functions of their own: compiled as one, with those of other `N`, they would take minutes.
        simd.vectorize(Score::<K, N> { queries, source, keys, memory: of_keys, scores: &mut *scores });
        for (head, scores) in heads.clone().zip(scores.chunks_exact_mut(BLOCK)) {
            let scores = &mut scores[..piece.len()];
            if let Some(cap) = self.soft_cap {
                for score in scores.iter_mut() {
                    *score = cap * (*score / cap).tanh();
                }
            }
            for (score, bias) in scores.iter_mut().zip(piece.biases) {
                *score += bias;
            }
            self.part.weigh(simd, head, scores);
        }
        let sums = &mut self.part.weighted[heads.start * value_dim..heads.end * value_dim];
        let source = self.values;
        simd.vectorize(AddValues::<V, N> { source, keys, memory: of_values, weights: scores, sums });
    }
}

/// What a block needs room for.
struct Buffers {
    /// `[N, BLOCK]`.
    scores: Vec<f32>,
    keys: Memory,
    values: Memory,
}

/// Numbers in a vector of processors that have 32 of them, and others 16.
const WIDE: usize = 16;

/// For how many heads rows are read at once: the sums of rows for each stay in registers.
#[inline(always)]
fn most_heads<S: Simd>() -> usize {
    if S::F32_LANES < WIDE { 2 } else { 4 }
}
