//! Matrix times vector on the CPU, all cores reading.
//!
//! Decoding one token multiplies every weight matrix with a single row: it is bound by how fast weights can be read.
//! libtorch's product with a single row reads f32 and bf16 with one core, 13 GB/s where two cores read 25. (Its f16 product
//! reads with all.) Sums are in f32 whatever the type of the weights.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use sah_attention::element::Element;

/// `output = weights x`: `weights` is `[output.len(), x.len()]`, row by row, split over `parts` threads.
pub(super) fn matvec<E: Element>(weights: &[E::Word], x: &[f32], output: &mut [f32], parts: usize) {
    let width = x.len() / E::PER_WORD;
    debug_assert_eq!(weights.len(), width * output.len());
    debug_assert_eq!(x.len() % E::PER_WORD, 0);
    if output.is_empty() || x.is_empty() {
        return output.fill(0.0);
    }
    let (x, arch) = (&*E::arrange(x), Arch::new());
    let rows = |weights, output| arch.dispatch(Rows::<E> { weights, width, x, output });
    if parts < 2 {
        return rows(weights, output);
    }
    let height = output.len().div_ceil(parts);
    let pieces = output.par_chunks_mut(height).zip(weights.par_chunks(height * width));
    pieces.for_each(|(output, weights)| rows(weights, output));
}

/// One thread's part, with the widest instructions that the processor has.
struct Rows<'a, E: Element> {
    weights: &'a [E::Word],
    width: usize,
    x: &'a [f32],
    output: &'a mut [f32],
}

impl<E: Element> WithSimd for Rows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (output, row) in self.output.iter_mut().zip(self.weights.chunks_exact(self.width)) {
            *output = E::dot(simd, self.x, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use sah_attention::element::{Bf16, Element, F32};

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

    /// Compares with sums in f64. `store` gives the words of some weights and the values that they hold.
    fn check<E: Element>(store: impl Fn(&[f32]) -> (Vec<E::Word>, Vec<f32>)) {
        let shapes = [(3, 62), (5, 64), (7, 66), (16, 576), (31, 200), (2, 1536), (1, 2), (0, 8), (4, 0)];
        for (rows, columns) in shapes {
            let (words, weights) = store(&values(rows * columns, 1));
            let x = values(columns, 2);
            for parts in [1, 2, 3, 8] {
                let mut output = vec![f32::NAN; rows];
                matvec::<E>(&words, &x, &mut output, parts);
                for (row, found) in output.iter().enumerate() {
                    let products = weights[row * columns..(row + 1) * columns].iter().zip(&x);
                    let exact: f64 = products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    assert!(
                        (f64::from(*found) - exact).abs() < 2e-5,
                        "{rows} x {columns} in {parts}: {found} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn it_is_the_product_for_every_shape_and_split() {
        check::<F32>(|values| (values.to_vec(), values.to_vec()));
    }

    #[test]
    fn it_is_the_product_with_what_bf16_holds() {
        check::<Bf16>(|values| {
            let stored: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
            let pair = |pair: &[bf16]| u32::from(pair[0].to_bits()) | u32::from(pair[1].to_bits()) << 16;
            (stored.chunks(2).map(pair).collect(), stored.iter().map(|value| value.to_f32()).collect())
        });
    }
}
