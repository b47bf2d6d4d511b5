//! Copies of up to eight rows into a cache: a call of libtorch takes longer than the copy.

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// Rows of a head up to which this is worth it.
const MOST: i64 = 8;

/// Copies `rows`, `[B, Hkv, n, D]`, over the rows from `first` on of `cache`, `[B, Hkv, K, D]`, of the same sizes but for `K >= first +
/// n`. Does nothing, and says so, where they are many or not all f32 on the CPU with elements side by side.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub(super) fn copy_rows(cache: &Tensor, first: usize, rows: &Tensor) -> Result<bool> {
    let (batch, heads, count, dim) = rows.size4()?;
    let (to, from) = (cache.stride4()?, rows.stride4()?);
    let is_plain = |x: &Tensor, of_element: i64| {
        x.device() == Device::Cpu && x.kind() == Kind::Float && (of_element == 1 || dim == 1)
    };
    if count > MOST || !is_plain(cache, to.3) || !is_plain(rows, from.3) {
        return Ok(false);
    }
    let (cache_start, rows_start) = (cache.data_ptr().cast::<f32>(), rows.data_ptr().cast::<f32>());
    for number in 0..batch * heads * count {
        let (head, row) = (number / count, number % count);
        let (sequence, head) = (head / heads, head % heads);
        let place = first as i64 + row;
        let target = sequence * to.0 + head * to.1 + place * to.2;
        let source = sequence * from.0 + head * from.1 + row * from.2;
        // SAFETY: sizes and strides say that both rows of `dim` f32 lie in their tensors, which are alive; places of a cache
        // are never among the rows that are stored there, so that they do not overlap.
        unsafe {
            let source = rows_start.offset(source as isize);
            source.copy_to_nonoverlapping(cache_start.offset(target as isize), dim as usize);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use crate::error::Error;
    use crate::kv::{KvFormat, KvRows};

    /// Beside libtorch's copy to a view of the places: few rows and many, of every layout and format.
    #[test]
    fn rows_are_stored_where_they_belong() {
        for format in [KvFormat::Plain(Kind::Float), KvFormat::Plain(Kind::BFloat16), KvFormat::Int8] {
            for (batch, heads, count, dim) in [(1, 3, 1, 64), (2, 2, 8, 5), (2, 3, 9, 4), (1, 1, 2, 1)] {
                let size = [batch, heads, 20, dim];
                let caches = [0, 1].map(|_| KvRows::empty(size, format, Device::Cpu).unwrap());
                let all = Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu)).view(size);
                for cache in &caches {
                    cache.store(&all).unwrap();
                }
                let side_by_side = -all.narrow(2, 3, count) - 0.5;
                let heads_first = side_by_side.transpose(1, 2).contiguous().transpose(1, 2);
                let apart = side_by_side.transpose(2, 3).contiguous().transpose(2, 3);
                for rows in [side_by_side, heads_first, apart] {
                    for first in [0, 11] {
                        caches[0].store_at(first, &rows).unwrap();
                        caches[1].narrow(first..first + count as usize).unwrap().store(&rows).unwrap();
                        let [found, expected] = [0, 1].map(|n| caches[n].expand(Kind::Float).unwrap());
                        assert!(found.equal(&expected), "{format} {size:?}, {count} from {first}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let cache = KvRows::empty([1, 2, 4, 8], KvFormat::Plain(Kind::Float), Device::Cpu).unwrap();
        for (first, size) in [(3, [1, 2, 2, 8]), (0, [1, 3, 1, 8]), (0, [1, 2, 1, 7]), (0, [2, 2, 1, 8])] {
            let rows = Tensor::zeros(size, (Kind::Float, Device::Cpu));
            let error = cache.store_at(first, &rows).unwrap_err();
            assert!(matches!(error, Error::Shape { tensor: "rows", .. }), "{error}");
        }
    }
}
