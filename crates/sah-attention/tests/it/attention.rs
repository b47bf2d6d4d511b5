//! Maskers and kernel composed, and the inputs' checks.

use std::sync::Arc;

use sah_attention::{
    AttentionConfig, AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, AutoKernel, Error,
    IndexList, Kernel as _, LayerState, Mask, MaskShape, Masker, MaskerRegistry, MaskerState, Reads,
    ReferenceKernel, RequestState, ResearchAttention, Result, SinkMasker, Size,
};
use tch::{Device, Kind, Tensor};

use crate::cases::{Tensors, difference};
use crate::double_sparsity::{ChannelFile, random_lists};

on_devices!(
    streaming_llm_equals_the_oracle,
    short_contexts_are_dense,
    an_observer_sees_every_call,
    nothing_selected_names_the_layer,
    state_is_per_layer,
    first_layers_are_dense,
    presets_run_through_both_kernels
);

fn streaming_llm() -> ResearchAttention {
    ResearchAttention::from_config(&AttentionConfig::streaming_llm(Size::Count(4), Size::Count(64))).unwrap()
}

/// Decoding, and a question of several tokens, over a long context.
fn streaming_llm_equals_the_oracle(device: Device) {
    let attention = streaming_llm();
    let oracle = streaming_llm().with_kernel(Arc::new(ReferenceKernel));
    assert_eq!((attention.kernel().name(), oracle.kernel().name()), ("auto", "reference"));
    for (queries, keys) in [(1, 70), (1, 500), (23, 300), (200, 1000)] {
        let shape = MaskShape { batch: 1, heads: 9, queries, keys };
        let tensors = Tensors::new(shape, 3, 64, 64, keys as u64, device);
        let got = attention.attend(&tensors.inputs(), 0, &mut RequestState::new(0)).unwrap();
        let want = oracle.attend(&tensors.inputs(), 0, &mut RequestState::new(0)).unwrap();
        assert!(difference(&got.output, &want.output) < 1e-5, "{shape}");
        // Every row reads 4 + 64 keys out of those up to its position.
        let possible: usize = (keys - queries + 1..=keys).sum();
        assert!(
            (got.density.value().unwrap() - (68 * queries) as f64 / possible as f64).abs() < 1e-12,
            "{shape}: {}",
            got.density.value().unwrap()
        );
    }
}

/// Nothing is left out where the window covers everything, nor for a prompt.
fn short_contexts_are_dense(device: Device) {
    let (attention, mut state) = (streaming_llm(), RequestState::new(0));
    for (queries, keys) in [(1, 1), (1, 65), (40, 104), (200, 200)] {
        let shape = MaskShape { batch: 1, heads: 9, queries, keys };
        let tensors = Tensors::new(shape, 3, 64, 64, keys as u64, device);
        let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state };
        let sparse = policy.attend(0, &tensors.inputs()).unwrap();
        let dense = AttentionPolicy::dense().attend(0, &tensors.inputs()).unwrap();
        assert!(difference(&sparse.output, &dense.output) == 0.0);
        assert_eq!((sparse.density.value().unwrap(), dense.density.value().unwrap()), (1.0, 1.0));
        assert!(difference(&dense.output, &AutoKernel.attend(&tensors.inputs(), Reads::All).unwrap()) == 0.0);
    }
}

