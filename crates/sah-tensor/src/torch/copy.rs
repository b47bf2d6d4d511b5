//! A few rows into a cache: a call of libtorch takes longer than what it copies.

use tch::{Device, Kind, Tensor};

use super::slice::start;
use crate::error::Error;

/// Rows of a head up to which this is faster than libtorch.
const MOST: i64 = 8;

/// Copies `rows`, `[B, H, n, D]`, to the places from `first` of `cache`, `[B, H, N, D]` with `N >= first + n`.
///
/// Does nothing and returns false where libtorch should copy: there are many rows, they share memory with the cache, or either
/// is not f32 on the CPU with the elements of a row side by side.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub fn copy_rows(cache: &Tensor, first: usize, rows: &Tensor) -> Result<bool, Error> {
    let (batch, heads, count, dim) = rows.size4()?;
    let (of_batch, of_heads, places, of_dim) = cache.size4()?;
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    if (batch, heads, dim) != (of_batch, of_heads, of_dim) || count > places || first > places - count {
        let expected = format!(
            "[{of_batch}, {of_heads}, n, {of_dim}] with n of at most {}",
            places.saturating_sub(first).max(0)
        );
        return Err(Error::Shape { expected, found: rows.size() });
    }
    let (to, from) = (cache.stride4()?, rows.stride4()?);
    let is_plain = |x: &Tensor, of_element: i64| -> Result<bool, Error> {
        Ok(x.device() == Device::Cpu && x.f_kind()? == Kind::Float && (of_element == 1 || dim == 1))
    };
    if count > MOST || !is_plain(cache, to.3)? || !is_plain(rows, from.3)? {
        return Ok(false);
    }
    if rows.numel() == 0 {
        return Ok(true);
    }
    let (cache_start, rows_start) = (start::<f32>(cache)?, start::<f32>(rows)?);
    let end =
        |start: std::ptr::NonNull<f32>, (of_batch, of_head, of_row, _): (i64, i64, i64, i64), rows: i64| {
            let last = (batch - 1) * of_batch + (heads - 1) * of_head + (rows - 1) * of_row + dim;
            start.addr().get() + last as usize * size_of::<f32>()
        };
    let is_apart = end(cache_start, to, places) <= rows_start.addr().get()
        || end(rows_start, from, count) <= cache_start.addr().get();
    if !is_apart {
        return Ok(false);
    }
    for number in 0..batch * heads * count {
        let (head, row) = (number / count, number % count);
        let (sequence, head) = (head / heads, head % heads);
        let target = sequence * to.0 + head * to.1 + (first + row) * to.2;
        let source = sequence * from.0 + head * from.1 + row * from.2;
        // SAFETY: sizes, which were compared, and strides say that both rows of `dim` f32 lie in their tensors, which are
        // borrowed and whose memory is apart. No slice of the cache is in use: those who made one promised that nobody writes.
        unsafe {
            let source = rows_start.as_ptr().add(source as usize);
            source.copy_to_nonoverlapping(cache_start.as_ptr().add(target as usize), dim as usize);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::copy_rows;
    use crate::error::Error;

    fn counting(size: &[i64]) -> Tensor {
        Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu)).view(size)
    }

    fn zeros(size: [i64; 4]) -> Tensor {
        Tensor::zeros(size, (Kind::Float, Device::Cpu))
    }

    #[test]
    fn rows_go_to_their_places_and_nowhere_else() {
        for (size, count, first) in [([2, 3, 9, 4], 3, 0), ([1, 2, 8, 1], 8, 0), ([2, 2, 9, 5], 1, 8)] {
            let rows = counting(&[size[0], size[1], count, size[3]]) + 1.0;
            let heads_last = rows.transpose(1, 2).contiguous().transpose(1, 2);
            for rows in [rows, heads_last] {
                let (cache, expected) = (zeros(size), zeros(size));
                assert!(copy_rows(&cache, first, &rows).unwrap());
                expected.narrow(2, first as i64, count).copy_(&rows);
                assert!(cache.equal(&expected), "{size:?}, {count} from {first}");
            }
        }
        assert!(copy_rows(&zeros([1, 2, 8, 4]), 3, &zeros([1, 2, 0, 4])).unwrap(), "no rows");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let cache = zeros([1, 2, 4, 8]);
        let sizes =
            [(3, [1, 2, 2, 8]), (0, [1, 3, 1, 8]), (0, [1, 2, 1, 7]), (0, [2, 2, 1, 8]), (0, [1, 2, 5, 8])];
        for (first, size) in sizes.into_iter().chain([(usize::MAX, [1, 2, 1, 8]), (1 << 62, [1, 2, 1, 8])]) {
            let error = copy_rows(&cache, first, &zeros(size)).unwrap_err();
            assert!(matches!(error, Error::Shape { .. }), "{first} {size:?}: {error}");
        }
        assert!(cache.equal(&zeros([1, 2, 4, 8])));
    }

    #[test]
    fn the_rest_is_left_to_libtorch() {
        let cache = counting(&[1, 2, 20, 8]);
        let before = cache.copy();
        let few = zeros([1, 2, 4, 8]);
        let cases = [
            ("many rows", zeros([1, 2, 9, 8])),
            ("another kind", few.to_kind(Kind::Double)),
            ("elements apart", zeros([1, 2, 8, 4]).transpose(2, 3)),
            ("rows of the cache", cache.narrow(2, 3, 4)),
        ];
        for (case, rows) in cases {
            assert!(!copy_rows(&cache, 0, &rows).unwrap(), "{case}");
        }
        assert!(!copy_rows(&cache.to_kind(Kind::Half), 0, &few).unwrap());
        assert!(cache.equal(&before));
    }
}
