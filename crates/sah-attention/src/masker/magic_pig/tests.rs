//! Codes, matches and probabilities against the rule, written out on the hyperplanes that were drawn.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::mask::RowRanges;
use crate::seeded::seeded;
use crate::state::RequestState;

fn masker(lsh_l: usize, lsh_k: usize, center: bool) -> MagicPigMasker {
    MagicPigMasker::new(MagicPigConfig { lsh_l, lsh_k, center, seed: 42 }).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().view([-1])).unwrap()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Reference, 8.4: collision probabilities for cosines 0.5, 0 and -0.5, and the ends.
#[test]
fn collisions_have_the_closed_form() {
    let keys = Tensor::ones([1, 1, 3, 4], (Kind::Float, Device::Cpu));
    let inputs = AttentionInputs::new(&keys, &keys, &keys, 1.0).unwrap();
    let table = [
        (2, 3, [0.828_532, 0.578_125, 0.297_668]),
        (8, 75, [0.949_461, 0.254_382, 0.011_367]),
        (8, 8, [0.272_689, 0.030_826, 0.001_219]),
    ];
    for (k, l, want) in table {
        let state = masker(l, k, true).new_state(&inputs, 0).unwrap();
        let got = floats(&state.collision(&Tensor::from_slice(&[0.5, 0.0, -0.5, 1.0, -1.0])).unwrap());
        for (got, want) in got.iter().zip(want.iter().chain(&[1.0, 0.0])) {
            assert!((got - want).abs() < 1e-6, "{k} bits, {l} tables: {got} {want}");
        }
    }
}

/// Reference, 8.4: the first bit is the lowest.
#[test]
fn signs_are_packed_low_bit_first() {
    let signs = Tensor::from_slice(&[-1.0f32, 1.0, -1.0, 1.0, -1.0, 1.0]).view([1, 6]);
    assert_eq!(Vec::<i64>::try_from(pack(&signs, 2).unwrap().view([-1])).unwrap(), [2, 5]);
    let all = pack(&Tensor::ones([1, 64], (Kind::Float, Device::Cpu)), 1).unwrap();
    assert_eq!(all.int64_value(&[0, 0]), -1, "64 bits");
}

/// A later key is longer than all that were seen first.
#[test]
fn what_meets_is_sampled_with_its_probability() {
    let tensor = |heads, count| Tensor::randn([2, heads, count, 6], (Kind::Float, Device::Cpu));
    let (queries, keys) = seeded(6, || (tensor(4, 3), tensor(2, 40)));
    let _ = keys.narrow(2, 35, 1).g_mul_scalar_(5.0);
    let (first_queries, first) = (queries.narrow(2, 0, 1), keys.narrow(2, 0, 31));
    for (l, k, center) in [(5, 3, true), (8, 9, false), (3, 2, false), (40, 17, true), (60, 33, true)] {
        let masker = masker(l, k, center);
        let mut request = RequestState::new(3);
        let mut place = request.layer(0, 0);
        let begin = AttentionInputs::new(&first_queries, &first, &first, 1.0).unwrap();
        let _ = masker.select(&begin, &mut place, Mask::empty(begin.dims().mask_shape())).unwrap();
        let inputs = AttentionInputs::new(&queries, &keys, &keys, 1.0).unwrap();
        let shape = inputs.dims().mask_shape();
        let previous = || Mask::from_ranges(shape, RowRanges::from_fn(3, 40, |_| 2..6).unwrap()).unwrap();
        let weights = masker.select(&inputs, &mut place, previous()).unwrap().to_dense(Device::Cpu).unwrap();

        let tables = place.get::<Tables>().unwrap();
        let codes = tables.query_codes(&inputs).unwrap();
        let lists = by_tensors(&inputs, &previous(), &codes, &tables.codes.view().unwrap()).unwrap();
        let sorted = |indices: Option<Tensor>| indices.map(|indices| indices.sort(-1, true).0);
        let on_host = sorted(tables.matching(&inputs, &previous()).unwrap());
        match (on_host, sorted(lists)) {
            (Some(host), Some(tensors)) => assert!(host.equal(&tensors), "{k} bits: both ways differ"),
            (host, tensors) => assert!(host.is_none() && tensors.is_none()),
        }

        let planes: Vec<Vec<f64>> =
            (0..(l * k) as i64).map(|at| floats(&tables.planes.select(1, at))).collect();
        for (b, h, i) in (0..24).map(|at| (at / 12, at / 3 % 4, at % 3)) {
            let head = keys.get(b).get(h / 2);
            let mean = if center {
                floats(&head.narrow(0, 0, 30).mean_dim([0i64].as_slice(), false, Kind::Double))
            } else {
                vec![0.0; 6]
            };
            let centred =
                |x: &Tensor| -> Vec<f64> { floats(x).iter().zip(&mean).map(|(x, m)| x - m).collect() };
            let length = |x: &[f64]| dot(x, x).sqrt();
            let longest = (0..30).map(|j| length(&centred(&head.get(j)))).fold(0.0, f64::max);
            let mut query = centred(&queries.get(b).get(h).get(i));
            let norm = length(&query);
            for x in &mut query {
                *x /= norm;
            }
            query.push(0.0);
            for j in 0..40 {
                let mut key = centred(&head.get(j));
                let most = longest.max(length(&key));
                let rest = (most * most - dot(&key, &key)).max(0.0).sqrt();
                key.push(rest);
                for x in &mut key {
                    *x /= most;
                }
                let meets = (0..l).any(|t| {
                    planes[t * k..(t + 1) * k].iter().all(|g| (dot(g, &query) > 0.0) == (dot(g, &key) > 0.0))
                });
                let p = 1.0 - dot(&query, &key).clamp(-1.0, 1.0).acos() / std::f64::consts::PI;
                let probability = 1.0 - (1.0 - p.powi(k as i32)).powi(l as i32);
                let want = match j {
                    2..6 => 1.0,
                    j if j > 37 + i => 0.0,
                    _ if meets => probability,
                    _ => 0.0,
                };
                let got = weights.double_value(&[b, h, i, j]);
                assert!((got - want).abs() < 1e-4, "{l} x {k}, row {i}, key {j}: {got} {want}");
            }
        }
    }
}

#[test]
fn parameters_are_checked_and_have_defaults() {
    let config: MagicPigConfig = serde_json::from_str(r#"{"lsh_l": 75, "lsh_k": 8}"#).unwrap();
    assert_eq!(config, MagicPigConfig { lsh_l: 75, lsh_k: 8, center: true, seed: 42 });
    let message = |config| MagicPigMasker::new(config).unwrap_err().to_string();
    assert_eq!(message(MagicPigConfig { lsh_l: 0, ..config }), "lsh_l must be at least 1, got 0");
    assert_eq!(message(MagicPigConfig { lsh_k: 65, ..config }), "lsh_k must be from 1 to 64, got 65");
}