/// What a call gave: layer, keys, density, backend.
#[derive(Debug, Default)]
struct Seen(Vec<(usize, usize, f64, &'static str)>);

impl AttentionObserver for Seen {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> Result<()> {
        assert_eq!(*attended.mask.shape(), inputs.dims().mask_shape());
        self.0.push((layer, inputs.dims().keys, attended.density.value()?, attended.backend));
        Ok(())
    }
}

fn an_observer_sees_every_call(device: Device) {
    let (attention, mut state, mut seen) = (streaming_llm(), RequestState::new(0), Seen::default());
    let shape = MaskShape { batch: 1, heads: 9, queries: 1, keys: 136 };
    let tensors = Tensors::new(shape, 3, 64, 64, 0, device);
    let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state }.observed(&mut seen);
    policy.attend(5, &tensors.inputs()).unwrap();
    AttentionPolicy::dense().observed(&mut seen).attend(2, &tensors.inputs()).unwrap();
    let backend = if device == Device::Cpu { "fused" } else { "gather" };
    assert_eq!(seen.0, [(5, 136, 0.5, backend), (2, 136, 1.0, "dense")]);
}

fn nothing_selected_names_the_layer(device: Device) {
    let masker = SinkMasker::new(Size::Fraction(0.001)).unwrap();
    let attention = ResearchAttention::new(vec![Box::new(masker)]).unwrap();
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 100 };
    let tensors = Tensors::new(shape, 2, 16, 16, 0, device);
    let error = attention.attend(&tensors.inputs(), 7, &mut RequestState::new(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing is selected for query row 0 of head 0, batch entry 0 in layer 7; add a masker that always selects, such \
         as local, or raise the sizes"
    );
}

/// A masker from outside the crate: it samples key 0, and counts its calls per layer.
#[derive(Debug)]
struct Sampler;

#[derive(Debug, Clone)]
struct Calls(Vec<usize>);

impl MaskerState for Calls {
    fn fork(&self) -> Box<dyn MaskerState> {
        Box::new(self.clone())
    }
    fn truncate(&mut self, keys: usize) {
        self.0.retain(|&seen| seen <= keys);
    }
    fn bytes(&self) -> usize {
        size_of_val(&self.0[..])
    }
}

impl Masker for Sampler {
    fn name(&self) -> &'static str {
        "sampler"
    }
    fn is_sampling(&self) -> bool {
        true
    }
    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        state.get_or_try_insert_with(|| Ok::<_, Error>(Calls(Vec::new())))?.0.push(dims.keys);
        let size = [dims.batch, dims.heads, dims.queries, 1].map(|n| n as i64);
        let indices = Tensor::f_zeros(size, (Kind::Int64, inputs.device()))?;
        let probabilities = Tensor::f_full(size, 0.5, (Kind::Float, inputs.device()))?;
        let list = IndexList::new(indices, Some(probabilities))?;
        previous.merge(Mask::from_indices(dims.mask_shape(), list)?)
    }
}

fn state_is_per_layer(device: Device) {
    let attention = ResearchAttention::new(vec![Box::new(Sampler)]).unwrap();
    let mut state = RequestState::new(0);
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 10 };
    let tensors = Tensors::new(shape, 1, 16, 16, 0, device);
    for layer in [0, 1, 1] {
        let got = attention.attend(&tensors.inputs(), layer, &mut state).unwrap();
        assert!((got.density.value().unwrap() - 0.1).abs() < 1e-12);
        // One key alone has all the weight, whatever its probability.
        let first = tensors.values.narrow(2, 0, 1).expand([1, 2, 1, 16], false);
        assert!(difference(&got.output, &first) < 1e-6);
    }
    let mut fork = state.fork();
    state.truncate(5);
    let calls = |state: &mut RequestState, layer| state.layer(layer, 0).get::<Calls>().unwrap().0.len();
    assert_eq!([calls(&mut fork, 0), calls(&mut fork, 1)], [1, 2]);
    assert_eq!([calls(&mut state, 0), calls(&mut state, 1)], [0, 0]);
}

fn first_layers_are_dense(device: Device) {
    let config = AttentionConfig { dense_layers: 2, ..AttentionConfig::preset("streaming_llm").unwrap() };
    let attention = ResearchAttention::from_config(&config).unwrap();
    assert_eq!(attention.dense_layers(), 2);
    let shape = MaskShape { batch: 1, heads: 9, queries: 1, keys: 500 };
    let tensors = Tensors::new(shape, 3, 64, 64, 1, device);
    let density = |layer| {
        attention
            .attend(&tensors.inputs(), layer, &mut RequestState::new(0))
            .unwrap()
            .density
            .value()
            .unwrap()
    };
    assert_eq!([density(0), density(1), density(2)], [1.0, 1.0, 68.0 / 500.0]);
}

