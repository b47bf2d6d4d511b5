//! The exponential function, many at a time.

use pulp::Simd;

/// Below this the exponential is taken as that of this, 4e-38: what is so far below the maximum does not show in f32.
const LOWEST: f32 = -86.0;

/// Added to a number of moderate size, it rounds it to a whole one, half to even, which then stands in the lowest bits.
pub const ROUNDING: f32 = 12_582_912.0;

/// `ln 2` in two parts, the first with so few bits that its multiples are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `1 / n!` for n from 7 to 0: `exp(r)` for `|r| <= ln 2 / 2` up to 5e-9.
const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// Replaces every `s` of `scores`, none above `max`, by `exp(s - max)` and gives their sum.
#[inline(always)]
pub fn exponentiate<S: Simd>(simd: S, scores: &mut [f32], max: f32) -> f32 {
    let (vectors, rest) = S::as_mut_simd_f32s(scores);
    let maxima = simd.splat_f32s(max);
    let mut sum = simd.splat_f32s(0.0);
    for score in vectors {
        *score = exp(simd, simd.sub_f32s(*score, maxima));
        sum = simd.add_f32s(sum, *score);
    }
    let mut total = simd.reduce_sum_f32s(sum);
    for score in rest {
        *score = (*score - max).max(LOWEST).exp();
        total += *score;
    }
    total
}

/// `exp(x)` of each `x`, none far above 0.
///
/// With `n` the whole number next to `x / ln 2`: `exp(x) = 2^n exp(x - n ln 2)`.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value: f32| simd.splat_f32s(value);
    let x = simd.max_f32s(x, splat(LOWEST));
    let shifted = simd.mul_add_f32s(x, splat(std::f32::consts::LOG2_E), splat(ROUNDING));
    let n = simd.sub_f32s(shifted, splat(ROUNDING));
    let r = simd.mul_add_f32s(n, splat(-LN_2[0]), x);
    let r = simd.mul_add_f32s(n, splat(-LN_2[1]), r);
    let mut power = splat(TAYLOR[0]);
    for coefficient in &TAYLOR[1..] {
        power = simd.mul_add_f32s(power, r, splat(*coefficient));
    }
    // Adding n to the exponent multiplies by 2^n.
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(power), exponent))
}

#[cfg(test)]
mod tests {
    use crate::cpu::arch;
    use pulp::{Simd, WithSimd};

    use super::{LOWEST, exponentiate};

    struct Call<'a>(&'a mut [f32], f32);

    impl WithSimd for Call<'_> {
        type Output = f32;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            exponentiate(simd, self.0, self.1)
        }
    }

    #[test]
    fn it_is_within_two_roundings_of_the_exact_value() {
        let max = 3.5_f32;
        let scores: Vec<f32> = (0..100_003).map(|n| max - n as f32 * 85.0 / 100_002.0).collect();
        let mut found = scores.clone();
        let sum = arch().dispatch(Call(&mut found, max));
        let exact = |score: f32| (f64::from(score) - f64::from(max)).exp();
        for (&score, &found) in scores.iter().zip(&found) {
            let exact = exact(score);
            let error = (f64::from(found) - exact).abs() / exact;
            assert!(error < 2.5e-7, "exp({score} - {max}) = {found}, off by {error}");
        }
        let exact: f64 = scores.iter().map(|&score| exact(score)).sum();
        // Without vectors all of them are added to one sum.
        assert!((f64::from(sum) - exact).abs() < 1e-4 * exact);
        assert_eq!(found[0].to_bits(), 1.0_f32.to_bits(), "the maximum itself");
    }

    #[test]
    fn what_is_far_below_the_maximum_is_next_to_nothing() {
        let mut scores = [0.0, -100.0, -1e30, f32::NEG_INFINITY, -88.5];
        let mut many: Vec<f32> = scores.iter().copied().cycle().take(64).collect();
        arch().dispatch(Call(&mut scores, 0.0));
        arch().dispatch(Call(&mut many, 0.0));
        for score in scores[1..].iter().chain(&many[1..5]) {
            assert!(*score > 0.0 && *score < 2.0 * LOWEST.exp(), "{score}");
        }
    }
}
