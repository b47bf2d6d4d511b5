//! Rows of 8-bit integers with a scale: `D` bytes, then the f32 that they are multiplied by, in native byte order.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use sah_tensor::exp::ROUNDING;

/// Bytes of a row's scale.
pub(super) const SCALE_BYTES: usize = size_of::<f32>();

/// The largest integer.
const LARGEST: f32 = 127.0;

/// Rows `[.., D]` as `[.., D + 4]` of `Int8`.
///
/// Scales below the normal numbers, of rows below 1.5e-36, are too coarse: such rows are zero. Those that are not finite
/// make a row NaN.
pub(super) fn quantise(rows: &Tensor) -> Result<Tensor> {
    if rows.device() == Device::Cpu { quantise_here(rows) } else { quantise_anywhere(rows) }
}

/// By one pass over the numbers: decoding a token stores few rows, for which the calls below take longer than the work.
fn quantise_here(rows: &Tensor) -> Result<Tensor> {
    let mut size = rows.size();
    let dim = size.last().map_or(1, |&dim| dim as usize);
    let numbers = Vec::<f32>::try_from(rows.f_to_kind(Kind::Float)?.f_reshape([-1])?)?;
    let mut bytes = Vec::with_capacity(numbers.len() / dim * (dim + SCALE_BYTES));
    for row in numbers.chunks_exact(dim) {
        let largest =
            row.iter().fold(0.0_f32, |most, x| if x.abs() > most || x.is_nan() { x.abs() } else { most });
        let scale = largest / LARGEST;
        if scale.is_normal() {
            bytes.extend(row.iter().map(|x| (x / scale + ROUNDING).to_bits() as u8 as i8));
        } else {
            bytes.resize(bytes.len() + dim, 0);
        }
        bytes.extend(scale.to_ne_bytes().map(|byte| byte as i8));
    }
    if let Some(last) = size.last_mut() {
        *last += SCALE_BYTES as i64;
    }
    Ok(Tensor::f_from_slice(&bytes)?.f_view(size.as_slice())?)
}

/// By libtorch's calls.
fn quantise_anywhere(rows: &Tensor) -> Result<Tensor> {
    let rows = rows.f_to_kind(Kind::Float)?;
    let scale = rows.f_abs()?.f_amax([-1i64].as_slice(), true)?.f_div_scalar(f64::from(LARGEST))?;
    let is_normal = scale.f_isfinite()?.f_logical_and(&scale.f_ge(f64::from(f32::MIN_POSITIVE))?)?;
    let numbers = rows.f_div(&scale)?.f_round()?;
    let numbers = numbers.f_where_self(&is_normal, &numbers.f_zeros_like()?)?;
    Ok(Tensor::f_cat(&[numbers.f_to_kind(Kind::Int8)?, scale.f_view_dtype(Kind::Int8)?], -1)?)
}

/// What `[.., D + 4]` of `Int8` stands for: `[.., D]` of `kind`.
pub(super) fn expand(data: &Tensor, kind: Kind) -> Result<Tensor> {
    let bytes = SCALE_BYTES as i64;
    let mut size = data.size();
    let dim = size.last_mut().map_or(0, |last| std::mem::replace(last, bytes) - bytes);
    // A copy of its own: libtorch reads bytes as another type only where they are aligned.
    let mut scale = Tensor::f_empty(size, (Kind::Int8, data.device()))?;
    scale.f_copy_(&data.f_narrow(-1, dim, bytes)?)?;
    let scale = scale.f_view_dtype(Kind::Float)?;
    Ok(data.f_narrow(-1, 0, dim)?.f_to_kind(Kind::Float)?.f_mul_(&scale)?.f_to_kind(kind)?)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{expand, quantise_anywhere, quantise_here};
    use crate::seeded::seeded;

    fn rows(numbers: &[f32], dim: i64) -> Tensor {
        Tensor::from_slice(numbers).view([1, -1, 1, dim])
    }

    #[test]
    fn numbers_are_rounded_to_a_127th_of_the_largest_half_to_even() {
        // The largest magnitude is 127, so that a step is 1.
        let stored = quantise_here(&rows(&[-127.0, 0.5, 1.5, 2.5, -0.5, -1.5, 3.49, 126.51], 8)).unwrap();
        assert_eq!((stored.kind(), stored.size()), (Kind::Int8, vec![1, 1, 1, 12]));
        let bytes = Vec::<i8>::try_from(stored.view([-1])).unwrap();
        assert_eq!(bytes[..8], [-127, 0, 2, 2, 0, -2, 3, 127]);
        let expanded = Vec::<f32>::try_from(expand(&stored, Kind::Float).unwrap().view([-1])).unwrap();
        assert_eq!(expanded, [-127.0, 0.0, 2.0, 2.0, 0.0, -2.0, 3.0, 127.0]);
    }

    #[test]
    fn both_ways_store_the_same_and_are_within_half_a_step() {
        for (dim, factor) in [(64, 1.0), (7, 1e30), (1, 3.0), (128, 1e-30)] {
            let numbers = seeded(dim, || Tensor::randn([2, 3, 50, dim], (Kind::Float, Device::Cpu))) * factor;
            let stored = quantise_here(&numbers).unwrap();
            assert!(stored.equal(&quantise_anywhere(&numbers).unwrap()), "{dim} numbers of about {factor}");
            let error = (expand(&stored, Kind::Float).unwrap() - &numbers).abs();
            let step = numbers.abs().amax([-1i64].as_slice(), true) / 127.0;
            let most = (error / step).max().double_value(&[]);
            assert!(most <= 0.5 + 1e-4, "{dim} numbers of about {factor}: {most} steps");
        }
    }

    #[test]
    fn zeros_stay_and_what_is_not_finite_does_not_hide() {
        let numbers = [[0.0, -0.0], [1e-40, -3e-38], [f32::INFINITY, 1.0], [1.0, f32::NAN], [3e38, -3e38]];
        let stored = quantise_here(&rows(numbers.as_flattened(), 2)).unwrap();
        let expanded = Vec::<f32>::try_from(expand(&stored, Kind::Float).unwrap().view([-1])).unwrap();
        assert_eq!(expanded[..4], [0.0; 4]);
        assert!(expanded[4..8].iter().all(|x| x.is_nan()), "{expanded:?}");
        assert!(expanded[8] > 2.99e38 && expanded[9] < -2.99e38);
        let other =
            expand(&quantise_anywhere(&rows(numbers.as_flattened(), 2)).unwrap(), Kind::Float).unwrap();
        let other = Vec::<f32>::try_from(other.view([-1])).unwrap();
        assert!(
            expanded
                .iter()
                .zip(&other)
                .all(|(a, b)| (a - b).abs() < f32::MIN_POSITIVE || a.is_nan() && b.is_nan()),
            "{other:?}"
        );
    }
}