/// A token, a question after it, and a token again: every preset reads less than everything, but for those whose numbers are for long
/// contexts, and what it reads gives the same output by both kernels.
fn presets_run_through_both_kernels(device: Device) {
    let file = ChannelFile::new(&format!("presets-{device:?}"), &random_lists(4, 64, 2), "qk_proj");
    let shape = |queries, keys| MaskShape { batch: 1, heads: 4, queries, keys };
    let all = Tensors::new(shape(900, 900), 2, 64, 64, 8, device);
    for name in MaskerRegistry::builtin().presets() {
        let config = file.preset(name);
        let attention = ResearchAttention::from_config(&config).unwrap();
        let oracle = ResearchAttention::from_config(&config).unwrap().with_kernel(Arc::new(ReferenceKernel));
        let (mut state, mut oracle_state) = (RequestState::new(3), RequestState::new(3));
        for (queries, keys) in [(1, 800), (20, 820), (1, 821)] {
            let rows = all.queries.narrow(2, keys - queries, queries);
            let (cache, values) = (all.keys.narrow(2, 0, keys), all.values.narrow(2, 0, keys));
            let inputs = AttentionInputs::new(&rows, &cache, &values, all.scale).unwrap();
            let got = attention.attend(&inputs, 1, &mut state).unwrap();
            let want = oracle.attend(&inputs, 1, &mut oracle_state).unwrap();
            let error = difference(&got.output, &want.output);
            assert!(error < 1e-5, "{name}, {queries} of {keys}: {error} by {}", got.backend);
            let [density, wanted] = [&got, &want].map(|attended| attended.density.value().unwrap());
            let is_for_contexts = attention.maskers().iter().any(|masker| masker.is_for_prefill_alone());
            assert!(density == wanted && (density < 0.9 || is_for_contexts), "{name}: {density}");
        }
    }
}

#[test]
fn composition_is_checked() {
    assert!(matches!(ResearchAttention::new(vec![]), Err(Error::NoMaskers)));
    let sink = || Box::new(SinkMasker::new(Size::Count(1)).unwrap());
    assert!(ResearchAttention::new(vec![sink(), Box::new(Sampler)]).is_ok());
    let error = ResearchAttention::new(vec![Box::new(Sampler), sink(), Box::new(Sampler)]).unwrap_err();
    assert_eq!(error.to_string(), "only one sampling masker is supported, got `sampler` and `sampler`");
}

#[test]
fn inputs_are_checked() {
    let tensor = |size: &[i64]| Tensor::zeros(size, (Kind::Float, Device::Cpu));
    let check = |queries: &[i64], keys: &[i64], values: &[i64], part: &str| {
        let (queries, keys, values) = (tensor(queries), tensor(keys), tensor(values));
        let error = AttentionInputs::new(&queries, &keys, &values, 1.0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(&[1, 2, 3], &[1, 2, 5, 4], &[1, 2, 5, 4], "queries must have shape [B, H, Q, D]");
    check(&[1, 2, 0, 4], &[1, 2, 5, 4], &[1, 2, 5, 4], "with no dimension 0, got [1, 2, 0, 4]");
    check(
        &[1, 2, 3, 4],
        &[1, 2, 5, 8],
        &[1, 2, 5, 4],
        "keys must have shape [1, Hkv, K, 4] to fit the queries, got [1, 2, 5, 8]",
    );
    check(&[1, 2, 3, 4], &[2, 2, 5, 4], &[1, 2, 5, 4], "keys must have shape [1, Hkv, K, 4]");
    check(
        &[1, 2, 3, 4],
        &[1, 2, 5, 4],
        &[1, 2, 6, 4],
        "values must have shape [1, 2, 5, Dv] to fit the keys",
    );
    check(&[1, 3, 3, 4], &[1, 2, 5, 4], &[1, 2, 5, 4], "3 query heads cannot share 2 key/value heads evenly");
    check(&[1, 2, 6, 4], &[1, 2, 5, 4], &[1, 2, 5, 4], "6 query rows but only 5 keys");
    let (queries, keys) = (tensor(&[1, 2, 3, 4]), tensor(&[1, 2, 5, 4]));
    let half = keys.to_kind(Kind::Half);
    let error = AttentionInputs::new(&queries, &half, &keys, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "keys must be of kind Float like the queries, got Half");
    let integer = queries.to_kind(Kind::Int64);
    let error = AttentionInputs::new(&integer, &keys, &keys, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "queries must be of kind Float, BFloat16, Half or Double, got Int64");
    assert!(matches!(AttentionInputs::new(&queries, &keys, &keys, f64::NAN), Err(Error::Scale { .. })));
}
