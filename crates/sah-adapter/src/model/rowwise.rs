//! The small operations between the products of a layer, for rows in f32 on the CPU: one pass each, all cores.
//!
//! libtorch makes several calls of each. A call costs about a microsecond, and decoding a token made more than a thousand; with
//! many rows, each call reads and writes all of them once more.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use sah_tensor::element::{Element, F32};
use sah_tensor::exp::exp;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::matrix::{values, with_values_mut};

/// Whether the functions of this file compute with `x`.
pub(super) fn is_plain(x: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float && x.is_contiguous()
}

/// Rows that are not worth a second thread.
const FEW_ROWS: usize = 8;

/// Hands `rows`, each of `size` values, to `work` in one piece for each thread, with the number of its first row.
fn over_rows(rows: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    let count = rows.len().checked_div(size).unwrap_or(0);
    if count <= FEW_ROWS {
        return work(0, rows);
    }
    let piece = count.div_ceil(tch::get_num_threads().max(1) as usize);
    let pieces = rows.par_chunks_mut(piece * size).enumerate().with_max_len(1);
    pieces.for_each(|(number, rows)| work(number * piece, rows));
}

/// `x / sqrt(mean(x^2) + eps) * weight` of each row of `x`, `[.., size]`. Gives the same shape.
pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor, Error> {
    let output = x.f_empty_like()?;
    let (x, weight, eps) = (values(x), values(weight), eps as f32);
    with_values_mut(&output, |output| {
        over_rows(output, weight.len(), |first, rows| {
            rows.copy_from_slice(&x[first * weight.len()..][..rows.len()]);
            Arch::new().dispatch(Normalise { rows, weight, eps });
        });
    });
    Ok(output)
}

/// `silu(gate) * up` of [plain](is_plain) rows `[1, Q, 2 I]`, gate first, that nobody else knows: a view `[1, Q, I]` of the
/// gates' place.
pub(super) fn silu_gate(both: &Tensor) -> Result<Tensor, Error> {
    let width = both.size()[2] / 2;
    let half = (width as usize).max(1);
    with_values_mut(both, |both| {
        over_rows(both, 2 * half, |_, rows| {
            for row in rows.chunks_exact_mut(2 * half) {
                let (gates, ups) = row.split_at_mut(half);
                Arch::new().dispatch(SiluGate { gates, ups });
            }
        });
    });
    Ok(both.f_narrow(2, 0, width)?)
}

/// Rows `x` of heads, of which those that `weight` has rows for are normalised by it, in place.
///
/// `x` is new, nobody else knows it: `[1, Q, n, D]`. `weight`: `[m, D]`, `m <= n`.
pub(super) fn rms_norm_heads(x: &Tensor, weight: &Tensor, eps: f64) {
    let row = x.size()[2..].iter().product::<i64>() as usize;
    let (dim, weight, eps) = (weight.size()[1] as usize, values(weight), eps as f32);
    with_values_mut(x, |x| {
        over_rows(x, row, |_, rows| {
            for row in rows.chunks_exact_mut(row) {
                for (head, weight) in row.chunks_exact_mut(dim).zip(weight.chunks_exact(dim)) {
                    Arch::new().dispatch(Normalise { rows: head, weight, eps });
                }
            }
        });
    });
}

/// Rotates the first `count` heads of rows `x`, in place: `x cos + rotate_half(x) sin` of the dimensions that `cos` has.
///
/// `x` is new, nobody else knows it: `[1, Q, n, D]`. `cos` and `sin`: `[Q, 1, rotary_dim]`, both halves alike.
pub(super) fn rotate_heads(x: &Tensor, count: i64, dim: i64, (cos, sin): (&Tensor, &Tensor)) {
    let (row, dim, rotary) = (x.size()[2] as usize, dim as usize, cos.size()[2] as usize);
    let (cos, sin) = (values(cos), values(sin));
    with_values_mut(x, |x| {
        over_rows(x, row, |first, rows| {
            let angles = cos.chunks_exact(rotary).zip(sin.chunks_exact(rotary)).skip(first);
            for (row, (cos, sin)) in rows.chunks_exact_mut(row).zip(angles) {
                for head in row.chunks_exact_mut(dim).take(count as usize) {
                    let (first, second) = head[..rotary].split_at_mut(rotary / 2);
                    for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
                        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                    }
                }
            }
        });
    });
}

/// Normalises rows as long as `weight`, in place.
struct Normalise<'a> {
    rows: &'a mut [f32],
    weight: &'a [f32],
    eps: f32,
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.weight.len();
        for row in self.rows.chunks_exact_mut(size) {
            let mean = F32::dot(simd, row, row) / size as f32;
            let factor = (mean + self.eps).sqrt().recip();
            for (x, weight) in row.iter_mut().zip(self.weight) {
                *x *= factor * weight;
            }
        }
    }
}

