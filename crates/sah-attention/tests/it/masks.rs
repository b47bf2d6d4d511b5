//! Masks: merging, density, causality, and the facts of the reference's own tests.

use sah_attention::{Error, IndexList, Mask, MaskShape, RowRanges, Selection};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, difference, random_list, random_mask, random_shape};

on_devices!(
    padding_is_left_out,
    merge_adds_and_clamps,
    merge_equals_clamped_sum_of_dense,
    merge_with_empty_and_full,
    density_counts_causal_entries,
    causal_restriction_removes_the_future_only,
);

/// Rows of `weights` (0 = not selected) as one index list, `[1, 1, rows, K]`-shaped.
fn from_weights(weights: &[&[f32]], device: Device) -> Mask {
    let keys = weights[0].len();
    let shape = MaskShape { batch: 1, heads: 1, queries: weights.len(), keys };
    let indices: Vec<i64> = weights
        .iter()
        .flat_map(|row| {
            row.iter().enumerate().map(|(key, &weight)| if weight > 0.0 { key as i64 } else { -1 })
        })
        .collect();
    let size = [1, 1, weights.len() as i64, keys as i64];
    let indices = Tensor::from_slice(&indices).view(size).to_device(device);
    let probabilities = Tensor::from_slice(&weights.concat()).view(size).to_device(device);
    Mask::from_indices(shape, IndexList::new(indices, Some(probabilities)).unwrap()).unwrap()
}

fn dense(mask: &Mask) -> Vec<f32> {
    Vec::try_from(mask.to_dense(Device::Cpu).unwrap().flatten(0, -1)).unwrap()
}

fn close(left: &[f32], right: &[f32]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| (l - r).abs() < 1e-6)
}

/// Reference, 8.1: `create_from_row_wise_idx`.
fn padding_is_left_out(device: Device) {
    let shape = MaskShape { batch: 1, heads: 1, queries: 2, keys: 5 };
    let mask = |indices: &[i64], probabilities: &[f32]| {
        let size = [1, 1, 2, 3];
        let indices = Tensor::from_slice(indices).view(size).to_device(device);
        let probabilities = Tensor::from_slice(probabilities).view(size).to_device(device);
        Mask::from_indices(shape, IndexList::new(indices, Some(probabilities)).unwrap()).unwrap()
    };
    let weights = [1.0, 0.5, 0.8, 0.6, 0.9, 0.3];
    assert_eq!(
        dense(&mask(&[0, 2, 4, 1, 3, 4], &weights)),
        [1.0, 0.0, 0.5, 0.0, 0.8, 0.0, 0.6, 0.0, 0.9, 0.3]
    );
    assert_eq!(
        dense(&mask(&[0, 2, -1, 1, -1, -1], &weights)),
        [1.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0]
    );
    let nothing = mask(&[-1; 6], &weights);
    assert_eq!(dense(&nothing), [0.0; 10]);
    assert_eq!(nothing.density().unwrap(), 0.0);
    assert_eq!(nothing.first_empty_row().unwrap().map(|row| row.query), Some(0));
}

/// Reference, 8.1: `test_merge_mask_basic`, `.._with_capping`, `.._single_element`.
fn merge_adds_and_clamps(device: Device) {
    let merge = |left: &[&[f32]], right: &[&[f32]]| {
        dense(&from_weights(left, device).merge(from_weights(right, device)).unwrap())
    };
    let got = merge(
        &[&[1.0, 0.0, 0.5, 0.0, 0.0], &[0.0, 0.8, 0.0, 0.0, 0.3]],
        &[&[0.0, 0.2, 0.5, 0.0, 0.4], &[0.1, 0.0, 0.0, 0.6, 0.0]],
    );
    assert!(close(&got, &[1.0, 0.2, 1.0, 0.0, 0.4, 0.1, 0.8, 0.0, 0.6, 0.3]), "{got:?}");
    assert!(close(&merge(&[&[0.5]], &[&[0.8]]), &[1.0]));
    assert!(close(&merge(&[&[0.5]], &[&[0.3]]), &[0.8]));
    assert!(close(&merge(&[&[1.0]], &[&[0.3]]), &[1.0]), "deterministic beats sampled");
}

