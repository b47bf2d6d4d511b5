//! Keys and values in groups of codes, against KIVI's arithmetic from `tests/reference/kivi.py`, and rows beside them.

use std::path::Path;

use sah_attention::{Error, KiviBits, KvFormat, KvRows, KvSide};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::stored::{INT2, INT4};

on_devices!(numbers_are_those_of_the_reference, rows_beside_packed_ones_are_as_they_were);

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

/// Numbers `[tokens, dim]`, and what they are as packed keys and as packed values.
#[derive(Deserialize)]
struct Case {
    tokens: usize,
    dim: i64,
    bits: u32,
    numbers: Vec<Vec<f32>>,
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
}

fn of_bits(bits: u32) -> KvFormat {
    let bits = if bits == 2 { KiviBits::Two } else { KiviBits::Four };
    KvFormat::Kivi { bits, plain: Kind::Float }
}

fn numbers_are_those_of_the_reference(device: Device) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/kivi.json");
    let goldens: Goldens = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(goldens.cases.len(), 5);
    for Case { tokens, dim, bits, numbers, keys, values } in goldens.cases {
        let tensor = |rows: &[Vec<f32>]| {
            Tensor::from_slice(&rows.concat()).view([1, 1, tokens as i64, dim]).to_device(device)
        };
        let rows = KvRows::empty([1, 1, tokens as i64, dim], of_bits(bits), device).unwrap();
        rows.store(&tensor(&numbers)).unwrap();
        for (side, expected) in [(KvSide::Keys, keys), (KvSide::Values, values)] {
            let packed = rows.pack(side, &[0..tokens]).unwrap();
            let found = packed.expand(Kind::Float).unwrap();
            let apart = (found - tensor(&expected)).abs().max().double_value(&[]);
            assert!(apart < 1e-5, "{side:?}, {tokens} x {dim} of {bits} bits: {apart}");
            let groups = match side {
                KvSide::Keys => dim as usize * tokens / 32,
                KvSide::Values => tokens * if dim % 32 == 0 { dim as usize / 32 } else { 1 },
            };
            assert_eq!(packed.bytes(), tokens * dim as usize * bits as usize / 8 + 4 * groups);
        }
    }
}

fn rows_beside_packed_ones_are_as_they_were(device: Device) {
    let numbers = (Tensor::arange(2 * 3 * 200 * 8, (Kind::Float, device)).view([2, 3, 200, 8]) * 0.7).sin();
    for format in [INT4, INT2] {
        let KvFormat::Kivi { bits, plain } = format else { unreachable!("both are") };
        let rows = KvRows::empty([2, 3, 200, 8], format, device).unwrap();
        rows.store(&numbers).unwrap();
        let packed = rows.pack(KvSide::Values, &[5..37, 50..50, 64..192]).unwrap();
        let all = packed.expand(Kind::Float).unwrap();
        let same = |range: std::ops::Range<i64>| {
            let (found, stored) = (
                all.narrow(2, range.start, range.end - range.start),
                numbers.to_kind(plain).to_kind(Kind::Float),
            );
            found.equal(&stored.narrow(2, range.start, range.end - range.start))
        };
        assert!(same(0..5) && same(37..64) && same(192..200), "{format}");
        assert!(!same(5..37) && !same(64..192), "{format}");
        // Half a step of the largest range, and what f16 and the kind of plain rows take from it.
        let step = 2.0 / f64::from((1 << bits.count()) - 1);
        let error = (&all - &numbers).abs().max().double_value(&[]);
        assert!(error < step / 2.0 + 0.01, "{format}: {error}");

        // Views of some rows and heads, and rows one by one, begin and end anywhere.
        for range in [0..3, 0..20, 7..30, 30..70, 60..200, 100..150, 192..200, 36..38, 9..9] {
            let part = packed.narrow(range.clone()).unwrap();
            let expected = all.narrow(2, range.start as i64, range.len() as i64);
            assert_eq!(part.keys(), range.len());
            assert!(part.expand(Kind::Float).unwrap().equal(&expected), "{format}, {range:?}");
            let again = part.narrow(range.len() / 3..range.len()).unwrap().heads(1..3).unwrap();
            let from = (range.len() / 3) as i64;
            let expected = expected.narrow(2, from, range.len() as i64 - from).narrow(1, 1, 2);
            assert!(again.expand(Kind::Float).unwrap().equal(&expected), "{format}, {range:?}");
        }
        let indices = Tensor::from_slice(&[0_i64, 5, 36, 37, 199, 191, 64, 64, 100, 10, 49, 50]);
        let indices = indices.view([1, 1, 3, 4]).expand([2, 3, 3, 4], false).to_device(device);
        let expected = all.index_select(2, &indices.get(0).get(0).view([-1])).view([2, 3, 3, 4, 8]);
        let view = sah_attention::KvView::from(&packed);
        assert!(view.gather(&indices, Kind::Float).unwrap().equal(&expected), "{format}");
        assert!(view.is_packed());
    }
}

