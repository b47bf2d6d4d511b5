//! Keys whose signatures differ least from a query's.
//!
//! Signatures are words of 32 bits. Among keys that differ in as many bits, later ones come first.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use sah_tensor::cpu::arch;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::masker::toolkit::Candidates;

/// Packs the signs of `outputs`, `[.., N, bits]`, a positive one as a set bit, into words `[.., W, N]` of `Int`.
pub(super) fn pack(outputs: &Tensor) -> Result<Tensor> {
    let bits = outputs.size()[outputs.dim() - 1];
    let padding = (32 - bits % 32) % 32;
    let set = outputs.f_gt(0.0)?.f_to_kind(Kind::Int64)?.f_pad([0, padding], "constant", 0.0)?;
    let mut size = set.size();
    let last = size.len() - 1;
    size[last] = (bits + padding) / 32;
    size.push(32);
    let places: Vec<i64> = (0..32).map(|bit| 1 << bit).collect();
    let places = Tensor::f_from_slice(&places)?.f_to_device(outputs.device())?;
    let words = set.f_view(size.as_slice())?.f_mul(&places)?.f_sum_dim_intlist(
        [-1i64].as_slice(),
        false,
        Kind::Int64,
    )?;
    // Bit 31 is the sign of an `Int`.
    let words = words.f_sub(&words.f_ge(1_i64 << 31)?.f_mul_scalar(1_i64 << 32)?)?;
    Ok(words.f_to_kind(Kind::Int)?.f_transpose(-2, -1)?.f_contiguous()?)
}

/// Ranks of all keys on any device: larger is better. `queries` `[B, L, W, R]`, `keys` `[B, L, W, K]`; `[B, L, R, K]` of
/// `Double`.
pub(super) fn ranks(queries: &Tensor, keys: &Tensor) -> Result<Tensor> {
    let count = keys.size()[3];
    let mut differing = Tensor::f_zeros([1], (Kind::Int64, keys.device()))?;
    for word in 0..keys.size()[2] {
        let queries = queries.f_select(2, word)?.f_unsqueeze(-1)?;
        let keys = keys.f_select(2, word)?.f_unsqueeze(-2)?;
        let bits =
            queries.f_bitwise_xor_tensor(&keys)?.f_to_kind(Kind::Int64)?.f_bitwise_and(0xFFFF_FFFF_i64)?;
        differing = differing.f_add(&set_bits(&bits)?)?;
    }
    let position = Tensor::f_arange(count, (Kind::Int64, keys.device()))?;
    Ok(position.f_sub(&differing.f_mul_scalar(count)?)?.f_to_kind(Kind::Double)?)
}

/// Number of set bits of each value below 2^32: sums of neighbouring fields of 1, 2, 4, then 8 bits.
fn set_bits(values: &Tensor) -> Result<Tensor> {
    let pairs = |values: &Tensor, shift: i64, mask: i64| -> Result<Tensor> {
        let upper = values.f_bitwise_right_shift_tensor_scalar(shift)?.f_bitwise_and(mask)?;
        Ok(values.f_bitwise_and(mask)?.f_add(&upper)?)
    };
    let values = pairs(values, 1, 0x5555_5555)?;
    let values = pairs(&values, 2, 0x3333_3333)?;
    let values = pairs(&values, 4, 0x0F0F_0F0F)?;
    Ok(values
        .f_mul_scalar(0x0101_0101_i64)?
        .f_bitwise_right_shift_tensor_scalar(24_i64)?
        .f_bitwise_and(0xFF_i64)?)
}

