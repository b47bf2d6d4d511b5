//! Keys that were evicted: nothing changes for what never reads them, and an error for everything else.

use sah_attention::{
    AnyMaskerConfig, AttentionConfig, AttentionInputs, AttentionPolicy, CallMeasure, Error, KeptKeys, Kernel,
    LocalConfig, Mask, MaskShape, OracleTopKConfig, Positions, Reads, ReferenceKernel, RequestState,
    ResearchAttention, RowRanges, SinkConfig, Size,
};
use tch::{Device, Tensor};

use crate::cases::{Random, Tensors, difference};
use crate::kernels::{KERNELS, attend};

on_devices!(what_is_never_read_is_not_missed, keys_that_were_left_out_for_good_are_as_if_they_were_masked);

fn attention(maskers: Vec<AnyMaskerConfig>) -> ResearchAttention {
    ResearchAttention::from_config(&AttentionConfig::new(maskers).unwrap()).unwrap()
}

fn sink(size: usize) -> AnyMaskerConfig {
    SinkConfig { size: Size::Count(size) }.into()
}

fn local(size: usize) -> AnyMaskerConfig {
    LocalConfig { size: Size::Count(size) }.into()
}

/// `tensors` without `evicted` keys after the first `sinks`.
fn without(tensors: &Tensors, sinks: usize, evicted: usize) -> Tensors {
    let cut = |cache: &Tensor| {
        let (first, behind) = (sinks as i64, (sinks + evicted) as i64);
        let rest = cache.size()[2] - behind;
        Tensor::cat(&[cache.narrow(2, 0, first), cache.narrow(2, behind, rest)], 2)
    };
    Tensors {
        queries: tensors.queries.shallow_clone(),
        keys: cut(&tensors.keys),
        values: cut(&tensors.values),
        scale: tensors.scale,
        sinks: tensors.sinks.as_ref().map(Tensor::shallow_clone),
    }
}

/// With a layer's window and cap.
fn inputs(tensors: &Tensors, (window, cap): (Option<usize>, Option<f64>)) -> AttentionInputs<'_> {
    tensors.inputs().with_window(window).unwrap().with_soft_cap(cap).unwrap()
}

/// One row and several, sinks, windows and both, with the windows and caps of layers; in every kernel.
fn what_is_never_read_is_not_missed(device: Device) {
    let (mut empty, mut windowed) = (0, 0);
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (sinks, window) = random.choose(&[(4, 9), (0, 16), (3, 0), (1, 1), (20, 70)]);
        let maskers = [(sinks > 0).then(|| sink(sinks)), (window > 0).then(|| local(window))];
        let attention = attention(maskers.into_iter().flatten().collect());
        assert_eq!(attention.kept_keys().unwrap(), KeptKeys { sinks, window });
        let queries = random.choose(&[1, 1, 2, 5, 17, 64]);
        let evicted = random.within(1..40);
        let keys = sinks + evicted + window + random.choose(&[0, 1, 30]) + queries;
        let (kv_heads, group) = (random.choose(&[1, 2]), random.choose(&[1, 3]));
        let shape = MaskShape { batch: 1, heads: kv_heads * group, queries, keys };
        let of_layer = random.within(1..keys + 2);
        let layer = (random.choose(&[None, Some(of_layer)]), random.choose(&[None, None, Some(5.0)]));
        let whole = Tensors::new(shape, kv_heads, 16, 16, seed, device);
        let rest = without(&whole, sinks, evicted);
        let whole = inputs(&whole, layer);
        let positions = Positions::with_gap(sinks, evicted);
        let rest = inputs(&rest, layer).with_positions(&positions).unwrap();
        assert_eq!((rest.length(), rest.dims().keys), (keys, keys - evicted));
        let case = format!("seed {seed}, {shape}, {evicted}, {sinks} + {window}, {:?}", whole.window());

        let mut state = RequestState::new(0);
        let (want, got) =
            match (attention.attend(&whole, 0, &mut state), attention.attend(&rest, 0, &mut state)) {
                (Ok(want), Ok(got)) => (want, got),
                (Err(want), Err(got)) => {
                    assert_eq!(got.to_string(), want.to_string(), "{case}");
                    empty += 1;
                    continue;
                }
                (want, got) => panic!("{case}: {want:?} but {got:?}"),
            };
        windowed += usize::from(whole.window().is_some_and(|window| window < keys));
        let [density, wanted] = [&got, &want].map(|attended| attended.density.value().unwrap());
        assert!((density - wanted).abs() < 1e-12, "{case}: {density} for {wanted}");
        let mask = attention.select(&rest, 0, &mut state).unwrap();
        let whole_mask = attention.select(&whole, 0, &mut state).unwrap();
        let want = ReferenceKernel.attend(&whole, Reads::Mask(&whole_mask)).unwrap();
        for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
            let Some(got) = attend(kernel, &rest, &mask) else { continue };
            let error = difference(&got.unwrap(), &want);
            assert!(error < 1e-5, "{}, {case}: {error}", kernel.name());
        }
    }
    assert!(empty > 3 && windowed > 50, "{empty} and {windowed}");
}