/// `silu(gate) * up`, in the place of the gates.
struct SiluGate<'a> {
    gates: &'a mut [f32],
    ups: &'a [f32],
}

impl WithSimd for SiluGate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gates, rest_gates) = S::as_mut_simd_f32s(self.gates);
        let (ups, rest_ups) = S::as_simd_f32s(self.ups);
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for (place, &up) in gates.iter_mut().zip(ups) {
            let gate = *place;
            // sigmoid(x) = 1 / (1 + e) for x >= 0 and e / (1 + e) below, with e = exp(-|x|), which does not overflow.
            let e = exp(simd, simd.min_f32s(gate, simd.neg_f32s(gate)));
            let above = simd.select_f32s(simd.less_than_f32s(gate, zero), e, one);
            let sigmoid = simd.div_f32s(above, simd.add_f32s(one, e));
            *place = simd.mul_f32s(simd.mul_f32s(gate, sigmoid), up);
        }
        for (place, up) in rest_gates.iter_mut().zip(rest_ups) {
            *place = *place / (1.0 + (-*place).exp()) * up;
        }
    }
}

/// `x += y` of [plain](is_plain) rows of one size; nobody else knows `x`.
pub(super) fn add(x: &Tensor, y: &Tensor) {
    let (size, y) = (x.size()[2] as usize, values(y));
    with_values_mut(x, |x| {
        over_rows(x, size, |first, rows| {
            for (x, y) in rows.iter_mut().zip(&y[first * size..]) {
                *x += y;
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{add, is_plain, rms_norm, rms_norm_heads, rotate_heads, silu_gate};

    fn random(size: &[i64]) -> Tensor {
        Tensor::randn(size, (Kind::Float, Device::Cpu))
    }

    fn close(found: &Tensor, expected: &Tensor) {
        assert_eq!(found.size(), expected.size());
        assert!(found.allclose(expected, 1e-5, 1e-6, false), "{:?}", (found - expected).abs().max());
    }

    #[test]
    fn contiguous_f32_on_the_cpu_is_plain() {
        assert!(is_plain(&random(&[1, 8, 5])));
        assert!(!is_plain(&random(&[1, 1, 5]).to_kind(Kind::BFloat16)));
        assert!(!is_plain(&random(&[1, 3, 10]).narrow(2, 0, 5)));
    }

    #[test]
    fn a_row_is_normalised_as_by_libtorch() {
        for (rows, size) in [(1, 576), (3, 61), (8, 1), (9, 61), (100, 64)] {
            let (x, weight) = (random(&[1, rows, size]) * 3.0, random(&[size]));
            close(&rms_norm(&x, &weight, 1e-5).unwrap(), &x.rms_norm([size], Some(&weight), 1e-5));
        }
    }

    #[test]
    fn a_gate_is_that_of_libtorch_also_far_from_zero() {
        for (rows, width) in [(1, 1536), (3, 37), (33, 37)] {
            let (gate, up) = (random(&[1, rows, width]) * 40.0, random(&[1, rows, width]));
            let expected = gate.silu() * &up;
            close(&silu_gate(&Tensor::cat(&[gate, up], 2)).unwrap(), &expected);
        }
    }

    #[test]
    fn rows_are_added_where_they_lie() {
        for rows in [1, 8, 35] {
            let (x, y) = (random(&[1, rows, 37]), random(&[1, rows, 37]));
            let expected = &x + &y;
            add(&x, &y);
            close(&x, &expected);
        }
    }

    #[test]
    fn heads_are_normalised_and_rotated_where_they_lie() {
        for (rows, dim, rotary) in [(1, 64, 64), (3, 16, 8), (35, 16, 8)] {
            let (x, weight) = (random(&[1, rows, 5, dim]), random(&[4, dim]));
            let angles = random(&[rows, 1, rotary / 2]).repeat([1, 1, 2]);
            let (cos, sin) = (angles.cos(), angles.sin());
            let normed = x.narrow(2, 0, 4).rms_norm([dim], None::<&Tensor>, 1e-6) * &weight;
            let turning = normed.narrow(3, 0, rotary);
            let halves = turning.chunk(2, 3);
            let turned = &turning * &cos + Tensor::cat(&[-&halves[1], halves[0].copy()], 3) * &sin;
            let rest = normed.narrow(3, rotary, dim - rotary);
            let expected = Tensor::cat(&[Tensor::cat(&[turned, rest], 3), x.narrow(2, 4, 1)], 2);
            rms_norm_heads(&x, &weight, 1e-6);
            rotate_heads(&x.view([1, rows, -1]), 4, dim, (&cos, &sin));
            close(&x, &expected);
        }
    }
}
