//! What a model's layer does beside a masker: a sliding window, a soft cap and scores of sinks.

use sah_attention::{
    AttentionInputs, AttentionPolicy, AutoKernel, Error, Kernel, LocalMasker, Mask, MaskShape, Masker, Reads,
    ReferenceKernel, RequestState, ResearchAttention, RowRanges, SinkMasker, Size,
};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, difference, random_mask, random_shape};
use crate::kernels::{KERNELS, attend};

on_devices!(
    kernels_equal_the_oracle,
    kernels_equal_the_oracle_in_other_kinds,
    dense_equals_the_oracle_and_libtorch,
    maskers_and_window_intersect,
    a_row_with_nothing_in_its_window_is_an_error,
);

/// A layer's window and cap.
type Layer = (Option<usize>, Option<f64>);

fn inputs(tensors: &Tensors, (window, cap): Layer) -> AttentionInputs<'_> {
    tensors.inputs().with_window(window).unwrap().with_soft_cap(cap).unwrap()
}

/// With a window, a cap, both, or none.
fn random_layer(random: &mut Random, keys: usize) -> Layer {
    let window = random.within(1..keys + 2);
    let cap = random.choose(&[0.7, 5.0, 30.0]);
    random.choose(&[(Some(window), None), (None, Some(cap)), (Some(window), Some(cap)), (None, None)])
}

/// The key of each row's own position.
fn own_keys(shape: MaskShape) -> Mask {
    let past = shape.keys - shape.queries;
    let ranges = RowRanges::from_fn(shape.queries, shape.keys, |row| past + row..past + row + 1).unwrap();
    Mask::from_ranges(shape, ranges).unwrap()
}