/// Any keys of those before the rows may be left; windows go by positions, in every kernel.
fn keys_that_were_left_out_for_good_are_as_if_they_were_masked(device: Device) {
    let mut windowed = 0;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let queries = random.choose(&[1, 1, 2, 5, 17, 64]);
        let before = random.choose(&[1, 3, 30, 90]);
        let left: Vec<usize> = (0..before).filter(|_| random.choose(&[true, false, false])).collect();
        let (kv_heads, group) = (random.choose(&[1, 2]), random.choose(&[1, 3]));
        let keys = before + queries;
        let shape = MaskShape { batch: 1, heads: kv_heads * group, queries, keys };
        let of_layer = random.within(1..keys + 2);
        let layer = (random.choose(&[None, Some(of_layer)]), random.choose(&[None, None, Some(5.0)]));
        let whole = Tensors::new(shape, kv_heads, 16, 16, seed, device).with_sinks(&mut random);
        let there: Vec<i64> = left.iter().copied().chain(before..keys).map(|key| key as i64).collect();
        let of_left = Tensor::from_slice(&there).to_device(device);
        let rest = Tensors {
            queries: whole.queries.shallow_clone(),
            keys: whole.keys.index_select(2, &of_left),
            values: whole.values.index_select(2, &of_left),
            scale: whole.scale,
            sinks: whole.sinks.as_ref().map(Tensor::shallow_clone),
        };
        let positions = Positions::listed(left.clone(), before).unwrap();
        let rest = inputs(&rest, layer).with_positions(&positions).unwrap();
        let whole = inputs(&whole, layer);
        let case = format!("seed {seed}, {shape}, {left:?}, {:?}", whole.window());
        windowed += usize::from(whole.window().is_some_and(|window| window < keys));
        let ranges = RowRanges::from_rows(
            keys,
            (0..queries).map(|_| there.iter().map(|&key| key as usize..key as usize + 1).collect::<Vec<_>>()),
        );
        let mask = Mask::from_ranges(shape, ranges.unwrap()).unwrap();
        let want = ReferenceKernel.attend(&whole, Reads::Mask(&mask)).unwrap();
        let kernels = KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]);
        for kernel in kernels {
            let got = match kernel.attend(&rest, Reads::All) {
                Err(Error::KernelInputs { .. }) => continue,
                got => got.unwrap(),
            };
            let error = difference(&got, &want);
            assert!(error < 1e-5, "{}, {case}: {error}", kernel.name());
        }
        // What is read of what could be, if all were there.
        let density = AttentionPolicy::dense().attend(0, &rest).unwrap().density.value().unwrap();
        let visible: usize = (0..queries).map(|row| whole.visible().row(row).len()).sum();
        let read: usize = (0..queries).map(|row| rest.visible().row(row).len()).sum();
        assert!((density - read as f64 / visible as f64).abs() < 1e-12, "{case}: {density}");
    }
    assert!(windowed > 50, "{windowed}");
}

#[test]
fn what_would_read_an_evicted_key_is_an_error() {
    let shape = MaskShape { batch: 1, heads: 2, queries: 3, keys: 30 };
    let tensors = Tensors::new(shape, 1, 8, 8, 1, Device::Cpu);
    let (late, positions) = (Positions::with_gap(28, 5), Positions::with_gap(4, 5));
    let error = tensors.inputs().with_positions(&late).unwrap_err().to_string();
    assert!(error.contains("before the first query row, got 28 of 27"), "{error}");
    let inputs = tensors.inputs().with_positions(&positions).unwrap();
    let mut state = RequestState::new(0);
    let mut says = |maskers: Vec<AnyMaskerConfig>| {
        let attention = attention(maskers);
        let error = attention.attend(&inputs, 0, &mut state).unwrap_err();
        (matches!(error, Error::Evicted { count: 5, .. }), error.to_string())
    };
    let (evicted, text) = says(vec![sink(5), local(10)]);
    assert!(
        evicted && text.contains("5 first and 10 last keys needs keys of which 5 were evicted"),
        "{text}"
    );
    // The first row's own key and the 23 between it and the gap.
    assert!(says(vec![sink(4), local(25)]).0);
    let (evicted, text) = says(vec![sink(4), OracleTopKConfig { heavy_size: Size::Count(2) }.into()]);
    assert!(!evicted && text.starts_with("`oracle_top_k` may read any key again"), "{text}");
    let (evicted, text) = says(vec![sink(4), LocalConfig { size: Size::Fraction(0.1) }.into()]);
    assert!(!evicted && text.starts_with("`local` may read any key again"), "{text}");

    let error = AttentionPolicy::dense().attend(0, &inputs).unwrap_err();
    assert_eq!(
        error.to_string(),
        "dense attention needs keys of which 5 were evicted; keep them in the cache"
    );
    for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
        assert!(matches!(
            kernel.attend(&inputs, Reads::Mask(&Mask::full(shape))),
            Err(Error::Evicted { .. })
        ));
    }
    let streaming = attention(vec![sink(4), local(10)]);
    let attended = streaming.attend(&inputs, 0, &mut RequestState::new(0)).unwrap();
    assert!(matches!(CallMeasure::of(&inputs, &attended), Err(Error::Evicted { .. })));
}

#[test]
fn only_sinks_and_windows_of_all_layers_say_what_they_keep() {
    let kept = |config: &AttentionConfig| ResearchAttention::from_config(config).unwrap().kept_keys();
    let both = AttentionConfig::new(vec![sink(4), local(64), sink(9), local(7)]).unwrap();
    assert_eq!(kept(&both).unwrap(), KeptKeys { sinks: 9, window: 64 });
    let text = kept(&AttentionConfig { dense_layers: 2, ..both }).unwrap_err().to_string();
    assert!(text.starts_with("2 dense layers may read any key again"), "{text}");
    for preset in ["oracle_top_k", "oracle_top_p", "quest", "pqcache", "socket", "magicpig", "vattention"] {
        let config = AttentionConfig::preset(preset).unwrap();
        assert!(matches!(kept(&config), Err(Error::NoEviction { .. })), "{preset}");
    }
}
