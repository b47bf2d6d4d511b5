//! Rules for reading contexts: against an independent statement of each, in chunks, and beside windows.

use std::collections::BTreeSet;

use sah_attention::{
    AttentionInputs, FlexPrefillConfig, FlexPrefillMasker, MInferenceMasker, Mask, Masker,
    OracleTopKBlocksConfig, OracleTopKBlocksMasker, RequestState, Selection, Size, TriShapeConfig,
    TriShapeMasker, XAttentionConfig, XAttentionMasker,
};
use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::cases::{Random, Tensors, difference, random_shape};

#[derive(Deserialize)]
struct Golden {
    block: usize,
    cases: Vec<Case>,
}

/// Selections of one rule, made by `reference/prefill_rules.py`.
#[derive(Deserialize)]
struct Case {
    rule: String,
    rows: usize,
    /// `[H][Q][D]`.
    queries: Vec<Vec<Vec<f32>>>,
    /// `[Hkv][K][D]`.
    keys: Vec<Vec<Vec<f32>>>,
    scale: f64,
    parameters: Value,
    /// Keys of each head and block of rows.
    selected: Vec<Vec<BTreeSet<usize>>>,
}

impl Case {
    fn masker(&self, block_size: usize) -> Box<dyn Masker> {
        let number = |name: &str| self.parameters[name].as_f64().unwrap();
        let count = |name: &str| self.parameters[name].as_u64().unwrap() as usize;
        match self.rule.as_str() {
            "top_k_blocks" => {
                let heavy_size = Size::Fraction(number("share"));
                let config = OracleTopKBlocksConfig { heavy_size, block_size };
                Box::new(OracleTopKBlocksMasker::new(config).unwrap())
            }
            "xattention" => {
                let config =
                    XAttentionConfig { threshold: number("threshold"), stride: count("stride"), block_size };
                Box::new(XAttentionMasker::new(config).unwrap())
            }
            "flexprefill" => {
                let config = FlexPrefillConfig {
                    gamma: number("gamma"),
                    tau: number("tau"),
                    min_budget: count("least") * block_size,
                    block_size,
                };
                Box::new(FlexPrefillMasker::new(config).unwrap())
            }
            "minference" => {
                Box::new(MInferenceMasker::new(None, count("vertical_size"), count("slash_size")))
            }
            other => panic!("no rule {other}"),
        }
    }
}

fn tensor(heads: &[Vec<Vec<f32>>]) -> Tensor {
    let size = [1, heads.len(), heads[0].len(), heads[0][0].len()].map(|size| size as i64);
    Tensor::from_slice(&heads.concat().concat()).view(size)
}

#[test]
fn rules_select_what_their_papers_say() {
    let golden: Golden = serde_json::from_str(include_str!("../reference/prefill_rules.json")).unwrap();
    for (number, case) in golden.cases.iter().enumerate() {
        let (queries, keys) = (tensor(&case.queries), tensor(&case.keys));
        let inputs = AttentionInputs::new(&queries, &keys, &keys, case.scale).unwrap();
        let shape = inputs.dims().mask_shape();
        let masker = case.masker(golden.block);
        let mask = masker.select(&inputs, &mut RequestState::new(0).layer(0, 0), Mask::empty(shape)).unwrap();
        let Selection::Sparse(sparse) = mask.selection() else { panic!("{} {number}", case.rule) };
        let ranges = sparse.blocks().unwrap();
        for (head, of_head) in case.selected.iter().enumerate() {
            assert_eq!(ranges.blocks().count(), of_head.len());
            for (block, want) in of_head.iter().enumerate() {
                let end = shape.keys - case.rows + ranges.blocks().rows_of(block).end;
                let got: BTreeSet<usize> =
                    ranges.ranges(head, block).iter().cloned().flatten().filter(|&key| key < end).collect();
                let want: BTreeSet<usize> = want.iter().copied().filter(|&key| key < end).collect();
                assert_eq!(got, want, "{} {number}, head {head}, block {block}", case.rule);
            }
        }
    }
}

fn maskers(block_size: usize) -> Vec<Box<dyn Masker>> {
    let flex = FlexPrefillConfig { gamma: 0.6, tau: 0.3, min_budget: 0, block_size };
    vec![
        Box::new(TriShapeMasker::new(TriShapeConfig { sink: 3, local: 9, last: 20 }).unwrap()),
        Box::new(
            OracleTopKBlocksMasker::new(OracleTopKBlocksConfig {
                heavy_size: Size::Fraction(0.3),
                block_size,
            })
            .unwrap(),
        ),
        Box::new(XAttentionMasker::new(XAttentionConfig { threshold: 0.5, stride: 4, block_size }).unwrap()),
        Box::new(FlexPrefillMasker::new(flex).unwrap()),
        Box::new(MInferenceMasker::new(None, 31, 101)),
    ]
}

