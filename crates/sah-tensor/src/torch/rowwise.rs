//! The small operations between the products of a layer, of tensors.
//!
//! libtorch makes several calls of each. A call costs about a microsecond, and decoding a token made more than a thousand; with
//! many rows, each call reads and writes all of them once more.

use tch::{Device, Kind, Tensor};

use super::slice::{elements, in_place, written};
use crate::element::F32;
use crate::error::Error;
use crate::rowwise::{self, HeadRotation, Pairs};

/// Whether the functions of this file compute with `x`.
#[must_use]
pub fn is_plain(x: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float && x.is_contiguous()
}

fn threads() -> usize {
    tch::get_num_threads().max(1) as usize
}

fn shape(expected: impl Into<String>, found: &Tensor) -> Error {
    Error::Shape { expected: expected.into(), found: found.size() }
}

/// `x / sqrt(mean(x^2) + eps) * weight` of each row of `x`, `[.., size]`. Gives the same shape.
#[expect(unsafe_code, reason = "reads tensors in place")]
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor, Error> {
    let size = x.size();
    if weight.size() != [size.last().copied().unwrap_or(1)] {
        return Err(shape(format!("a weight of as many values as the last of {size:?}"), weight));
    }
    // SAFETY: all that is written while the slices are in use is the output, which is new.
    let (x, weight) = unsafe { (elements::<F32>(x)?, elements::<F32>(weight)?) };
    Ok(written(&size, |output| rowwise::rms_norm(x, weight, eps as f32, output, threads()))?)
}

/// `silu(gate) * up` of [plain](is_plain) rows `[1, Q, 2 I]`, gate first: a view `[1, Q, I]` of the gates' place.
pub fn silu_gate(mut both: Tensor) -> Result<Tensor, Error> {
    let (_, _, size) = both.size3()?;
    if size % 2 != 0 {
        return Err(shape("rows of gates and as many others", &both));
    }
    in_place(&mut both, [], |both, []| rowwise::silu_gate(both, size as usize / 2, threads()))?;
    Ok(both.f_narrow(2, 0, size / 2)?)
}

/// Normalises the first heads of each row of `x`, `[1, Q, ..]`, in place: those that `weight`, `[heads, dim]`, has rows for.
pub fn rms_norm_heads(x: &mut Tensor, weight: &Tensor, eps: f64) -> Result<(), Error> {
    let row = row_of(x)?;
    let (heads, dim) = weight.size2()?;
    if dim == 0 || (heads * dim) as usize > row {
        return Err(shape(format!("a weight for no more than {row} values"), weight));
    }
    in_place(x, [weight], |x, [weight]| {
        rowwise::rms_norm_heads(x, row, weight, dim as usize, eps as f32, threads());
    })
}

/// Rotates the first `heads` heads of each row of `x`, `[1, Q, ..]`, in place, in the dimensions that `cos` has, of `dim`: of each of
/// `pairs`, `(a cos - b sin, b cos + a sin)`. `cos` and `sin`: `[Q, 1, rotary]`, those of a pair alike.
pub fn rotate_heads(
    x: &mut Tensor,
    heads: usize,
    dim: usize,
    pairs: Pairs,
    (cos, sin): (&Tensor, &Tensor),
) -> Result<(), Error> {
    let row = row_of(x)?;
    let (rows, _, rotary) = cos.size3()?;
    let fits = rows == x.size()[1] && rotary > 0 && rotary % 2 == 0 && rotary as usize <= dim;
    if !fits || cos.size() != sin.size() || heads * dim > row {
        return Err(shape(format!("angles of {heads} heads of {dim} values, for {:?}", x.size()), cos));
    }
    in_place(x, [cos, sin], |x, [cos, sin]| {
        let rotation = HeadRotation { row, heads, dim, rotary: rotary as usize, pairs, cos, sin };
        rowwise::rotate_heads(x, rotation, threads());
    })
}

/// `x += y`, rows of one size.
pub fn add(x: &mut Tensor, y: &Tensor) -> Result<(), Error> {
    let size = x.size();
    if size != y.size() {
        return Err(shape(format!("{size:?}"), y));
    }
    let row = size.last().copied().unwrap_or(1) as usize;
    in_place(x, [y], |x, [y]| rowwise::add(x, y, row, threads()))
}

