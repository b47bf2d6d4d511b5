//! Density and error of single calls against the same figures from plain `f64` code.

use sah_attention::{
    AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, AutoKernel, CallMeasure, Kernel,
    Mask, MaskShape, Masker, RequestState, ResearchAttention, Result, SinkMasker, Size,
};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, random_mask, random_shape};

on_devices!(
    figures_equal_those_of_plain_code,
    a_full_selection_has_no_error_in_any_kind,
    outputs_without_length_have_no_error_or_none,
);

/// `[B, H, Q, N]` as plain numbers.
struct Plain {
    numbers: Vec<f64>,
    size: [usize; 4],
}

impl Plain {
    fn new(tensor: &Tensor) -> Self {
        let size = tensor.size();
        let numbers = tensor.to_device(Device::Cpu).to_kind(Kind::Double).contiguous().view([-1]);
        Self {
            numbers: Vec::try_from(&numbers).unwrap(),
            size: [size[0] as usize, size[1] as usize, size[2] as usize, size[3] as usize],
        }
    }

    fn at(&self, b: usize, h: usize, i: usize, j: usize) -> f64 {
        let [_, heads, rows, width] = self.size;
        self.numbers[((b * heads + h) * rows + i) * width + j]
    }
}

/// Density and squared lengths `(|O_dense - O|^2, |O_dense|^2)` of query head `h`, one number after the other.
fn of_head(tensors: &Tensors, weights: &Plain, h: usize, window: Option<usize>) -> (f64, f64, f64) {
    let [queries, keys, values] = [&tensors.queries, &tensors.keys, &tensors.values].map(Plain::new);
    let [batch, heads, rows, d] = queries.size;
    let (kv, count, dv) = (h / (heads / keys.size[1]), keys.size[2], values.size[3]);
    let (mut selected, mut visible, mut distance, mut length) = (0.0, 0.0, 0.0, 0.0);
    for b in 0..batch {
        for i in 0..rows {
            let position = count - rows + i;
            let first = window.map_or(0, |window| (position + 1).saturating_sub(window));
            let score = |j: usize| {
                (0..d).map(|e| queries.at(b, h, i, e) * keys.at(b, kv, j, e)).sum::<f64>() * tensors.scale
            };
            let scores: Vec<f64> = (first..=position).map(score).collect();
            let weight: Vec<f64> = (first..=position).map(|j| weights.at(b, h, i, j)).collect();
            visible += scores.len() as f64;
            selected += weight.iter().filter(|weight| **weight > 0.0).count() as f64;
            let output = |share: &dyn Fn(usize) -> f64, e: usize| {
                let part = |j: usize| share(j) * scores[j].exp();
                let sum: f64 = (0..scores.len()).map(part).sum();
                (0..scores.len()).map(|j| part(j) * values.at(b, kv, first + j, e)).sum::<f64>() / sum
            };
            for e in 0..dv {
                let dense = output(&|_| 1.0, e);
                let sparse = output(&|j| if weight[j] > 0.0 { 1.0 / weight[j] } else { 0.0 }, e);
                distance += (dense - sparse).powi(2);
                length += dense.powi(2);
            }
        }
    }
    (selected / visible, distance, length)
}

fn attended(inputs: &AttentionInputs<'_>, mask: Mask) -> AttentionOutput {
    // A masker that selects this: the way through `ResearchAttention` that a model takes.
    #[derive(Debug)]
    struct Fixed(std::sync::Mutex<Option<Mask>>);
    impl Masker for Fixed {
        fn name(&self) -> &'static str {
            "fixed"
        }
        fn select(
            &self,
            _: &AttentionInputs<'_>,
            _: &mut sah_attention::LayerState<'_>,
            previous: Mask,
        ) -> Result<Mask> {
            previous.merge(self.0.lock().unwrap().take().expect("one call"))
        }
    }
    let attention = ResearchAttention::new(vec![Box::new(Fixed(std::sync::Mutex::new(Some(mask))))]).unwrap();
    attention.attend(inputs, 0, &mut RequestState::new(0)).unwrap()
}

/// A window wide enough that no row is left with nothing: every mask here gets each row's own key.
fn own_keys(shape: MaskShape) -> Mask {
    let past = shape.keys - shape.queries;
    let row = |row: usize| past + row..past + row + 1;
    let ranges = sah_attention::RowRanges::from_fn(shape.queries, shape.keys, row).unwrap();
    Mask::from_ranges(shape, ranges).unwrap()
}