#[test]
fn packed_rows_are_only_read() {
    let rows = KvRows::empty([1, 2, 100, 8], INT4, Device::Cpu).unwrap();
    let numbers = Tensor::ones([1, 2, 100, 8], (Kind::Float, Device::Cpu));
    rows.store(&numbers).unwrap();
    let packed = rows.pack(KvSide::Keys, &[0..64]).unwrap();
    packed.store_at(64, &(numbers.narrow(2, 0, 36) * 2.0)).unwrap();
    packed.store_at(99, &(numbers.narrow(2, 0, 1) * 3.0)).unwrap();
    let found = packed.expand(Kind::Float).unwrap();
    let of = |row: i64| found.double_value(&[0, 1, row, 7]);
    assert_eq!([of(0), of(63), of(64), of(98), of(99)], [1.0, 1.0, 2.0, 2.0, 3.0]);
    let one = numbers.narrow(2, 0, 1);
    for (what, error) in [
        ("store", packed.store_at(63, &one).unwrap_err()),
        ("many", packed.store(&numbers).unwrap_err()),
        ("copy", packed.narrow(10..20).unwrap().copy_from(&rows.narrow(0..10).unwrap()).unwrap_err()),
        ("select", packed.select(&[0, 70]).unwrap_err()),
        ("pack", packed.pack(KvSide::Keys, &[64..96]).unwrap_err()),
    ] {
        assert!(matches!(error, Error::PackedRows { .. }), "{what}: {error}");
    }
    packed.narrow(70..80).unwrap().copy_from(&rows.narrow(0..10).unwrap()).unwrap();
    assert!(packed.store_at(100, &one).is_err() && packed.store_at(0, &numbers.narrow(2, 0, 0)).is_ok());

    for ranges in [&[0..31][..], &[32..64, 0..32], &[0..64, 32..96], &[96..128]] {
        let error = rows.pack(KvSide::Values, ranges).unwrap_err();
        assert!(error.to_string().contains("whole groups"), "{ranges:?}: {error}");
    }
    let int8 = KvRows::empty([1, 2, 64, 8], KvFormat::Int8, Device::Cpu).unwrap();
    assert!(matches!(int8.pack(KvSide::Keys, &[0..32]), Err(Error::NotPacked { .. })));
    let odd = KvRows::empty([1, 2, 64, 6], INT2, Device::Cpu).unwrap();
    let error = odd.pack(KvSide::Keys, &[0..32]).unwrap_err();
    assert!(error.to_string().contains("whole bytes"), "{error}");
}

#[test]
fn a_group_of_one_number_and_what_is_no_number() {
    let mut numbers = Tensor::zeros([1, 1, 32, 4], (Kind::Float, Device::Cpu));
    for (channel, value) in [(1, -2.5), (2, f64::INFINITY), (3, f64::NAN)] {
        let _ = numbers.select(3, channel).narrow(2, 0, if channel == 1 { 32 } else { 1 }).fill_(value);
    }
    numbers = numbers.contiguous();
    let rows = KvRows::empty([1, 1, 32, 4], INT4, Device::Cpu).unwrap();
    rows.store(&numbers).unwrap();
    let found = rows.pack(KvSide::Keys, &[0..32]).unwrap().expand(Kind::Float).unwrap();
    let of = |channel: i64| Vec::<f32>::try_from(found.select(3, channel).reshape([-1])).unwrap();
    assert_eq!((of(0), of(1)), (vec![0.0; 32], vec![-2.5; 32]));
    assert!(of(2).iter().chain(&of(3)).all(|number| number.is_nan()), "it does not hide");
}

#[test]
fn how_much_of_a_context_is_packed() {
    for (tokens, packed) in [(0, 0), (128, 0), (159, 0), (160, 32), (191, 32), (192, 64), (16_384, 16_256)] {
        assert_eq!(INT4.packed_of(tokens), packed, "{tokens}");
        assert_eq!(KvFormat::Int8.packed_of(tokens), 0);
    }
    assert_eq!([INT4.row_bytes(64), INT2.row_bytes(64)], [32 + 8, 16 + 8]);
    assert!(INT2.packs() && !KvFormat::Int8.packs());
}
