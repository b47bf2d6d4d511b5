//! The plain form of what maskers do, on numbers in `f64`: no state, no blocks, no shared heads.

use sah_attention::{AttentionInputs, Mask, MaskShape, Masker, RequestState};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, random_mask};

/// Numbers of every entry `[B, H, Q, K]`.
pub(crate) struct Entries {
    pub(crate) shape: MaskShape,
    pub(crate) values: Vec<f64>,
}

impl Entries {
    pub(crate) fn of(shape: MaskShape, tensor: &Tensor) -> Self {
        let values = tensor.to_kind(Kind::Double).contiguous().view([-1]).to_device(Device::Cpu);
        Self { shape, values: Vec::try_from(values).unwrap() }
    }

    /// Weights of a mask.
    pub(crate) fn weights(mask: &Mask) -> Self {
        Self::of(*mask.shape(), &mask.to_dense(Device::Cpu).unwrap())
    }

    /// The `K` values of a row; rows count through batch, head and query.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.shape.keys..(row + 1) * self.shape.keys]
    }

    pub(crate) fn rows(&self) -> usize {
        self.shape.batch * self.shape.heads * self.shape.queries
    }
}

/// One vector of a `[B, heads, N, D]` tensor.
pub(crate) fn vector(tensor: &Tensor, b: usize, head: usize, at: usize) -> Vec<f64> {
    let vector = tensor.get(b as i64).get(head as i64).get(at as i64);
    Vec::try_from(vector.to_kind(Kind::Double).contiguous().to_device(Device::Cpu)).unwrap()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What a row may read: up to its position, within the window.
pub(crate) fn visible(shape: &MaskShape, window: Option<usize>, row: usize, key: usize) -> bool {
    let position = shape.keys - shape.queries + row % shape.queries;
    key <= position && window.is_none_or(|window| key + window > position)
}

/// `score(query, key, (b, h, i, j))` for every entry, with the query head's key head.
pub(crate) fn each_entry(
    tensors: &Tensors,
    shape: MaskShape,
    kv_heads: usize,
    score: impl Fn(&[f64], &[f64], [usize; 4]) -> f64,
) -> Entries {
    let group = shape.heads / kv_heads;
    let mut values = Vec::new();
    for b in 0..shape.batch {
        for h in 0..shape.heads {
            let keys: Vec<_> = (0..shape.keys).map(|j| vector(&tensors.keys, b, h / group, j)).collect();
            for i in 0..shape.queries {
                let query = vector(&tensors.queries, b, h, i);
                values.extend(keys.iter().enumerate().map(|(j, key)| score(&query, key, [b, h, i, j])));
            }
        }
    }
    Entries { shape, values }
}

/// Whether `mask` is `previous` and, per row, the `count` best visible keys outside of it. Keys whose scores are within
/// `tolerance` of the border may be on either side of it.
pub(crate) fn check_top_k(
    mask: &Mask,
    previous: &Entries,
    scores: &Entries,
    window: Option<usize>,
    count: usize,
    tolerance: f64,
) {
    let weights = Entries::weights(mask);
    for row in 0..weights.rows() {
        let (got, before, scores) = (weights.row(row), previous.row(row), scores.row(row));
        let (mut added, mut left) = (Vec::new(), Vec::new());
        for key in 0..got.len() {
            if before[key] > 0.0 || !visible(&weights.shape, window, row, key) {
                assert!((got[key] - before[key]).abs() < 1e-6, "row {row}: key {key} was not open");
            } else if got[key] > 0.0 {
                assert!(got[key] == 1.0, "row {row}: key {key} has weight {}", got[key]);
                added.push(scores[key]);
            } else {
                left.push(scores[key]);
            }
        }
        assert_eq!(added.len(), count.min(added.len() + left.len()), "row {row}: number of keys");
        let worst = added.iter().copied().fold(f64::INFINITY, f64::min);
        let best = left.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(worst >= best - tolerance, "row {row}: took {worst}, left {best}");
    }
}

/// Whether `mask` is `previous` and, per row, the fewest visible keys with which it holds more than `top_p` of the
/// attention.
pub(crate) fn check_top_p(
    mask: &Mask,
    previous: &Entries,
    scores: &Entries,
    window: Option<usize>,
    top_p: f64,
) {
    let weights = Entries::weights(mask);
    for row in 0..scores.rows() {
        let (got, before, scores) = (weights.row(row), previous.row(row), scores.row(row));
        let seen = |key: &usize| visible(&weights.shape, window, row, *key);
        let keys: Vec<usize> = (0..got.len()).filter(seen).collect();
        let highest = keys.iter().map(|&key| scores[key]).fold(f64::NEG_INFINITY, f64::max);
        let all: f64 = keys.iter().map(|&key| (scores[key] - highest).exp()).sum();
        let probability = |key: usize| (scores[key] - highest).exp() / all;
        let held = |weights: &[f64]| -> f64 {
            keys.iter().filter(|&&key| weights[key] > 0.0).map(|&key| probability(key)).sum()
        };
        let (held_before, held_after) = (held(before), held(got));
        assert!(held_after > top_p - 1e-6, "row {row}: {held_after} of {top_p}");
        let added = keys.iter().filter(|&&key| before[key] == 0.0 && got[key] > 0.0);
        let least = added.map(|&key| probability(key)).fold(f64::INFINITY, f64::min);
        let spare =
            if least.is_finite() { held_after - least <= top_p + 1e-6 } else { held_after == held_before };
        assert!(spare, "row {row}: {held_after} without {least} is above {top_p}");
        let open = keys.iter().filter(|&&key| got[key] == 0.0);
        let best = open.map(|&key| probability(key)).fold(0.0, f64::max);
        assert!(!least.is_finite() || best <= least + 1e-6, "row {row}: left {best}, took {least}");
        for key in (0..got.len()).filter(|key| before[*key] > 0.0 || !seen(key)) {
            assert!((got[key] - before[key]).abs() < 1e-6, "row {row}: key {key} was not open");
        }
    }
}

/// A random problem: shape, tensors and what an earlier masker chose.
pub(crate) struct Problem {
    pub(crate) shape: MaskShape,
    pub(crate) kv_heads: usize,
    pub(crate) tensors: Tensors,
    pub(crate) window: Option<usize>,
    cap: Option<f64>,
    pub(crate) form: Option<Form>,
    seed: u64,
    device: Device,
}

impl Problem {
    /// `Q` of 1 to 8, several ratios of heads, all forms of an earlier selection but a full one, sometimes a window or a
    /// soft cap.
    pub(crate) fn new(seed: u64, d: usize, device: Device) -> Self {
        let mut random = Random::new(seed);
        let kv_heads = random.choose(&[1, 2, 3]);
        let queries = random.choose(&[1, 1, 2, 5, 8]);
        let keys = queries + random.choose(&[40, 63, 101, 160]);
        let shape = MaskShape {
            batch: random.choose(&[1, 1, 2]),
            heads: kv_heads * random.choose(&[1, 2, 3]),
            queries,
            keys,
        };
        let forms = [
            None,
            Some(Form::Ranges),
            Some(Form::List),
            Some(Form::Weighted),
            Some(Form::RangesAndWeighted),
            Some(Form::RangesAndPages),
            Some(Form::RangesAndBlocks),
        ];
        let window = (random.within(0..4) == 0).then(|| random.within(1..keys));
        Self {
            shape,
            kv_heads,
            tensors: Tensors::new(shape, kv_heads, d, d, seed, device),
            window,
            cap: (random.within(0..4) == 0).then_some(2.0),
            form: random.choose(&forms),
            seed,
            device,
        }
    }

    pub(crate) fn inputs(&self) -> AttentionInputs<'_> {
        self.tensors.inputs().with_window(self.window).unwrap().with_soft_cap(self.cap).unwrap()
    }

    /// Scores as the layer computes them: scaled, and capped where it caps them.
    pub(crate) fn exact_scores(&self) -> Entries {
        each_entry(&self.tensors, self.shape, self.kv_heads, |query, key, _| {
            let score = dot(query, key) * self.tensors.scale;
            self.cap.map_or(score, |cap| cap * (score / cap).tanh())
        })
    }

    /// The same every time.
    pub(crate) fn previous(&self) -> Mask {
        match self.form {
            None => Mask::empty(self.shape),
            Some(form) => random_mask(self.shape, form, &mut Random::new(self.seed + 9), self.device),
        }
    }

    pub(crate) fn select(&self, masker: &dyn Masker) -> Mask {
        self.select_with(masker, &mut RequestState::new(self.seed))
    }

    pub(crate) fn select_with(&self, masker: &dyn Masker, state: &mut RequestState) -> Mask {
        masker.select(&self.inputs(), &mut state.layer(1, 0), self.previous()).unwrap()
    }
}
