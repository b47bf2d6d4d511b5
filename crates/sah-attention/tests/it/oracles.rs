//! Oracle top-k and top-p against their rules.

use sah_attention::{Mask, MaskShape, OracleTopKMasker, OracleTopPMasker, RequestState, Size};
use tch::{Device, Tensor};

use crate::cases::Tensors;
use crate::rules::{Entries, Problem, check_top_k, check_top_p};

on_devices!(
    top_k_takes_the_best_of_what_is_left,
    top_k_of_the_reference,
    top_p_holds_what_it_claims_with_no_key_to_spare,
    top_p_of_the_reference,
    rows_in_blocks_are_rows_at_once,
);

fn top_k_takes_the_best_of_what_is_left(device: Device) {
    for seed in 0..60 {
        let problem = Problem::new(seed, 16, device);
        let count = [1, 7, 39][seed as usize % 3];
        let mask = problem.select(&OracleTopKMasker::new(Size::Count(count)).unwrap());
        let scores = problem.exact_scores();
        check_top_k(&mask, &Entries::weights(&problem.previous()), &scores, problem.window, count, 1e-5);
    }
}

/// One query row over keys along one axis.
fn axis(keys: &[f32], device: Device) -> (Tensors, MaskShape) {
    let along = Tensor::from_slice(keys).view([1, 1, -1, 1]).to_device(device);
    let queries = Tensor::from_slice(&[1f32]).view([1, 1, 1, 1]).to_device(device);
    let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: keys.len() };
    (Tensors { queries, values: along.copy(), keys: along, scale: 1.0, sinks: None }, shape)
}

fn selected(mask: &Mask) -> Vec<i64> {
    Vec::try_from(mask.to_dense(Device::Cpu).unwrap().flatten(0, -1).nonzero().flatten(0, -1)).unwrap()
}

/// Reference, 8.3.
fn top_k_of_the_reference(device: Device) {
    let (tensors, shape) = axis(&[10.0, 5.0, 1.0, 0.5, 0.1], device);
    let select = |size: Size, before: std::ops::Range<usize>| {
        let masker = OracleTopKMasker::new(size).unwrap();
        let ranges = sah_attention::RowRanges::from_fn(1, 5, |_| before.clone()).unwrap();
        let previous = Mask::from_ranges(shape, ranges).unwrap();
        let mut state = RequestState::new(0);
        sah_attention::Masker::select(&masker, &tensors.inputs(), &mut state.layer(0, 0), previous).unwrap()
    };
    assert_eq!(selected(&select(Size::Count(2), 0..2)), [0, 1, 2, 3]);
    assert_eq!(selected(&select(Size::Count(2), 3..5)), [0, 1, 3, 4]);
    assert_eq!(selected(&select(Size::Fraction(0.4), 0..0)), [0, 1]);
    assert!(select(Size::Count(5), 0..0).is_full());
    assert!(select(Size::Fraction(0.1), 0..0).is_empty(), "a fraction that truncates to 0 adds nothing");
    assert!(OracleTopKMasker::new(Size::Count(0)).is_err());
}

fn top_p_holds_what_it_claims_with_no_key_to_spare(device: Device) {
    for seed in 0..60 {
        let problem = Problem::new(seed, 16, device);
        let top_p = [0.0, 0.3, 0.9, 0.999][seed as usize % 4];
        let mask = problem.select(&OracleTopPMasker::new(top_p).unwrap());
        let previous = Entries::weights(&problem.previous());
        check_top_p(&mask, &previous, &problem.exact_scores(), problem.window, top_p);
    }
}

/// Reference, 8.3: the thresholds of its unit test, as keys.
fn top_p_of_the_reference(device: Device) {
    let keys = |probabilities: &[f32], top_p: f64| {
        let logs: Vec<f32> = probabilities.iter().map(|p| p.ln()).collect();
        let (tensors, shape) = axis(&logs, device);
        let masker = OracleTopPMasker::new(top_p).unwrap();
        let mut state = RequestState::new(0);
        let empty = Mask::empty(shape);
        let mask = sah_attention::Masker::select(&masker, &tensors.inputs(), &mut state.layer(0, 0), empty);
        mask.map(|mask| if mask.is_full() { vec![] } else { selected(&mask) }).unwrap()
    };
    // Its first row sums to 1.1.
    assert_eq!(keys(&[0.1, 0.3, 0.2, 0.4, 0.1], 0.75), [1, 2, 3], "0.2 and above");
    assert_eq!(keys(&[0.2, 0.1, 0.5, 0.1, 0.1], 0.8), [0, 1, 2, 3, 4], "0.1 and above, equals included");
    assert_eq!(keys(&[0.2, 0.3, 0.5], 0.6), [1, 2]);
    assert_eq!(keys(&[0.1, 0.3, 0.2], 0.0), [1], "the best key");
    assert!(keys(&[0.1, 0.3, 0.2], 1.0).is_empty(), "full");
    assert!(OracleTopPMasker::new(1.5).is_err() && OracleTopPMasker::new(f64::NAN).is_err());
}

/// 700 rows of 2 heads over 3,700 keys do not fit into one block.
fn rows_in_blocks_are_rows_at_once(device: Device) {
    let shape = MaskShape { batch: 1, heads: 2, queries: 700, keys: 3700 };
    let tensors = Tensors::new(shape, 1, 16, 16, 3, device);
    let select = |masker: &dyn sah_attention::Masker, first: usize| {
        let rows = tensors.queries.narrow(2, first as i64, 700 - first as i64);
        let tensors = Tensors {
            queries: rows,
            keys: tensors.keys.copy(),
            values: tensors.values.copy(),
            sinks: None,
            ..tensors
        };
        let inputs = tensors.inputs();
        let empty = Mask::empty(inputs.dims().mask_shape());
        masker
            .select(&inputs, &mut RequestState::new(0).layer(0, 0), empty)
            .unwrap()
            .to_dense(device)
            .unwrap()
    };
    let top_k = OracleTopKMasker::new(Size::Count(9)).unwrap();
    let top_p = OracleTopPMasker::new(0.2).unwrap();
    for masker in [&top_k as &dyn sah_attention::Masker, &top_p] {
        let last = select(masker, 690);
        assert!(select(masker, 0).narrow(2, 690, 10).equal(&last), "{}", masker.name());
    }
}
