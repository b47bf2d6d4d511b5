//! Keys and values as a cache stores them: the same attention as over the numbers that they stand for.

use sah_attention::{
    AttentionInputs, AutoKernel, Error, Kernel, KiviBits, KvFormat, KvRows, KvSide, MaskShape,
    MaskerRegistry, Reads, ReferenceKernel, RequestState, ResearchAttention, RowRanges,
};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, difference, random_mask, random_shape};
use crate::double_sparsity::{ChannelFile, random_lists};
use crate::kernels::{KERNELS, attend};

on_devices!(
    kernels_equal_the_oracle,
    half_precision_beside_another_cache,
    several_sequences_and_windows,
    maskers_select_by_the_numbers,
);

const BF16: KvFormat = KvFormat::Plain(Kind::BFloat16);
pub(crate) const INT4: KvFormat = KvFormat::Kivi { bits: KiviBits::Four, plain: Kind::Float };
pub(crate) const INT2: KvFormat = KvFormat::Kivi { bits: KiviBits::Two, plain: Kind::BFloat16 };

/// Largest difference to the oracle in `Float`.
const FLOAT: f64 = 1e-5;

/// Keys and values of `tensors`, stored in parts in the middle of a larger cache. Where the format packs rows, those that fill groups
/// are packed, but for one and a few between them; the first group begins before what is read.
fn store(tensors: &Tensors, format: KvFormat) -> (KvRows, KvRows) {
    let store = |numbers: &Tensor, side: KvSide| {
        let (b, h, k, d) = numbers.size4().unwrap();
        let cache = KvRows::empty([b, h, k + 9, d], format, numbers.device()).unwrap();
        let k = k as usize;
        let parts = [0..k / 3, k / 3..k];
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let rows = numbers.narrow(2, part.start as i64, part.len() as i64);
            cache.narrow(part.start + 2..part.end + 2).unwrap().store(&rows).unwrap();
        }
        if !format.packs() {
            return cache.narrow(2..k + 2).unwrap();
        }
        cache
            .narrow(0..2)
            .unwrap()
            .store(&Tensor::zeros([b, h, 2, d], (Kind::Float, numbers.device())))
            .unwrap();
        let whole = |rows: usize| rows / 32 * 32;
        let first = whole(k / 2 + 1);
        let second = first + 3..first + 3 + whole((k + 2).saturating_sub(first + 3));
        cache.pack(side, &[0..first, second]).unwrap().narrow(2..k + 2).unwrap()
    };
    (store(&tensors.keys, KvSide::Keys), store(&tensors.values, KvSide::Values))
}

fn kernels_equal_the_oracle(device: Device) {
    for seed in 0..640 {
        let mut random = Random::new(3000 + seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let format = random.choose(&[BF16, KvFormat::Int8, INT4, INT2]);
        // Parts of 8, 20 and 24 elements do not fill a vector; rows of 18 are no whole words of four.
        let d = random.choose(if format.packs() { &[8, 16, 64, 96, 20] } else { &[8, 16, 64, 80, 18] });
        let dv = if random.within(0..4) == 0 { 24 } else { d };
        let tensors = Tensors::new(shape, kv_heads, d, dv, seed, device);
        let mask = random_mask(shape, form, &mut random, device);
        let (keys, values) = store(&tensors, format);
        let inputs = AttentionInputs::new(&tensors.queries, &keys, &values, tensors.scale).unwrap();
        let numbers = Tensors {
            queries: tensors.queries.shallow_clone(),
            keys: keys.expand(Kind::Float).unwrap(),
            values: values.expand(Kind::Float).unwrap(),
            scale: tensors.scale,
            sinks: None,
        };
        let want = ReferenceKernel.attend(&numbers.inputs(), Reads::Mask(&mask)).unwrap();
        for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
            let Some(got) = attend(kernel, &inputs, &mask) else { continue };
            let got = got.unwrap();
            assert_eq!(got.kind(), Kind::Float);
            let (error, name) = (difference(&got, &want), kernel.name());
            assert!(error < FLOAT, "{name}, seed {seed}, {format}, {form:?}, {shape}, {d} and {dv}: {error}");
        }
        // And the numbers are near those that were stored: a step of the largest of 64 is about 3 / 127, and of a group of 32 about
        // 4 / 15.
        let bound = match format {
            INT2 => continue,
            INT4 => 0.8,
            _ => 0.1,
        };
        let exact = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
        assert!(difference(&want, &exact) < bound, "{format}, seed {seed}: {}", difference(&want, &exact));
    }
}

fn half_precision_beside_another_cache(device: Device) {
    let shape = MaskShape { batch: 2, heads: 6, queries: 5, keys: 90 };
    let tensors = Tensors::new(shape, 2, 64, 64, 5, device);
    for kind in [Kind::BFloat16, Kind::Half, Kind::Double] {
        for format in [KvFormat::Plain(Kind::Float), BF16, KvFormat::Int8, INT4, INT2] {
            let (keys, values) = store(&tensors, format);
            let queries = tensors.queries.to_kind(kind);
            let inputs = AttentionInputs::new(&queries, &keys, &values, tensors.scale).unwrap();
            for form in Form::ALL {
                let mask = random_mask(shape, form, &mut Random::new(5), device);
                let want = ReferenceKernel.attend(&inputs, Reads::Mask(&mask)).unwrap();
                let got = AutoKernel.attend(&inputs, Reads::Mask(&mask)).unwrap();
                assert_eq!(got.kind(), kind);
                // Outputs up to about 4 in bf16, and once more for keys that the oracle has in it.
                assert!(difference(&got, &want) < 0.04, "{kind:?} over {format}, {form:?}");
            }
        }
    }
}

