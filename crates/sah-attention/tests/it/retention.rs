//! Scores of keys, and keys that stay, against kvpress 0.5.5, from `tests/reference/retention.py`; and contexts that are too short.

use std::collections::HashMap;
use std::path::Path;

use sah_attention::retention::{ContextLayer, LayerScores, Moments};
use sah_attention::{AttentionInputs, Retention, RetentionConfig, RetentionRegistry};
use serde::Deserialize;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use crate::seeded::seeded;

/// A press with a ratio, over one of the contexts.
#[derive(Deserialize)]
struct Case {
    length: usize,
    rules: Vec<Value>,
    /// The number of the press.
    scores: usize,
    ratio: f64,
    /// Bits of the positions of each layer and head.
    kept: Vec<Vec<String>>,
}

fn goldens() -> (HashMap<String, Tensor>, Vec<Case>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let tensors = Tensor::read_safetensors(folder.join("retention.safetensors")).unwrap();
    let cases = std::fs::read_to_string(folder.join("retention.json")).unwrap();
    (tensors.into_iter().collect(), serde_json::from_str(&cases).unwrap())
}

fn retention(rules: &[Value], ratio: f64) -> Retention {
    let config = json!({"ratio": ratio, "rules": rules});
    RetentionConfig::read(&RetentionRegistry::builtin(), config).unwrap().build().unwrap()
}

/// What is kept, by the bits of a hexadecimal number.
fn positions(bits: &str) -> Vec<usize> {
    let digits = bits.chars().rev().enumerate();
    let of_digit = |(place, digit): (usize, char)| {
        let digit = digit.to_digit(16).unwrap();
        (0..4).filter(move |bit| digit >> bit & 1 == 1).map(move |bit| 4 * place + bit)
    };
    digits.flat_map(of_digit).collect()
}

/// Scores of our own at the cut: of the keys that one side keeps and the other does not. They are equal but for rounding, or the
/// choice differs.
fn is_a_tie(scores: &[f32], ours: &[usize], theirs: &[usize]) -> bool {
    let only = |one: &[usize], other: &[usize]| -> Vec<f32> {
        one.iter().filter(|key| !other.contains(key)).map(|&key| scores[key]).collect()
    };
    let differing = [only(ours, theirs), only(theirs, ours)].concat();
    let (low, high) =
        differing.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    high - low <= 1e-6 * high.abs().max(1e-3)
}

#[test]
fn the_keys_that_kvpress_keeps_stay() {
    let (tensors, cases) = goldens();
    let (mut compared, mut ties, mut with_scores) = (0, 0, 0);
    for Case { length, rules, scores: press, ratio, kept: expected } in cases {
        let retention = retention(&rules, ratio);
        let case = format!("{length} {} {ratio}", serde_json::to_string(&rules).unwrap());
        let mut scores = Vec::new();
        for layer in 0..expected.len() {
            let tensor = |name: &str| &tensors[&format!("{length}.{layer}.{name}")];
            let all = tensor("queries");
            let rows = (retention.needs().queries as i64).min(all.size()[2]);
            let queries = all.narrow(2, all.size()[2] - rows, rows);
            let scale = 1.0 / (all.size()[3] as f64).sqrt();
            let inputs = AttentionInputs::new(&queries, tensor("keys"), tensor("values"), scale).unwrap();
            scores.push(retention.scores(&ContextLayer::new(inputs).of_layer(layer, 0)).unwrap());
            if let Some(theirs) = tensors.get(&format!("{length}.{layer}.scores.{press}")) {
                let ours = Tensor::from_slice(&scores[layer].heads().concat()).view_as(theirs);
                let error = (&ours - theirs).abs().max().double_value(&[]);
                assert!(error < 2e-6, "{case}: scores of layer {layer} differ by {error}");
                with_scores += 1;
            }
        }
        let kept = retention.keep(&scores).unwrap();
        for (layer, heads) in expected.iter().enumerate() {
            for (head, bits) in heads.iter().enumerate() {
                let (ours, theirs) = (&kept[layer][head], positions(bits));
                assert_eq!(ours.is_empty(), theirs.is_empty(), "{case}");
                if *ours == theirs {
                    compared += 1;
                } else {
                    // Heads that share a budget may differ in number where scores of two heads are equal.
                    assert!(
                        is_a_tie(&scores[layer].heads()[head], ours, &theirs),
                        "{case} {layer} {head}:\n{ours:?}\n{theirs:?}"
                    );
                    ties += 1;
                }
            }
        }
    }
    assert!(compared > 600 && with_scores > 80, "{compared} equal, {ties} ties, {with_scores} scores");
    // Most of them where fewer keys stay than a window has, all of which are worth the same.
    assert!(ties < compared / 3, "{compared} equal, {ties} ties");
}

/// A context of one layer of four query heads over two, of 8 elements, with all that a retention may look at.
struct Context {
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    moments: Option<Moments>,
    rotation: Tensor,
    weights: Tensor,
    output: Tensor,
    repeated: Tensor,
}

