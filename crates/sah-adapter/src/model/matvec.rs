//! Matrix times vector on the CPU, all cores reading.
//!
//! Decoding one token multiplies every weight matrix with a single row: it is bound by how fast weights can be read.
//! libtorch's product with a single row reads with one core, 13 GB/s where two cores read 25.

use rayon::prelude::*;

/// Independent sums of a dot product: enough to fill the vector units whatever their width.
const LANES: usize = 64;

/// `output = weights x`: `weights` is `[output.len(), x.len()]`, row by row, split over `parts` threads.
pub(super) fn matvec(weights: &[f32], x: &[f32], output: &mut [f32], parts: usize) {
    debug_assert_eq!(weights.len(), x.len() * output.len());
    if output.is_empty() || x.is_empty() {
        return output.fill(0.0);
    }
    if parts < 2 {
        return rows(weights, x, output);
    }
    let height = output.len().div_ceil(parts);
    let pieces = output.par_chunks_mut(height).zip(weights.par_chunks(height * x.len()));
    pieces.for_each(|(output, weights)| rows(weights, x, output));
}

/// One thread's part, with the widest instructions that the processor has.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "calls code for a processor that was asked for it")
)]
fn rows(weights: &[f32], x: &[f32], output: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512.
            return unsafe { rows_avx512(weights, x, output) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { rows_avx2(weights, x, output) };
        }
    }
    rows_plain(weights, x, output, |a, b, sum| a * b + sum);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn rows_avx512(weights: &[f32], x: &[f32], output: &mut [f32]) {
    rows_plain(weights, x, output, f32::mul_add);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn rows_avx2(weights: &[f32], x: &[f32], output: &mut [f32]) {
    rows_plain(weights, x, output, f32::mul_add);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of its caller")]
fn rows_plain(weights: &[f32], x: &[f32], output: &mut [f32], multiply_add: impl Fn(f32, f32, f32) -> f32) {
    for (output, row) in output.iter_mut().zip(weights.chunks_exact(x.len())) {
        let mut sums = [0.0_f32; LANES];
        let (row_blocks, row_rest) = row.as_chunks::<LANES>();
        let (x_blocks, x_rest) = x.as_chunks::<LANES>();
        for (a, b) in row_blocks.iter().zip(x_blocks) {
            for lane in 0..LANES {
                sums[lane] = multiply_add(a[lane], b[lane], sums[lane]);
            }
        }
        let rest: f32 = row_rest.iter().zip(x_rest).map(|(a, b)| a * b).sum();
        // Halves are added to halves: fewer roundings than one after another, and vector additions.
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
        }
        *output = sums[0] + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::matvec;

    /// Values between -1 and 1, different for each seed.
    fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn it_is_the_product_for_every_shape_and_split() {
        for (rows, columns) in
            [(1, 1), (3, 63), (5, 64), (7, 65), (16, 576), (31, 200), (2, 1536), (0, 8), (4, 0)]
        {
            let (weights, x) = (values(rows * columns, 1), values(columns, 2));
            for parts in [1, 2, 3, 8] {
                let mut output = vec![f32::NAN; rows];
                matvec(&weights, &x, &mut output, parts);
                for (row, found) in output.iter().enumerate() {
                    let exact: f64 = (0..columns)
                        .map(|column| f64::from(weights[row * columns + column]) * f64::from(x[column]))
                        .sum();
                    assert!(
                        (f64::from(*found) - exact).abs() < 2e-5,
                        "{rows} x {columns} in {parts}: {found} {exact}"
                    );
                }
            }
        }
    }
}