/// Values of each row of `x`, `[1, Q, ..]`.
fn row_of(x: &Tensor) -> Result<usize, Error> {
    let size = x.size();
    match size.as_slice() {
        [1, _, rest @ ..] => Ok(rest.iter().product::<i64>() as usize),
        _ => Err(shape("[1, Q, ..]", x)),
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{Pairs, add, is_plain, rms_norm, rms_norm_heads, rotate_heads, silu_gate};

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
            close(&silu_gate(Tensor::cat(&[gate, up], 2)).unwrap(), &expected);
        }
    }

    #[test]
    fn rows_are_added_where_they_lie() {
        for rows in [1, 8, 35] {
            let (mut x, y) = (random(&[1, rows, 37]), random(&[1, rows, 37]));
            let expected = &x + &y;
            add(&mut x, &y).unwrap();
            close(&x, &expected);
        }
    }

    #[test]
    fn heads_are_normalised_and_rotated_where_they_lie() {
        for (rows, dim, rotary) in [(1, 64, 64), (3, 16, 8), (35, 16, 8)] {
            let (mut x, weight) = (random(&[1, rows, 5, dim]), random(&[4, dim]));
            let angles = random(&[rows, 1, rotary / 2]).repeat([1, 1, 2]);
            let (cos, sin) = (angles.cos(), angles.sin());
            let normed = x.narrow(2, 0, 4).rms_norm([dim], None::<&Tensor>, 1e-6) * &weight;
            let turning = normed.narrow(3, 0, rotary);
            let halves = turning.chunk(2, 3);
            let turned = &turning * &cos + Tensor::cat(&[-&halves[1], halves[0].copy()], 3) * &sin;
            let rest = normed.narrow(3, rotary, dim - rotary);
            let expected = Tensor::cat(&[Tensor::cat(&[turned, rest], 3), x.narrow(2, 4, 1)], 2);
            rms_norm_heads(&mut x, &weight, 1e-6).unwrap();
            rotate_heads(&mut x.view([1, rows, -1]), 4, dim as usize, Pairs::Halves, (&cos, &sin)).unwrap();
            close(&x, &expected);
        }
    }

    #[test]
    fn neighbours_turn_as_halves_do_in_another_order() {
        for (rows, dim, rotary) in [(1, 64, 64), (3, 16, 8), (35, 16, 8)] {
            let mut x = random(&[1, rows, 5, dim]);
            let angles = random(&[rows, 1, rotary / 2]);
            // Even dimensions first, then odd ones.
            let apart = |x: &Tensor| {
                let pairs = x.narrow(3, 0, rotary).reshape([1, rows, 5, rotary / 2, 2]).transpose(3, 4);
                Tensor::cat(&[pairs.reshape([1, rows, 5, rotary]), x.narrow(3, rotary, dim - rotary)], 3)
            };
            let mut expected = apart(&x);
            let halves = angles.repeat([1, 1, 2]);
            let flat = |x: &mut Tensor| x.view([1, rows, -1]);
            let (cos, sin) = (halves.cos(), halves.sin());
            rotate_heads(&mut flat(&mut expected), 4, dim as usize, Pairs::Halves, (&cos, &sin)).unwrap();
            let both = angles.repeat_interleave_self_int(2, -1, None);
            let (cos, sin) = (both.cos(), both.sin());
            rotate_heads(&mut flat(&mut x), 4, dim as usize, Pairs::Neighbours, (&cos, &sin)).unwrap();
            close(&apart(&x), &expected);
        }
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused_and_left_alone() {
        let (x, weight) = (random(&[1, 3, 10]), random(&[2, 4]));
        let before = x.copy();
        let angles = random(&[3, 1, 4]);
        let mut cases = vec![
            ("a weight too short", rms_norm(&x, &random(&[9]), 1e-5).map(drop)),
            ("a weight of half precision", rms_norm(&x, &random(&[10]).to_kind(Kind::Half), 1e-5).map(drop)),
            ("gates and one more", silu_gate(random(&[1, 3, 7])).map(drop)),
            ("rows of another size", add(&mut x.shallow_clone(), &random(&[1, 4, 10]))),
            ("a sum with itself", add(&mut x.shallow_clone(), &x)),
            ("more heads than a row has", rms_norm_heads(&mut x.shallow_clone(), &random(&[3, 4]), 1e-5)),
            ("weights apart", rms_norm_heads(&mut x.shallow_clone(), &random(&[4, 2]).transpose(0, 1), 1e-5)),
            ("rows apart", rms_norm_heads(&mut random(&[1, 3, 20]).narrow(2, 0, 10), &weight, 1e-5)),
        ];
        for (case, heads, dim, cos, sin) in [
            ("more heads than a row has", 3, 4, &angles, &angles),
            ("more dimensions than a head has", 2, 3, &angles, &angles),
            ("cosines alone", 2, 4, &angles, &random(&[3, 1, 2])),
            ("angles of two rows", 2, 4, &random(&[2, 1, 4]), &random(&[2, 1, 4])),
            ("an odd number of dimensions", 2, 4, &random(&[3, 1, 3]), &random(&[3, 1, 3])),
        ] {
            cases.push((case, rotate_heads(&mut x.shallow_clone(), heads, dim, Pairs::Halves, (cos, sin))));
        }
        for (case, result) in cases {
            assert!(result.is_err(), "{case}");
        }
        assert!(x.equal(&before));
    }
}