impl Context {
    /// Of `n` tokens, made of what `random` gives.
    fn new(retention: &Retention, n: i64, random: impl Fn(&[i64]) -> Tensor) -> Self {
        let needs = retention.needs();
        let queries = random(&[1, 4, n, 8]);
        let rows = n.min(needs.queries as i64);
        Self {
            moments: needs.moments.map(|of| Moments::new(of).and(&queries).unwrap()),
            queries: queries.narrow(2, n - rows, rows),
            keys: random(&[1, 2, n, 8]),
            values: random(&[1, 2, n, 8]),
            rotation: Tensor::eye(8, (Kind::Float, Device::Cpu)),
            weights: random(&[4, n]).abs(),
            output: random(&[6, 4 * 8]),
            repeated: random(&[2, n]).sigmoid(),
        }
    }

    fn scores(&self, retention: &Retention, layer: usize) -> LayerScores {
        let inputs = AttentionInputs::new(&self.queries, &self.keys, &self.values, 0.3).unwrap();
        let context = ContextLayer::new(inputs)
            .of_layer(layer, 7)
            .with_moments(self.moments.as_ref())
            .with_rotation(Some(&self.rotation))
            .with_weights(Some(&self.weights))
            .with_output(Some(&self.output))
            .with_repeated(Some(&self.repeated));
        retention.scores(&context).unwrap()
    }
}

#[test]
fn every_preset_keeps_as_much_as_it_was_asked_whatever_the_context() {
    let registry = RetentionRegistry::builtin();
    for name in registry.presets() {
        for n in [1_i64, 2, 5, 63, 64, 65, 300] {
            for set in ["ratio=0", "ratio=0.5", "ratio=0.99", "keys=1", "keys=40", "keys=1000"] {
                let case = format!("{name} {n} {set}");
                let config = RetentionConfig::preset_in(&registry, name, &[set]).unwrap();
                let retention = config.build().unwrap();
                let context = seeded(n, || {
                    Context::new(&retention, n, |size| Tensor::randn(size, (Kind::Float, Device::Cpu)))
                });
                let scores: Vec<_> = (0..3).map(|layer| context.scores(&retention, layer)).collect();
                let all =
                    scores.iter().flat_map(|layer| layer.heads().iter().chain(layer.factors())).flatten();
                assert!(all.into_iter().all(|score| !score.is_nan()), "{case}");
                let kept = retention.keep(&scores).unwrap();
                let budget = retention.budget().keys(n as usize);
                let count: usize = kept.iter().flatten().map(Vec::len).sum();
                for head in kept.iter().flatten() {
                    assert!(head.is_sorted() && head.iter().all(|&key| key < n as usize), "{case}: {head:?}");
                }
                match name {
                    // Chunks are whole, numbers of a pyramid are rounded, and so is what all heads drop together.
                    "chunkkv_snapkv" | "pyramidkv" => {
                        assert!(count >= 6 && count <= 6 * budget + 6 * 20, "{case}: {count}");
                    }
                    "kvzip" => assert!(count >= 1 && count.abs_diff(6 * budget) < 6, "{case}: {count}"),
                    _ => assert_eq!(count, 6 * budget, "{case}"),
                }
                if set == "ratio=0" {
                    assert_eq!(count, 6 * n as usize, "{case}");
                }
            }
        }
    }
}

#[test]
fn keys_without_any_difference_have_scores() {
    let registry = RetentionRegistry::builtin();
    for name in registry.presets() {
        let retention = RetentionConfig::preset_in(&registry, name, &["keys=10"]).unwrap().build().unwrap();
        let context = Context::new(&retention, 300, |size| Tensor::zeros(size, (Kind::Float, Device::Cpu)));
        let kept = retention.keep(&[context.scores(&retention, 0)]).unwrap();
        assert!(!kept[0][0].is_empty(), "{name}");
        let latest: Vec<usize> = (290..300).collect();
        let by_place = ["random", "streaming_llm", "lagkv", "chunkkv_snapkv"];
        // These keep sinks besides.
        let with_sinks = ["expected_attention", "adakv_expected_attention", "kvzip", "kvzip_uniform"];
        if with_sinks.contains(&name) {
            assert_eq!(kept[0][0], [&[0, 1, 2, 3][..], &latest[4..]].concat(), "{name}");
        } else if !by_place.contains(&name) {
            assert_eq!(kept[0][0], latest, "{name}: of equal keys the later ones");
        }
    }
}

/// A context without what a rule looks at is an error that says what is missing.
#[test]
fn what_was_not_seen_is_named() {
    let registry = RetentionRegistry::builtin();
    let x = Tensor::zeros([1, 2, 9, 4], (Kind::Float, Device::Cpu));
    for (name, missing) in [
        ("expected_attention", "rotation of positions that follow"),
        ("observed_attention", "sums of weights"),
        ("criticalkv_snapkv", "output projection"),
        ("kvzip", "weights of a repetition"),
    ] {
        let retention = RetentionConfig::preset_in(&registry, name, &[""; 0]).unwrap().build().unwrap();
        let context = ContextLayer::new(AttentionInputs::new(&x, &x, &x, 0.3).unwrap());
        let error = retention.scores(&context).unwrap_err().to_string();
        assert!(error.contains(missing) && error.contains("seen while the context was read"), "{error}");
    }
}
