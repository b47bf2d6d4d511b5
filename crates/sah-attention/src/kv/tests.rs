//! Rows that are stored in a cache.

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
    for (first, size) in [
        (usize::MAX, [1, 2, 1, 8]),
        (3, [1, 2, 2, 8]),
        (0, [1, 3, 1, 8]),
        (0, [1, 2, 1, 7]),
        (0, [2, 2, 1, 8]),
    ] {
        let rows = Tensor::zeros(size, (Kind::Float, Device::Cpu));
        let error = cache.store_at(first, &rows).unwrap_err();
        assert!(matches!(error, Error::Shape { tensor: "rows", .. }), "{error}");
    }
}