fn figures_equal_those_of_plain_code(device: Device) {
    let mut largest = 0f64;
    for seed in 0..120 {
        let mut random = Random::new(seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let shape = MaskShape { queries: shape.queries.min(5), keys: shape.keys.min(70), ..shape };
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let tensors = Tensors::new(shape, kv_heads, 8, 6, seed, device);
        let window = random.within(1..shape.keys + 2);
        let window = random.choose(&[None, None, Some(window)]);
        let mask = random_mask(shape, form, &mut random, device).merge(own_keys(shape)).unwrap();
        let weights = Plain::new(&mask.to_dense(device).unwrap());
        let inputs = tensors.inputs().with_window(window).unwrap();
        let attended = attended(&inputs, mask);
        let found = CallMeasure::of(&inputs, &attended).unwrap();

        assert_eq!(found.heads.len(), shape.heads);
        let (mut distances, mut lengths, mut densities) = (0.0, 0.0, 0.0);
        for (h, head) in found.heads.iter().enumerate() {
            let case = format!("seed {seed}, {form:?}, {shape}, {window:?}, head {h}");
            let (density, distance, length) = of_head(&tensors, &weights, h, window);
            let error = (distance / length).sqrt();
            assert!((head.density - density).abs() < 1e-12, "{case}: {} {density}", head.density);
            let got = head.output_error.unwrap();
            assert!((got - error).abs() < 2e-6 + 1e-5 * error, "{case}: {got} {error}");
            largest = largest.max(error);
            distances += distance;
            lengths += length;
            densities += density / shape.heads as f64;
        }
        assert!((found.density - densities).abs() < 1e-12);
        assert_eq!(found.density, attended.density.value().unwrap());
        let (got, want) = (found.output_error.unwrap(), (distances / lengths).sqrt());
        assert!((got - want).abs() < 2e-6 + 1e-5 * want, "seed {seed}: {got} {want}");
    }
    assert!(largest > 0.5, "no case with an error: {largest}");
}

fn a_full_selection_has_no_error_in_any_kind(device: Device) {
    for kind in [Kind::Float, Kind::BFloat16, Kind::Half] {
        for queries in [1, 3] {
            let shape = MaskShape { batch: 1, heads: 4, queries, keys: 50 };
            let tensors = Tensors::new(shape, 2, 16, 16, 5, device).to_kind(kind);
            let inputs = tensors.inputs();
            let found = CallMeasure::of(&inputs, &attended(&inputs, Mask::full(shape))).unwrap();
            assert_eq!((found.density, found.heads.len()), (1.0, 4));
            let error = found.output_error.unwrap();
            assert!(error < 1e-6, "{kind:?}, {queries} rows: {error}");
        }
    }
}

/// Values of zero give an output of zero: nothing to be relative to.
fn outputs_without_length_have_no_error_or_none(device: Device) {
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 8 };
    let tensors = Tensors::new(shape, 2, 4, 4, 1, device);
    let _ = tensors.values.narrow(1, 0, 1).zero_();
    let inputs = tensors.inputs();
    let half = || SinkMasker::new(Size::Count(4)).unwrap();
    let attention = ResearchAttention::new(vec![Box::new(half())]).unwrap();
    let mut out = attention.attend(&inputs, 0, &mut RequestState::new(0)).unwrap();
    let found = CallMeasure::of(&inputs, &out).unwrap();
    assert_eq!(found.heads[0].output_error, Some(0.0), "zero against zero");
    assert!(found.heads[1].output_error.unwrap() > 0.0);

    out.output = &out.output + 1.0;
    let found = CallMeasure::of(&inputs, &out).unwrap();
    assert_eq!(found.heads[0].output_error, None, "something against zero");
    assert!(found.output_error.unwrap() > 0.0, "the other head gives the call a length");

    out.output = &out.output * f64::NAN;
    let found = CallMeasure::of(&inputs, &out).unwrap();
    assert_eq!((found.output_error, found.heads[1].output_error), (None, None), "no number");
}

/// An observer of one pass among those of a longer time, as a model's forward pass has them.
#[test]
fn a_policy_that_is_lent_observes_and_keeps_its_state() {
    #[derive(Debug, Default)]
    struct Backends(Vec<(usize, &'static str)>);
    impl AttentionObserver for Backends {
        fn attended(
            &mut self,
            layer: usize,
            _: &AttentionInputs<'_>,
            attended: &AttentionOutput,
        ) -> Result<()> {
            self.0.push((layer, attended.backend));
            Ok(())
        }
    }
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 30 };
    let tensors = Tensors::new(shape, 1, 8, 8, 3, Device::Cpu);
    let inputs = tensors.inputs();
    let attention = ResearchAttention::new(vec![Box::new(SinkMasker::new(Size::Count(4)).unwrap())]).unwrap();
    let mut state = RequestState::new(0);
    let (mut outer, mut inner) = (Backends::default(), Backends::default());
    let mut policy =
        AttentionPolicy::Sparse { attention: &attention, state: &mut state }.observed(&mut outer);
    policy.reborrow().observed(&mut inner).attend(3, &inputs).unwrap();
    policy.attend(4, &inputs).unwrap();
    let backend = attended(&inputs, own_keys(shape)).backend;
    assert_ne!(backend, AutoKernel.name());
    assert_eq!(inner.0, [(3, backend)]);
    assert_eq!(outer.0, [(3, backend), (4, backend)]);
    let mut dense = AttentionPolicy::dense();
    let mut inner = Backends::default();
    dense.reborrow().observed(&mut inner).attend(0, &inputs).unwrap();
    assert_eq!(inner.0, [(0, "dense")]);
}