/// The `count` best of `candidates`, or all, by the words of one query and of all keys, `keys[word][key]`; on the CPU.
///
/// Numbers of differing bits are small, so that they are counted and not sorted.
pub(super) fn best(query: &[i32], keys: &[&[i32]], candidates: &Candidates, count: usize) -> Vec<i64> {
    let mut best = Vec::with_capacity(count.min(candidates.len()));
    if candidates.len() <= count {
        best.extend(candidates.ranges().iter().cloned().flatten().map(|key| key as i64));
        return best;
    }
    let mut differing = vec![0_u16; candidates.len()];
    let mut done = 0;
    for range in candidates.ranges() {
        let differing = &mut differing[done..done + range.len()];
        arch().dispatch(CountBits { query, keys, range: range.clone(), differing });
        done += range.len();
    }
    let mut histogram = vec![0_usize; query.len() * 32 + 1];
    for &bits in &differing {
        histogram[bits as usize] += 1;
    }
    // Keys below the border are in; of those on it, the last ones.
    let (mut border, mut below) = (0, 0);
    while below + histogram[border] < count {
        below += histogram[border];
        border += 1;
    }
    let mut on_border = count - below;
    let mut rank = candidates.len();
    for range in candidates.ranges().iter().rev() {
        for key in range.clone().rev() {
            rank -= 1;
            let bits = differing[rank] as usize;
            if bits < border || (bits == border && on_border > 0) {
                on_border -= usize::from(bits == border);
                best.push(key as i64);
            }
        }
    }
    best
}

/// Counts the bits in which the keys of `range` differ from the query, with the widest instructions that the processor
/// has.
struct CountBits<'a> {
    query: &'a [i32],
    keys: &'a [&'a [i32]],
    range: Range<usize>,
    differing: &'a mut [u16],
}

impl WithSimd for CountBits<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (query, keys) in self.query.iter().zip(self.keys) {
            for (differing, key) in self.differing.iter_mut().zip(&keys[self.range.clone()]) {
                *differing += (query ^ key).count_ones() as u16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::mask::{Mask, MaskShape, RowRanges};
    use crate::masker::toolkit::Selected;
    use crate::seeded::seeded;

    #[test]
    fn both_ways_choose_the_same_keys() {
        for bits in [1, 8, 31, 32, 33, 70] {
            let vectors = |count: i64| Tensor::randn([1, 1, count, bits], (Kind::Float, Device::Cpu));
            let (queries, keys) = seeded(4, || (vectors(3), vectors(200)));
            let differ = queries.sign().matmul(&keys.sign().transpose(-2, -1));
            let (queries, keys) = (pack(&queries).unwrap(), pack(&keys).unwrap());
            let ranks = ranks(&queries, &keys).unwrap();
            // The product of signs is the number of equal bits less that of different ones.
            let from_signs =
                (differ - bits as f64) / 2.0 * 200.0 + Tensor::arange(200, (Kind::Float, Device::Cpu));
            assert!(ranks.equal(&from_signs.to_kind(Kind::Double)), "{bits} bits");

            let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 200 };
            let ranges = RowRanges::from_rows(200, [vec![0..3, 60..64, 90..91]]).unwrap();
            let mask = Mask::from_ranges(shape, ranges).unwrap();
            let candidates = Selected::of(&mask).unwrap().remaining(0, 0, 0..199);
            let words: Vec<Vec<i32>> = (0..keys.size()[2])
                .map(|word| Vec::try_from(keys.select(2, word).flatten(0, -1)).unwrap())
                .collect();
            let words: Vec<&[i32]> = words.iter().map(Vec::as_slice).collect();
            for row in 0..3 {
                let query = Vec::<i32>::try_from(queries.select(3, row).flatten(0, -1)).unwrap();
                for count in [1, 50, 190, 191, 300] {
                    let mut got = best(&query, &words, &candidates, count);
                    got.sort_unstable();
                    let rank = |key: &i64| ranks.double_value(&[0, 0, row, *key]);
                    let mut want: Vec<i64> =
                        candidates.ranges().iter().cloned().flatten().map(|key| key as i64).collect();
                    want.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
                    want.truncate(count);
                    want.sort_unstable();
                    assert_eq!(got, want, "{bits} bits, {count} keys");
                }
            }
        }
    }
}