/// Every row reads something, within what causality and a window permit, in every batch entry and head.
#[test]
fn no_row_is_left_without_a_key() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let (mut shape, kv_heads) = random_shape(&mut random);
        shape.keys += 60;
        let tensors = Tensors::new(shape, kv_heads, 16, 16, seed, Device::Cpu).with_sinks(&mut random);
        let window = (random.within(0..2) == 0).then(|| random.within(1..shape.keys));
        let inputs = tensors.inputs().with_window(window).unwrap();
        let kind = random.choose(&[Kind::Float, Kind::BFloat16]);
        let rounded = tensors.to_kind(kind);
        let inputs_of_kind = rounded.inputs().with_window(window).unwrap();
        for masker in maskers(16) {
            for inputs in [&inputs, &inputs_of_kind] {
                let mut state = RequestState::new(0);
                let mask = masker.select(inputs, &mut state.layer(0, 0), Mask::empty(shape)).unwrap();
                let reads = sah_attention::Reads::Mask(&mask);
                reads.check(inputs).unwrap_or_else(|error| panic!("{}, seed {seed}: {error}", masker.name()));
            }
        }
    }
}

/// A context read in chunks that begin with blocks: rows read what they read in one call, where the rule does not go by the last rows of
/// a call.
#[test]
fn chunks_change_nothing() {
    let shape = sah_attention::MaskShape { batch: 1, heads: 4, queries: 150, keys: 150 };
    let tensors = Tensors::new(shape, 2, 16, 16, 5, Device::Cpu);
    for masker in maskers(16).into_iter().take(3) {
        let masker = masker.for_prefill().unwrap();
        let select = |rows: std::ops::Range<usize>| {
            let (start, length) = (rows.start as i64, rows.len() as i64);
            let queries = tensors.queries.narrow(2, start, length);
            let keys = tensors.keys.narrow(2, 0, start + length);
            let inputs = AttentionInputs::new(&queries, &keys, &keys, tensors.scale).unwrap();
            let shape = inputs.dims().mask_shape();
            let mut state = RequestState::new(0).reading(150);
            let mask = masker.select(&inputs, &mut state.layer(0, 0), Mask::empty(shape)).unwrap();
            let missing = 150 - shape.keys as i64;
            mask.restrict_to_causal().unwrap().to_dense(Device::Cpu).unwrap().constant_pad_nd([0, missing])
        };
        let whole = select(0..150).tril(0);
        for (number, rows) in [0..48, 48..112, 112..150].into_iter().enumerate() {
            let want = whole.narrow(2, rows.start as i64, rows.len() as i64);
            let got = select(rows.clone()).tril(rows.start as i64);
            assert_eq!(difference(&got, &want), 0.0, "{}, chunk {number}", masker.name());
        }
    }
}

#[test]
fn everything_is_selected_where_the_parameters_say_so() {
    let shape = sah_attention::MaskShape { batch: 1, heads: 2, queries: 70, keys: 130 };
    let tensors = Tensors::new(shape, 1, 16, 16, 6, Device::Cpu);
    let all: [Box<dyn Masker>; 4] = [
        Box::new(TriShapeMasker::new(TriShapeConfig { sink: 100, local: 30, last: 0 }).unwrap()),
        Box::new(
            OracleTopKBlocksMasker::new(OracleTopKBlocksConfig {
                heavy_size: Size::Count(200),
                block_size: 16,
            })
            .unwrap(),
        ),
        Box::new(
            XAttentionMasker::new(XAttentionConfig { threshold: 1.0, stride: 4, block_size: 16 }).unwrap(),
        ),
        Box::new(MInferenceMasker::new(None, 130, 130)),
    ];
    for masker in all {
        let mut state = RequestState::new(0);
        let mask = masker.select(&tensors.inputs(), &mut state.layer(0, 0), Mask::empty(shape)).unwrap();
        assert_eq!(mask.density().unwrap(), 1.0, "{}", masker.name());
    }
}

#[test]
fn parameters_have_ranges() {
    let message = |result: Result<(), sah_attention::Error>| result.unwrap_err().to_string();
    let xattention = |threshold, stride, block_size| {
        message(XAttentionMasker::new(XAttentionConfig { threshold, stride, block_size }).map(drop))
    };
    assert_eq!(xattention(0.0, 8, 128), "threshold must be in (0, 1], got 0");
    assert_eq!(xattention(0.9, 24, 128), "stride must be a divisor of block_size, got 24 for 128");
    assert_eq!(xattention(0.9, 1, 0), "block_size must be at least 1, got 0");
    let flex = |gamma, tau| {
        let config = FlexPrefillConfig { gamma, tau, min_budget: 0, block_size: 64 };
        message(FlexPrefillMasker::new(config).map(drop))
    };
    assert_eq!(flex(1.5, 0.1), "gamma must be in (0, 1], got 1.5");
    assert_eq!(flex(0.5, -0.1), "tau must be in [0, 1], got -0.1");
    let tri = TriShapeMasker::new(TriShapeConfig { sink: 0, local: 0, last: 0 }).map(drop);
    assert_eq!(message(tri), "local must be at least 1, got 0");
}