fn several_sequences_and_windows(device: Device) {
    let shape = MaskShape { batch: 1, heads: 6, queries: 3, keys: 700 };
    let tensors = Tensors::new(shape, 2, 64, 64, 6, device);
    let ranges =
        RowRanges::from_rows(700, [[0..400, 400..407], [0..400, 500..503], [0..400, 600..601]]).unwrap();
    for format in [BF16, KvFormat::Int8, INT4, INT2] {
        let (keys, values) = store(&tensors, format);
        let (k, v) = (keys.expand(Kind::Float).unwrap(), values.expand(Kind::Float).unwrap());
        for rows in [3, 1] {
            let queries = tensors.queries.narrow(2, 3 - rows, rows);
            for (window, cap) in [(None, None), (Some(50), None), (Some(150), Some(2.0))] {
                let sinks = window.map(|_| {
                    Tensor::from_slice(&[0.5_f32, -1.0, 2.0, 0.0, 3.0, 1.0]).view([6, 1]).to_device(device)
                });
                let stored = AttentionInputs::new(&queries, &keys, &values, 0.125).unwrap();
                let plain = AttentionInputs::new(&queries, &k, &v, 0.125).unwrap();
                let attend = |inputs: AttentionInputs<'_>| {
                    let inputs = inputs.with_window(window).unwrap().with_soft_cap(cap).unwrap();
                    let inputs = inputs.with_sink_scores(sinks.as_ref()).unwrap();
                    AutoKernel.attend(&inputs, Reads::All).unwrap()
                };
                let error = difference(&attend(stored), &attend(plain));
                assert!(error < FLOAT, "{format}, {rows}, {window:?}, {cap:?}: {error}");
            }
        }
        let stored = AttentionInputs::new(&tensors.queries, &keys, &values, 0.125).unwrap();
        let plain = AttentionInputs::new(&tensors.queries, &k, &v, 0.125).unwrap();
        let (got, want) = (
            AutoKernel.attend(&stored, Reads::Ranges(&ranges)).unwrap(),
            AutoKernel.attend(&plain, Reads::Ranges(&ranges)).unwrap(),
        );
        assert!(difference(&got, &want) < FLOAT, "{format}");
    }
}

/// Every preset selects, with a question and tokens after it, what it selects over plain tensors of the same numbers.
fn maskers_select_by_the_numbers(device: Device) {
    let file = ChannelFile::new(&format!("stored-{device:?}"), &random_lists(4, 64, 2), "qk_proj");
    let shape = MaskShape { batch: 1, heads: 4, queries: 900, keys: 900 };
    let all = Tensors::new(shape, 2, 64, 64, 9, device);
    for format in [BF16, KvFormat::Int8, INT4, INT2] {
        let (keys, values) = store(&all, format);
        let (k, v) = (keys.expand(Kind::Float).unwrap(), values.expand(Kind::Float).unwrap());
        for name in MaskerRegistry::builtin().presets() {
            let config = file.preset(name);
            let attention = ResearchAttention::from_config(&config).unwrap();
            let (mut state, mut plain_state) = (RequestState::new(3), RequestState::new(3));
            for (queries, count) in [(1, 800), (20, 820), (1, 821)] {
                let rows = all.queries.narrow(2, count - queries, queries);
                let some = 0..count as usize;
                let (keys, values) = (keys.narrow(some.clone()).unwrap(), values.narrow(some).unwrap());
                let (k, v) = (k.narrow(2, 0, count), v.narrow(2, 0, count));
                let inputs = AttentionInputs::new(&rows, &keys, &values, all.scale).unwrap();
                let plain = AttentionInputs::new(&rows, &k, &v, all.scale).unwrap();
                let got = attention.attend(&inputs, 1, &mut state).unwrap();
                let want = attention.attend(&plain, 1, &mut plain_state).unwrap();
                let [density, wanted] = [&got, &want].map(|attended| attended.density.value().unwrap());
                assert_eq!(density, wanted, "{name}, {format}, {queries} of {count}");
                let error = difference(&got.output, &want.output);
                assert!(error < FLOAT, "{name}, {format}, {queries} of {count}: {error}");
            }
        }
    }
}

#[test]
fn formats_and_sizes_are_checked() {
    let rows = |format, keys| KvRows::empty([1, 2, keys, 16], format, Device::Cpu).unwrap();
    let queries = Tensor::zeros([1, 2, 3, 16], (Kind::Float, Device::Cpu));
    let (bf16, int8) = (rows(BF16, 5), rows(KvFormat::Int8, 5));
    let error = AttentionInputs::new(&queries, &int8, &bf16, 1.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rows stored as BFloat16 where int8 with a scale is expected; keys and values of a layer are stored alike"
    );
    let error = AttentionInputs::new(&queries, &int8, &rows(KvFormat::Int8, 6), 1.0).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("values must have shape [1, 2, 5, Dv] to fit the keys, got [1, 2, 6, 16]")
    );
    assert!(matches!(int8.copy_from(&bf16), Err(Error::KvFormat { .. })));
    let error = int8.store(&queries).unwrap_err();
    assert!(error.to_string().starts_with("rows must have shape [1, 2, 5, 16] like the rows"), "{error}");
    let error = KvRows::empty([1, 2, 3, 4], KvFormat::Plain(Kind::Int64), Device::Cpu).unwrap_err();
    assert_eq!(error.to_string(), "cache must be of kind Float, BFloat16, Half or Double, got Int64");
    assert_eq!([bf16.bytes(), int8.bytes()], [2 * 5 * 32, 2 * 5 * 20]);
    assert_eq!([BF16.row_bytes(64), KvFormat::Int8.row_bytes(64)], [128, 68]);
}
