//! Tables of numbers that the 4 bits of a code stand for, looked up in a register where the processor can.

use pulp::Simd;

use super::format::{bits, eight_numbers, nibbles, shifted};

/// What the eight nibbles of each word stand for, each minus `bias`, exactly.
#[inline(always)]
pub(super) fn nibble_numbers<S: Simd>(simd: S, words: S::u32s, bias: u32) -> [S::f32s; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        let mut table = [0.0; 16];
        for (number, entry) in table.iter_mut().enumerate() {
            *entry = number as f32 - bias as f32;
        }
        if let Some(numbers) = x86::of_sixteen(simd, table, words) {
            return numbers;
        }
    }
    eight_numbers(simd, nibbles(simd, words), bias)
}

/// The numbers of the form E2M1 (OCP Microscaling Formats 1.0) without their sign, which the fourth bit is.
const E2M1: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// The numbers of E2M1 that the eight nibbles of each word stand for.
#[inline(always)]
pub(super) fn e2m1_numbers<S: Simd>(simd: S, words: S::u32s) -> [S::f32s; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        let mut table = [0.0; 16];
        for (at, size) in E2M1.iter().enumerate() {
            (table[at], table[8 + at]) = (*size, -size);
        }
        if let Some(numbers) = x86::of_sixteen(simd, table, words) {
            return numbers;
        }
    }
    let mut all = [simd.splat_f32s(0.0); 8];
    for (number, of) in all.iter_mut().enumerate() {
        let words = shifted(simd, words, 4 * number);
        let sign = simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(28));
        let sign = simd.and_u32s(sign, simd.splat_u32s(1 << 31));
        let size = simd.transmute_u32s_f32s(e2m1_sizes(simd, words));
        *of = simd.transmute_f32s_u32s(simd.or_u32s(size, sign));
    }
    all
}

/// The numbers of the lowest three bits of each word.
#[inline(always)]
fn e2m1_sizes<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
    #[cfg(target_arch = "x86_64")]
    if let Some(sizes) = x86::of_eight(simd, E2M1, words) {
        return sizes;
    }
    // As a normal number with exponent and mantissa of the code, n is 0.5, 0.75, 1, 1.5, 2 and so on: only the first two are others, and
    // they are 2 n - 1, which is no less than n for all others.
    let code = simd.wrapping_dyn_shl_u32s(bits(simd, words, 0, 7), simd.splat_u32s(22));
    let normal = simd.transmute_f32s_u32s(simd.add_u32s(code, simd.splat_u32s(126 << 23)));
    let less = simd.mul_add_f32s(normal, simd.splat_f32s(2.0), simd.splat_f32s(-1.0));
    simd.min_f32s(normal, less)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::any::Any;

    use pulp::x86::{V3, V4};
    use pulp::{Simd, cast, f32x8, u32x8, u32x16};

    use super::shifted;

    /// Entries of `table` by the eight nibbles of each of 16 words, where `S` has vectors of these.
    #[inline(always)]
    pub(super) fn of_sixteen<S: Simd>(simd: S, table: [f32; 16], words: S::u32s) -> Option<[S::f32s; 8]> {
        let (simd, words) = (same::<_, V4>(simd)?, same::<_, u32x16>(words)?);
        let mut all = [simd.splat_f32s(0.0); 8];
        for (number, of) in all.iter_mut().enumerate() {
            // An index is the lowest four bits of a word.
            let codes = shifted(simd, words, 4 * number);
            *of = cast(simd.avx512f._mm512_permutexvar_ps(cast(codes), cast(table)));
        }
        same(all)
    }

    /// Entries of `table` by the lowest three bits of each of 8 words, where `S` has vectors of these.
    #[inline(always)]
    pub(super) fn of_eight<S: Simd>(simd: S, table: [f32; 8], words: S::u32s) -> Option<S::f32s> {
        let (simd, words) = (same::<_, V3>(simd)?, same::<_, u32x8>(words)?);
        let found: f32x8 = cast(simd.avx2._mm256_permutevar8x32_ps(cast(table), cast(words)));
        same(found)
    }

    /// `value`, where its type is the other, which is known when the caller is compiled.
    #[inline(always)]
    fn same<T: Any, U: Any + Copy>(value: T) -> Option<U> {
        (&value as &dyn Any).downcast_ref().copied()
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Scalar, Simd, WithSimd};

    use super::{e2m1_numbers, nibble_numbers};

    /// What the eight nibbles of words mean, of each word one by one.
    struct Numbers<'a>(&'a [u32]);

    impl WithSimd for Numbers<'_> {
        type Output = (Vec<f32>, Vec<f32>);

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let (vectors, rest) = S::as_simd_u32s(self.0);
            assert!(rest.is_empty());
            let mut all = (vec![], vec![]);
            for vector in vectors {
                let (of_e2m1, plain) = (e2m1_numbers(simd, *vector), nibble_numbers(simd, *vector, 8));
                let (of_e2m1, plain) = (of_e2m1.as_slice(), plain.as_slice());
                for lane in 0..S::F32_LANES {
                    let of_lane = |numbers: &[S::f32s]| -> Vec<f32> {
                        numbers.iter().map(|numbers| pulp::bytemuck::cast_slice(&[*numbers])[lane]).collect()
                    };
                    all.0.extend(of_lane(of_e2m1));
                    all.1.extend(of_lane(plain));
                }
            }
            all
        }
    }

    #[test]
    fn every_width_of_vectors_gives_the_same_numbers() {
        let words: Vec<u32> = (0..64_u32).map(|number| number.wrapping_mul(0x9E37_79B9)).collect();
        let nibbles: Vec<usize> =
            words.iter().flat_map(|word| (0..8).map(move |at| (word >> (4 * at) & 0xF) as usize)).collect();
        let sizes = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
        let e2m1 = |code: &usize| if *code < 8 { sizes[*code] } else { -sizes[*code - 8] };
        let expected: Vec<f32> = nibbles.iter().map(e2m1).collect();
        let plain: Vec<f32> = nibbles.iter().map(|code| *code as f32 - 8.0).collect();
        let mut found = vec![Simd::vectorize(Scalar::new(), Numbers(&words))];
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(pulp::x86::V3::try_new().map(|simd| Simd::vectorize(simd, Numbers(&words))));
            found.extend(pulp::x86::V4::try_new().map(|simd| Simd::vectorize(simd, Numbers(&words))));
        }
        for (number, (of_e2m1, of_plain)) in found.into_iter().enumerate() {
            assert_eq!(of_e2m1, expected, "E2M1, {number}");
            assert_eq!(of_plain, plain, "less 8, {number}");
        }
    }
}
