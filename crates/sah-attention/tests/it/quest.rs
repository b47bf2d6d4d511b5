//! Quest against its rule, and the facts of the reference's tests.

use sah_attention::{AttentionInputs, Mask, Masker, QuestConfig, QuestMasker, RequestState, Size};
use tch::{Device, Tensor};

use crate::rules::{Entries, Problem, vector, visible};
use crate::seeded::seeded;

on_devices!(pages_with_the_largest_bounds_are_read, pages_of_the_reference, budgets);

fn quest(heavy: usize, page_size: usize, label_bits: u32) -> QuestMasker {
    QuestMasker::new(QuestConfig { heavy_size: Size::Count(heavy), page_size, label_bits }).unwrap()
}

/// Each vector's elements rounded up to `2^bits` steps between its smallest and largest.
fn rounded_up(vector: &[f64], bits: u32) -> Vec<f64> {
    let least = vector.iter().copied().fold(f64::INFINITY, f64::min);
    let most = vector.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (most - least) / f64::from((1 << bits) - 1);
    vector.iter().map(|x| ((x - least) / step - 1e-9).ceil() * step + least).collect()
}

/// Bound of the scores of `keys`: largest and smallest elements, rounded outwards together.
fn bound(query: &[f64], keys: &[&Vec<f64>], bits: u32) -> f64 {
    let extreme =
        |sign: f64, d: usize| keys.iter().map(|key| sign * key[d]).fold(f64::NEG_INFINITY, f64::max);
    let mut both: Vec<f64> = (0..query.len()).map(|d| extreme(1.0, d)).collect();
    both.extend((0..query.len()).map(|d| extreme(-1.0, d)));
    if bits < 16 {
        both = rounded_up(&both, bits);
    }
    let (largest, smallest) = both.split_at(query.len());
    query.iter().enumerate().map(|(d, q)| (q * largest[d]).max(-q * smallest[d])).sum()
}

fn pages_with_the_largest_bounds_are_read(device: Device) {
    for seed in 0..60 {
        let problem = Problem::new(seed, 8, device);
        let (page, bits) = [(4, 16), (7, 16), (1, 16), (16, 5)][seed as usize % 4];
        let heavy = [5, 30][seed as usize % 2];
        let weights = Entries::weights(&problem.select(&quest(heavy, page, bits)));
        let previous = Entries::weights(&problem.previous());
        let shape = problem.shape;
        let count = (heavy / page).max(3);
        for row in 0..weights.rows() {
            let (b, h, i) =
                (row / shape.queries / shape.heads, row / shape.queries % shape.heads, row % shape.queries);
            let query = vector(&problem.tensors.queries, b, h, i);
            let kv_head = h / (shape.heads / problem.kv_heads);
            let keys: Vec<_> =
                (0..shape.keys).map(|j| vector(&problem.tensors.keys, b, kv_head, j)).collect();
            let seen = |key: &usize| visible(&shape, problem.window, row, *key);
            let (mut taken, mut left) = (Vec::new(), Vec::new());
            for first in (0..shape.keys).step_by(page) {
                let of_page: Vec<usize> = (first..shape.keys.min(first + page)).collect();
                let open: Vec<usize> = of_page
                    .iter()
                    .copied()
                    .filter(|key| seen(key) && previous.row(row)[*key] == 0.0)
                    .collect();
                if open.is_empty() {
                    continue;
                }
                // The window does not narrow a bound; the future does.
                let past = of_page.iter().filter(|&&key| visible(&shape, None, row, key));
                let score = bound(&query, &past.map(|&key| &keys[key]).collect::<Vec<_>>(), bits);
                let read = open.iter().filter(|&&key| weights.row(row)[key] == 1.0).count();
                assert!(read == 0 || read == open.len(), "seed {seed}, row {row}: page at {first} in part");
                if read > 0 { taken.push(score) } else { left.push(score) }
            }
            assert_eq!(taken.len(), count.min(taken.len() + left.len()), "seed {seed}, row {row}");
            let worst = taken.iter().copied().fold(f64::INFINITY, f64::min);
            let best = left.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(worst >= best - 1e-4, "seed {seed}, row {row}: took {worst}, left {best}");
        }
    }
}

fn select(masker: &QuestMasker, queries: &Tensor, keys: &Tensor) -> Mask {
    let inputs = AttentionInputs::new(queries, keys, keys, 1.0).unwrap();
    let mut state = RequestState::new(0);
    masker.select(&inputs, &mut state.layer(0, 0), Mask::empty(inputs.dims().mask_shape())).unwrap()
}

/// Reference, 8.3: pages of 2 keys, with the first three and then the last three pages the best.
fn pages_of_the_reference(device: Device) {
    let query = Tensor::from_slice(&[1f32]).view([1, 1, 1, 1]).to_device(device);
    let selected = |keys: &[f32]| {
        let keys = Tensor::from_slice(keys).view([1, 1, -1, 1]).to_device(device);
        let mask = select(&quest(5, 2, 16), &query, &keys);
        Vec::<i64>::try_from(mask.to_dense(Device::Cpu).unwrap().flatten(0, -1).nonzero().flatten(0, -1))
            .unwrap()
    };
    assert_eq!(selected(&[9.0, 0.0, 8.0, 0.0, 7.0, 0.0, 1.0, 1.0, 2.0, 2.0]), [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        selected(&[0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 4.0]),
        [4, 5, 6, 7, 8],
        "the last page has one key"
    );
}

fn budgets(device: Device) {
    let query = Tensor::ones([1, 1, 1, 4], (tch::Kind::Float, device));
    let keys = seeded(1, || Tensor::rand([1, 1, 40, 4], (tch::Kind::Float, device)));
    let count = |heavy, page| {
        let mask = select(&quest(heavy, page, 16), &query, &keys);
        if mask.is_full() {
            40
        } else {
            mask.to_dense(device).unwrap().sum(tch::Kind::Int64).int64_value(&[])
        }
    };
    assert_eq!(count(25, 8), 24, "a quarter page is no page");
    assert_eq!(count(10, 8), 24, "three pages at least");
    assert_eq!(count(32, 4), 32);
    assert_eq!(count(40, 4), 40, "full where K <= T");
    assert_eq!(count(1, 30), 40, "there are two pages only");
    let check = |page_size, label_bits, message: &str| {
        let config = QuestConfig { heavy_size: Size::Count(1), page_size, label_bits };
        assert_eq!(QuestMasker::new(config).unwrap_err().to_string(), message);
    };
    check(0, 16, "page_size must be at least 1, got 0");
    check(4, 0, "label_bits must be from 1 to 16, got 0");
    check(4, 17, "label_bits must be from 1 to 16, got 17");
}