/// Whatever the form of the mask. Where the window leaves a row nothing, all kernels say so in the same words.
fn kernels_equal_the_oracle(device: Device) {
    let mut empty = 0;
    for seed in 0..600 {
        let mut random = Random::new(seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let tensors = Tensors::new(shape, kv_heads, 16, 16, seed, device).with_sinks(&mut random);
        let layer = random_layer(&mut random, shape.keys);
        let mut mask = random_mask(shape, form, &mut random, device);
        if random.within(0..4) > 0 {
            mask = mask.merge(own_keys(shape)).unwrap();
        }
        let inputs = inputs(&tensors, layer);
        let want = ReferenceKernel.attend(&inputs, Reads::Mask(&mask));
        empty += usize::from(want.is_err());
        for kernel in KERNELS {
            let case = format!("{}, seed {seed}, {form:?}, {shape}, {layer:?}", kernel.name());
            let Some(got) = attend(kernel, &inputs, &mask) else { continue };
            match (&want, got) {
                (Ok(want), Ok(got)) => {
                    let error = difference(&got, want);
                    assert!(error < 1e-5, "{case}: {error}");
                }
                (Err(want), Err(got)) => {
                    assert!(matches!(&got, Error::EmptySelection { window, .. } if *window == layer.0));
                    assert_eq!(got.to_string(), want.to_string());
                }
                (want, got) => panic!("{case}: {want:?} but {got:?}"),
            }
        }
    }
    assert!((10..200).contains(&empty), "{empty} cases with an empty row");
}

/// Bounds as in the kernels' tests.
fn kernels_equal_the_oracle_in_other_kinds(device: Device) {
    for seed in 0..120 {
        let mut random = Random::new(3000 + seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let layer = random_layer(&mut random, shape.keys);
        let mask = random_mask(shape, form, &mut random, device).merge(own_keys(shape)).unwrap();
        for (kind, bound) in [(Kind::BFloat16, 0.04), (Kind::Half, 0.005), (Kind::Double, 1e-6)] {
            let tensors = Tensors::new(shape, kv_heads, 32, 32, seed, device);
            let tensors = tensors.with_sinks(&mut random).to_kind(kind);
            let exact = tensors.to_kind(Kind::Double);
            let want = ReferenceKernel.attend(&inputs(&exact, layer), Reads::Mask(&mask)).unwrap();
            for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
                let Some(got) = attend(kernel, &inputs(&tensors, layer), &mask) else { continue };
                let got = got.unwrap();
                assert_eq!(got.kind(), kind);
                let error = difference(&got, &want);
                assert!(error < bound, "seed {seed}, {form:?}, {shape}, {layer:?}, {kind:?}: {error}");
            }
        }
    }
}

/// Prompt, one token and chunk, shorter and longer than the window; libtorch is given the window as a mask.
fn dense_equals_the_oracle_and_libtorch(device: Device) {
    let lengths = [(1, 1), (1, 9), (1, 700), (9, 9), (300, 300), (7, 90), (140, 700)];
    for (seed, (queries, keys)) in lengths.into_iter().enumerate() {
        let shape = MaskShape { batch: 1 + seed % 2, heads: 6, queries, keys };
        let tensors = Tensors::new(shape, 2, 32, 32, seed as u64, device);
        for window in [1, 8, 200, 1000] {
            for cap in [None, Some(2.0)] {
                let inputs = inputs(&tensors, (Some(window), cap));
                let got = AutoKernel.attend(&inputs, Reads::All).unwrap();
                let want = ReferenceKernel.attend(&inputs, Reads::Mask(&Mask::full(shape))).unwrap();
                let error = difference(&got, &want);
                assert!(error < 1e-5, "{shape}, window {window}, cap {cap:?}: {error} from the oracle");
                if cap.is_some() {
                    continue;
                }
                let past = (keys - queries) as i64;
                let seen = Tensor::ones([queries as i64, keys as i64], (Kind::Bool, device))
                    .tril(past)
                    .triu(past - window as i64 + 1);
                let (q, k, v) = (&tensors.queries, &tensors.keys, &tensors.values);
                let scale = tensors.scale;
                let libtorch =
                    Tensor::scaled_dot_product_attention(q, k, v, Some(&seen), 0.0, false, scale, true);
                let error = difference(&got, &libtorch);
                assert!(error < 1e-5, "{shape}, window {window}: {error} from libtorch");
            }
        }
    }
}

fn attention(maskers: Vec<Box<dyn Masker>>) -> ResearchAttention {
    ResearchAttention::new(maskers).unwrap()
}

fn sink(size: usize) -> Box<dyn Masker> {
    Box::new(SinkMasker::new(Size::Count(size)).unwrap())
}

fn local(size: usize) -> Box<dyn Masker> {
    Box::new(LocalMasker::new(Size::Count(size)).unwrap())
}

/// A density counts what the window permits, so that dense attention has density 1 in every layer.
fn maskers_and_window_intersect(device: Device) {
    let shape = MaskShape { batch: 1, heads: 4, queries: 2, keys: 100 };
    let tensors = Tensors::new(shape, 2, 16, 16, 1, device);
    let attend = |attention: &ResearchAttention, window| {
        let mut state = RequestState::new(0);
        AttentionPolicy::Sparse { attention, state: &mut state }
            .attend(0, &inputs(&tensors, (Some(window), None)))
            .unwrap()
    };
    let windowed =
        |window| AttentionPolicy::dense().attend(0, &inputs(&tensors, (Some(window), None))).unwrap();

    // The window is within what the masker selects: the masker changes nothing.
    let streaming = attention(vec![sink(4), local(30)]);
    let got = attend(&streaming, 10);
    assert!(difference(&got.output, &windowed(10).output) < 1e-5);
    assert_eq!((got.density.value().unwrap(), windowed(10).density.value().unwrap()), (1.0, 1.0));
    // The masker is within the window, but for the sinks.
    let got = attend(&streaming, 60);
    assert!(difference(&got.output, &windowed(30).output) < 1e-5);
    assert_eq!(got.density.value().unwrap(), 0.5);
    // Rows at 98 and 99 with windows of 97: the sinks 2 and 3, and 3.
    let got = attend(&streaming, 97);
    assert_eq!(got.density.value().unwrap(), (32.0 + 31.0) / (2.0 * 97.0));
    // Everything selected is everything in the window.
    let got = attend(&attention(vec![sink(100)]), 10);
    assert!(difference(&got.output, &windowed(10).output) < 1e-5);
    assert_eq!(got.density.value().unwrap(), 1.0);
}

fn a_row_with_nothing_in_its_window_is_an_error(device: Device) {
    let shape = MaskShape { batch: 1, heads: 4, queries: 1, keys: 100 };
    let tensors = Tensors::new(shape, 2, 16, 16, 1, device);
    let inputs = inputs(&tensors, (Some(10), None));
    let error = attention(vec![sink(4)]).attend(&inputs, 3, &mut RequestState::new(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing is selected for query row 0 of head 0, batch entry 0 in layer 3 within the layer's sliding window of 10 \
         keys; add a masker that always selects, such as local, or raise the sizes"
    );
}

#[test]
fn windows_and_caps_are_checked() {
    let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 3 };
    let tensors = Tensors::new(shape, 1, 4, 4, 1, Device::Cpu);
    let error = tensors.inputs().with_window(Some(0)).unwrap_err();
    assert_eq!(error.to_string(), "window must be at least 1 key, got 0");
    for cap in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = tensors.inputs().with_soft_cap(Some(cap)).unwrap_err();
        assert!(matches!(error, Error::SoftCap { .. }), "{error}");
    }
}

