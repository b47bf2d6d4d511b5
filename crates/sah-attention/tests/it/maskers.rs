//! Sink and local: the entries that the reference selects.

use sah_attention::{Error, LocalMasker, Mask, MaskShape, Masker, RequestState, RowRanges, SinkMasker, Size};
use tch::Device;

use crate::cases::Tensors;

on_devices!(
    sink_selects_the_first_keys,
    local_selects_a_window_per_row,
    strict_windows_do_not_depend_on_the_call,
    earlier_selections_are_kept,
);

/// What `masker` makes of `previous` ranges: rows of selected keys, `None` for a full mask.
fn select(
    masker: &dyn Masker,
    queries: usize,
    keys: usize,
    previous: &[std::ops::Range<usize>],
    device: Device,
) -> Option<Vec<Vec<i64>>> {
    let shape = MaskShape { batch: 1, heads: 2, queries, keys };
    let tensors = Tensors::new(shape, 1, 16, 16, 0, device);
    let ranges = RowRanges::from_rows(keys, vec![previous.to_vec(); queries]).unwrap();
    let previous = Mask::from_ranges(shape, ranges).unwrap();
    let mut state = RequestState::new(0);
    let mask = masker.select(&tensors.inputs(), &mut state.layer(0, 0), previous).unwrap();
    if mask.is_full() {
        return None;
    }
    let dense = mask.to_dense(device).unwrap();
    assert!(dense.select(1, 0).equal(&dense.select(1, 1)), "heads differ");
    let row = |row| {
        Vec::try_from(dense.select(1, 0).select(1, row).flatten(0, -1).nonzero().flatten(0, -1)).unwrap()
    };
    Some((0..queries as i64).map(row).collect())
}

/// Reference, 2.2 and 8.3.
fn sink_selects_the_first_keys(device: Device) {
    let sink = |count| SinkMasker::new(Size::Count(count)).unwrap();
    let rows = |masker: &SinkMasker, queries, keys| select(masker, queries, keys, &[], device);
    assert_eq!(rows(&sink(4), 2, 16), Some(vec![vec![0, 1, 2, 3]; 2]));
    // Every row, also those that stand before the last sink key.
    assert_eq!(rows(&sink(3), 4, 4), Some(vec![vec![0, 1, 2]; 4]));
    assert_eq!(rows(&sink(16), 1, 16), None, "full where K <= s");
    assert_eq!(rows(&sink(20), 1, 16), None);
    assert_eq!(rows(&SinkMasker::new(Size::Fraction(0.25)).unwrap(), 1, 11), Some(vec![vec![0, 1]]));
    assert_eq!(rows(&SinkMasker::new(Size::Fraction(0.01)).unwrap(), 1, 50), Some(vec![vec![]]));
    assert_eq!(
        select(&sink(4), 1, 16, &[14..16], device),
        Some(vec![vec![0, 1, 2, 3, 14, 15]]),
        "the reference's test with the last two columns selected before"
    );
}

/// Reference, 2.3 and 8.3.
fn local_selects_a_window_per_row(device: Device) {
    let local = |count| LocalMasker::new(Size::Count(count)).unwrap();
    let rows = |masker: &LocalMasker, queries, keys| select(masker, queries, keys, &[], device);
    let windows = Some(vec![vec![4, 5], vec![5, 6], vec![6, 7]]);
    assert_eq!(rows(&local(2), 3, 8), windows);
    assert_eq!(rows(&LocalMasker::new(Size::Fraction(0.25)).unwrap(), 3, 8), windows);
    assert_eq!(rows(&local(4), 3, 6), None, "full where K <= w + Q");
    assert_eq!(rows(&local(4), 3, 7), None);
    assert!(rows(&local(4), 3, 8).is_some());
    assert_eq!(rows(&local(usize::MAX), 1, 8), None);
    assert_eq!(rows(&local(1), 8, 8), None, "always full for a prompt");
    assert_eq!(rows(&LocalMasker::new(Size::Fraction(0.01)).unwrap(), 1, 50), Some(vec![vec![]]));
}

/// What reads contexts: the definition of a window, row by row, however the rows are cut into calls.
fn strict_windows_do_not_depend_on_the_call(device: Device) {
    let window = |position: i64, size: i64| (0.max(position + 1 - size)..=position).collect::<Vec<i64>>();
    for size in [1, 2, 5, 9, 30] {
        let strict = LocalMasker::new(Size::Count(size)).unwrap().for_prefill().unwrap();
        for (queries, keys) in [(1, 1), (9, 9), (20, 20), (5, 20), (1, 20), (11, 20)] {
            let want: Vec<_> =
                (keys - queries..keys).map(|position| window(position as i64, size as i64)).collect();
            let got = select(&*strict, queries, keys, &[], device);
            let is_causal = |rows: Vec<Vec<i64>>| rows.iter().zip(&want).all(|(got, want)| got == want);
            assert!(got.map_or(keys <= size, is_causal), "window of {size}, {queries} rows of {keys}");
        }
    }
    let sink = SinkMasker::new(Size::Count(3)).unwrap().for_prefill().unwrap();
    assert_eq!(select(&*sink, 4, 8, &[], device), Some(vec![vec![0, 1, 2]; 4]));
    for size in [Size::Fraction(0.5), Size::Fraction(1.0)] {
        assert!(LocalMasker::new(size).unwrap().for_prefill().is_none());
        assert!(SinkMasker::new(size).unwrap().for_prefill().is_none());
    }
}

fn earlier_selections_are_kept(device: Device) {
    let local = LocalMasker::new(Size::Count(2)).unwrap();
    assert_eq!(
        select(&local, 3, 8, &[0..2], device),
        Some(vec![vec![0, 1, 4, 5], vec![0, 1, 5, 6], vec![0, 1, 6, 7]]),
        "the reference's test with columns 0 and 1 selected before"
    );
    // The reference takes away the future of a row here; we leave that to kernels.
    assert_eq!(select(&local, 2, 6, &[5..6], device), Some(vec![vec![3, 4, 5], vec![4, 5]]));
    let shape = MaskShape { batch: 1, heads: 1, queries: 2, keys: 50 };
    let tensors = Tensors::new(shape, 1, 16, 16, 0, device);
    let mut state = RequestState::new(0);
    for masker in [&local as &dyn Masker, &SinkMasker::new(Size::Count(1)).unwrap()] {
        let mask = masker.select(&tensors.inputs(), &mut state.layer(0, 0), Mask::full(shape)).unwrap();
        assert!(mask.is_full(), "{} keeps a full mask", masker.name());
    }
}

#[test]
fn sizes_are_checked() {
    let message = |error: Error| error.to_string();
    assert_eq!(
        message(LocalMasker::new(Size::Count(0)).unwrap_err()),
        "local size must be greater than 0 as a count of keys, got 0"
    );
    assert_eq!(
        message(SinkMasker::new(Size::Fraction(1.5)).unwrap_err()),
        "sink size must be in (0, 1] as a fraction, got 1.5"
    );
    assert!(SinkMasker::new(Size::Fraction(f64::NAN)).is_err());
    assert!(SinkMasker::new(Size::Fraction(0.0)).is_err());
}
