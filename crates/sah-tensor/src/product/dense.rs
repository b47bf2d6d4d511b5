//! Products of plain weights with few rows on the CPU, all cores reading.
//!
//! Decoding one token multiplies every weight matrix with a single row: it is bound by how fast weights can be read.
//! libtorch's product with a single row reads f32 and bf16 with one core, 13 GB/s where two cores read 25. Sums are in f32
//! whatever the type of the weights.

use std::borrow::Cow;

use pulp::{Arch, Simd, WithSimd};

use super::over_outputs;
use crate::element::{Factor, ROWS};

/// `outputs[n] = weights x[n]`: `weights` is `[outputs, columns]`, row by row, and `x` has as many rows of `columns` values
/// as there are outputs. Each row of weights is read from memory once, for all rows of inputs.
///
/// # Panics
///
/// Where the lengths of `weights`, `x` and `outputs` do not fit each other, or rows are not whole words.
pub fn dense<E: Factor>(
    weights: &[E::Word],
    columns: usize,
    x: &[f32],
    mut outputs: Vec<&mut [f32]>,
    threads: usize,
) {
    let width = columns / E::PER_WORD;
    assert!(columns.is_multiple_of(E::PER_WORD), "rows of {columns} elements are not whole words");
    assert!(outputs.iter().all(|row| weights.len() == width * row.len()), "weights and outputs do not fit");
    if outputs.is_empty() {
        return;
    }
    assert_eq!(x.len(), columns * outputs.len(), "inputs and outputs do not fit");
    if columns == 0 {
        return outputs.iter_mut().for_each(|row| row.fill(0.0));
    }
    let x: Vec<Cow<'_, [f32]>> = x.chunks_exact(columns).map(E::arrange).collect();
    let arch = Arch::new();
    over_outputs(outputs, 1, threads, |first, outputs| {
        let weights = &weights[first * width..(first + outputs[0].len()) * width];
        arch.dispatch(Rows::<E> { weights, width, x: &x, outputs });
    });
}

/// One thread's part, with the widest instructions that the processor has.
struct Rows<'a, 'b, E: Factor> {
    weights: &'a [E::Word],
    width: usize,
    x: &'a [Cow<'a, [f32]>],
    outputs: &'a mut [&'b mut [f32]],
}

impl<E: Factor> WithSimd for Rows<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (width, count) = (self.width, self.weights.len() / self.width);
        let row = |number: usize| &self.weights[number * width..(number + 1) * width];
        // Row number n of each of ROWS parts, then what is left, one by one.
        let part = count / ROWS;
        for number in 0..part {
            let rows = std::array::from_fn(|at| row(number + at * part));
            for (outputs, x) in self.outputs.chunks_mut(2).zip(self.x.chunks(2)) {
                match (outputs, x) {
                    ([output, other], [x, y]) => {
                        let [dots, of_other] = E::dots_of_two(simd, [x, y], rows);
                        for at in 0..ROWS {
                            output[number + at * part] = dots[at];
                            other[number + at * part] = of_other[at];
                        }
                    }
                    (outputs, x) => {
                        for (output, x) in outputs.iter_mut().zip(x) {
                            for (at, dot) in E::dots(simd, x, rows).into_iter().enumerate() {
                                output[number + at * part] = dot;
                            }
                        }
                    }
                }
            }
        }
        for number in ROWS * part..count {
            for (output, x) in self.outputs.iter_mut().zip(self.x) {
                output[number] = E::dot(simd, x, row(number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::dense;
    use crate::element::{Bf16, F16, F32, Factor};
    use crate::testing::{close, values};

    /// Compares with sums in f64. `store` gives the words of some weights and the values that they hold.
    fn check<E: Factor>(store: impl Fn(&[f32]) -> (Vec<E::Word>, Vec<f32>)) {
        let shapes = [(3, 62), (5, 64), (7, 66), (16, 576), (31, 200), (2, 1536), (1, 2), (0, 8), (4, 0)];
        for (rows, columns) in shapes {
            let (words, weights) = store(&values(rows * columns, 1));
            for inputs in [1, 2, 3, 8, 16] {
                let x = values(inputs * columns, 2);
                for threads in [1, 2, 3, 8] {
                    let mut output = vec![f32::NAN; inputs * rows];
                    let outputs = output.chunks_mut(rows.max(1)).collect();
                    dense::<E>(&words, columns, &x, outputs, threads);
                    close(&output, &weights, &x, columns, &format!("{rows} x {columns} in {threads}"));
                }
            }
        }
    }

    #[test]
    fn it_is_the_product_for_every_shape_and_split() {
        check::<F32>(|values| (values.to_vec(), values.to_vec()));
    }

    fn words(halves: impl Iterator<Item = u16>) -> Vec<u32> {
        let halves: Vec<u16> = halves.collect();
        halves.chunks(2).map(|pair| u32::from(pair[0]) | u32::from(pair[1]) << 16).collect()
    }

    #[test]
    fn it_is_the_product_with_what_bf16_and_f16_hold() {
        check::<Bf16>(|values| {
            let stored = values.iter().map(|&value| bf16::from_f32(value));
            (words(stored.clone().map(bf16::to_bits)), stored.map(bf16::to_f32).collect())
        });
        check::<F16>(|values| {
            let stored = values.iter().map(|&value| f16::from_f32(value));
            (words(stored.clone().map(f16::to_bits)), stored.map(f16::to_f32).collect())
        });
    }
}