/// Any two forms, either way round; and the result is again without a key twice in a row.
fn merge_equals_clamped_sum_of_dense(device: Device) {
    let count = Form::ALL.len();
    for seed in 0..4 * count * count {
        let mut random = Random::new(seed as u64);
        let (shape, _) = random_shape(&mut random);
        let forms = [Form::ALL[seed % count], Form::ALL[seed / count % count]];
        let [left, right] = forms.map(|form| random_mask(shape, form, &mut random, device));
        let [left_dense, right_dense] = [&left, &right].map(|mask| mask.to_dense(device).unwrap());
        let want = (left_dense + right_dense).clamp_max(1.0);
        let merged = if seed % 2 == 0 { left.merge(right) } else { right.merge(left) }.unwrap();
        let error = difference(&merged.to_dense(device).unwrap(), &want);
        assert!(error < 1e-6, "seed {seed}, {forms:?}, {shape}: {error}");
        let Selection::Sparse(sparse) = merged.selection() else { continue };
        if let Some(list) = sparse.list() {
            let probabilities = list.probabilities().map(Tensor::shallow_clone);
            IndexList::new(list.indices().shallow_clone(), probabilities).unwrap();
        }
    }
}

fn merge_with_empty_and_full(device: Device) {
    let shape = MaskShape { batch: 1, heads: 2, queries: 3, keys: 9 };
    let mut random = Random::new(1);
    let other = || random_list(shape, true, &mut Random::new(2), device);
    let want = dense(&other());
    assert_eq!(dense(&Mask::empty(shape).merge(other()).unwrap()), want);
    assert_eq!(dense(&other().merge(Mask::empty(shape)).unwrap()), want);
    assert!(Mask::empty(shape).merge(Mask::empty(shape)).unwrap().is_empty());
    for form in Form::ALL {
        let mask = random_mask(shape, form, &mut random, device);
        assert!(Mask::full(shape).merge(mask).unwrap().is_full());
        let mask = random_mask(shape, form, &mut random, device);
        assert!(mask.merge(Mask::full(shape)).unwrap().is_full());
    }
    let error = Mask::empty(shape).merge(Mask::empty(MaskShape { heads: 3, ..shape })).unwrap_err();
    assert_eq!(error.to_string(), "mask shape [1, 3, 3, 9] does not match [1, 2, 3, 9]");
}

fn density_counts_causal_entries(device: Device) {
    for seed in 0..120 {
        let mut random = Random::new(seed);
        let (shape, _) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let mask = random_mask(shape, form, &mut random, device);
        let causal = Tensor::ones([shape.queries as i64, shape.keys as i64], (Kind::Float, device))
            .tril((shape.keys - shape.queries) as i64);
        let selected = mask.to_dense(device).unwrap().gt(0.0).to_kind(Kind::Float) * &causal;
        let possible = causal.sum(Kind::Double).double_value(&[]) * (shape.batch * shape.heads) as f64;
        let want = selected.sum(Kind::Double).double_value(&[]) / possible;
        let density = mask.density().unwrap();
        assert!((density - want).abs() < 1e-12, "seed {seed}, {form:?}, {shape}: {density} {want}");
        assert!(density > 0.0 && density <= 1.0);
        let restricted = mask.restrict_to_causal().unwrap();
        assert!((restricted.density().unwrap() - want).abs() < 1e-12);
    }
    let shape = MaskShape { batch: 1, heads: 1, queries: 4, keys: 4 };
    assert_eq!(
        Mask::full(shape).density().unwrap(),
        1.0,
        "the reference counts 16 entries, of which 10 are possible"
    );
    assert_eq!(Mask::empty(shape).density().unwrap(), 0.0);
}

fn causal_restriction_removes_the_future_only(device: Device) {
    for seed in 0..60 {
        let mut random = Random::new(500 + seed);
        let (shape, _) = random_shape(&mut random);
        let form = Form::ALL[1 + seed as usize % (Form::ALL.len() - 1)];
        let mask = random_mask(shape, form, &mut random, device);
        let want = mask.to_dense(device).unwrap().tril((shape.keys - shape.queries) as i64);
        let got = mask.restrict_to_causal().unwrap().to_dense(device).unwrap();
        assert_eq!(difference(&got, &want), 0.0, "seed {seed}, {form:?}, {shape}");
    }
}

#[test]
fn shapes_are_checked() {
    let shape = MaskShape { batch: 1, heads: 1, queries: 2, keys: 4 };
    let error = Mask::from_ranges(shape, RowRanges::none(2, 5)).unwrap_err();
    assert!(matches!(error, Error::MaskShape { .. }), "{error}");
    let indices = Tensor::from_slice(&[0i64, 1, 2]).view([1, 1, 3, 1]);
    let error = Mask::from_indices(shape, IndexList::new(indices, None).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "indices must have shape [1, 1, 2, N], got [1, 1, 3, 1]");
    assert!(Mask::from_ranges(shape, RowRanges::none(2, 4)).unwrap().is_empty());
}
