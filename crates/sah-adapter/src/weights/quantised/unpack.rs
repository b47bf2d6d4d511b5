//! Integers of a few bits out of words of 32.

use rayon::prelude::*;
use tch::{Kind, Tensor};

use super::ceil_div;
use crate::Error;

/// Words in which `count` integers of `bits` bits lie one after another, the first in the lowest bits; one may cross the border of two words.
pub(super) fn words(count: i64, bits: i64) -> i64 {
    ceil_div(count * bits, 32)
}

/// The `count` integers of `bits` bits, at most 8, in each row of `packed`, `[rows, words]` of `Int`: `[rows, count]` of `Uint8`.
pub(super) fn unpack(packed: &Tensor, bits: i64, count: i64) -> Result<Tensor, Error> {
    let (rows, words) = packed.size2()?;
    let packed = Vec::<i32>::try_from(packed.f_contiguous()?.f_view([-1])?)?;
    let (bits, count) = (bits as usize, count as usize);
    let mut integers = vec![0_u8; rows as usize * count];
    let pairs = integers.par_chunks_mut(count.max(1)).zip(packed.par_chunks(words.max(1) as usize));
    pairs.for_each(|(integers, words)| {
        let word = |number: usize| words.get(number).map_or(0, |word| u64::from(word.cast_unsigned()));
        for (number, integer) in integers.iter_mut().enumerate() {
            let (at, from) = (number * bits / 32, number * bits % 32);
            let both = word(at) | (word(at + 1) << 32);
            *integer = (both >> from) as u8 & u8::MAX >> (8 - bits);
        }
    });
    Ok(Tensor::f_from_slice(&integers)?.f_view([rows, count as i64])?)
}

/// The differences of integers from 0 to 255, as numbers of `kind`.
pub(super) fn difference(integers: &Tensor, zero_points: &Tensor, kind: Kind) -> Result<Tensor, Error> {
    let integers = integers.f_to_kind(Kind::Int16)?;
    Ok(integers.f_sub(&zero_points.f_to_kind(Kind::Int16)?)?.f_to_kind(kind)?)
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::unpack;

    #[test]
    fn integers_may_cross_the_border_of_two_words() {
        for bits in 1..=8_i64 {
            let count = 37;
            let numbers: Vec<u64> = (0..2 * count).map(|number| number * 181 % (1 << bits)).collect();
            let mut packed = vec![];
            for row in numbers.chunks(count as usize) {
                let mut stream = vec![0_u32; (count as usize * bits as usize).div_ceil(32)];
                for (number, value) in row.iter().enumerate() {
                    for bit in 0..bits as usize {
                        let at = number * bits as usize + bit;
                        stream[at / 32] |= ((value >> bit & 1) as u32) << (at % 32);
                    }
                }
                packed.extend(stream.into_iter().map(u32::cast_signed));
            }
            let packed = Tensor::from_slice(&packed).view([2, -1]);
            let found = unpack(&packed, bits, count as i64).unwrap();
            let found = Vec::<u8>::try_from(found.view([-1])).unwrap();
            assert_eq!(found.into_iter().map(u64::from).collect::<Vec<_>>(), numbers, "{bits} bits");
        }
    }
}