#[test]
fn scores_of_sinks_are_checked() {
    let shape = MaskShape { batch: 1, heads: 4, queries: 3, keys: 5 };
    let tensors = Tensors::new(shape, 2, 4, 4, 1, Device::Cpu);
    for (size, fits) in
        [(vec![4, 1], true), (vec![4, 3], true), (vec![4], false), (vec![2, 1], false), (vec![4, 2], false)]
    {
        let scores = Tensor::zeros(size.as_slice(), (Kind::Float, Device::Cpu));
        let result = tensors.inputs().with_sink_scores(Some(&scores)).map(|_| ());
        assert_eq!(result.is_ok(), fits, "{size:?}");
        if let Err(error) = result {
            let text = error.to_string();
            assert!(text.contains("scores of sinks") && text.contains("[4, 1] or [4, 3]"), "{text}");
        }
    }
    let halves = Tensor::zeros([4, 1], (Kind::Half, Device::Cpu));
    let error = tensors.inputs().with_sink_scores(Some(&halves)).unwrap_err();
    assert!(matches!(error, Error::Kind { found: Kind::Half, .. }), "{error}");
}

/// A sink is a key that scores as it says and whose value is zero: libtorch's attention over one key more.
#[test]
fn a_sink_is_a_key_without_a_value() {
    let shape = MaskShape { batch: 2, heads: 6, queries: 5, keys: 40 };
    let tensors = Tensors::new(shape, 2, 16, 16, 5, Device::Cpu);
    let sinks = Tensor::from_slice(&[-2.0_f32, 0.0, 1.0, 4.0, 0.5, 9.0]).view([6, 1]);
    let inputs = tensors.inputs().with_sink_scores(Some(&sinks)).unwrap();
    let key = Tensor::zeros([2, 2, 1, 16], (Kind::Float, Device::Cpu));
    let one_more = |tensor: &Tensor| Tensor::cat(&[&key, tensor], 2);
    let bias = Tensor::zeros([5, 40], (Kind::Float, Device::Cpu))
        .masked_fill(&Tensor::ones([5, 40], (Kind::Bool, Device::Cpu)).triu(36), f64::NEG_INFINITY)
        .expand([1, 6, 5, 40], false);
    let bias = Tensor::cat(&[&sinks.view([1, 6, 1, 1]).expand([1, 6, 5, 1], false), &bias], 3);
    let (keys, values) = (one_more(&tensors.keys), one_more(&tensors.values));
    let scale = tensors.scale;
    let want = Tensor::scaled_dot_product_attention(
        &tensors.queries,
        &keys,
        &values,
        Some(&bias),
        0.0,
        false,
        scale,
        true,
    );
    for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
        let error = difference(&kernel.attend(&inputs, Reads::All).unwrap(), &want);
        assert!(error < 1e-5, "{}: {error}", kernel.name());
    }
}

/// The oracle itself, against the definition written out for single numbers.
#[test]
fn the_oracle_follows_the_definition() {
    let (window, cap, past, sinks) = (3, 0.8, 3, [0.4_f32, -0.2]);
    let shape = MaskShape { batch: 1, heads: 2, queries: 3, keys: 6 };
    let mut tensors = Tensors::new(shape, 1, 8, 8, 6, Device::Cpu);
    tensors.sinks = Some(Tensor::from_slice(&sinks).view([2, 1]));
    let inputs = inputs(&tensors, (Some(window), Some(cap)));
    let output = ReferenceKernel.attend(&inputs, Reads::Mask(&Mask::full(shape))).unwrap();
    for (h, i) in (0..2).flat_map(|h| (0..3).map(move |i| (h, i))) {
        let (mut numerator, mut denominator) = ([0f64; 8], f64::from(sinks[h as usize]).exp());
        for j in past + i - 2..=past + i {
            let query = |d: i64| tensors.queries.double_value(&[0, h, i, d]);
            let score: f64 = (0..8).map(|d| query(d) * tensors.keys.double_value(&[0, 0, j, d])).sum();
            let term = (cap * (score * tensors.scale / cap).tanh()).exp();
            denominator += term;
            for (d, sum) in numerator.iter_mut().enumerate() {
                *sum += term * tensors.values.double_value(&[0, 0, j, d as i64]);
            }
        }
        for (d, sum) in numerator.iter().enumerate() {
            let got = output.double_value(&[0, h, i, d as i64]);
            assert!((got - sum / denominator).abs() < 1e-6, "head {h}, row {i}: {got}");
        }
    }
}
