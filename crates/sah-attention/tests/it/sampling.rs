//! Sampling maskers: what they draw, and that the estimates hold.

use sah_attention::{
    AdaptiveSamplingConfig, AdaptiveSamplingMasker, AttentionInputs, LocalMasker, MagicPigConfig,
    MagicPigMasker, Mask, MaskShape, Masker, RandomSamplingMasker, RequestState, ResearchAttention,
    SinkMasker, Size,
};
use tch::{Device, Kind, Tensor};

use crate::cases::Tensors;
use crate::estimates::{check_unbiased, most_of, shares_off, sums};
use crate::rules::{Entries, Problem, dot, each_entry, vector, visible};

on_devices!(
    random_draws_a_share_of_what_is_left,
    adaptive_draws_from_what_is_left,
    samples_repeat_by_seed_only,
    estimates_are_unbiased,
    adaptive_keeps_its_promise,
    adaptive_bounds,
);

fn adaptive(base: Size, epsilon: f64, delta: f64, init: usize, local: usize) -> AdaptiveSamplingMasker {
    AdaptiveSamplingMasker::new(AdaptiveSamplingConfig {
        base_rate_sampling: base,
        epsilon,
        delta,
        init_offset: Size::Count(init),
        local_offset: Size::Count(local),
    })
    .unwrap()
}

/// Checks that a row adds open keys only, all with one weight `drawn / open`, and gives `(drawn, open)` per row.
fn drawn(problem: &Problem, masker: &dyn Masker, within: std::ops::Range<usize>) -> Vec<(usize, usize)> {
    let weights = Entries::weights(&problem.select(masker));
    let previous = Entries::weights(&problem.previous());
    let row = |row: usize| {
        let (got, before) = (weights.row(row), previous.row(row));
        let open = |key: &usize| {
            before[*key] == 0.0 && within.contains(key) && visible(&problem.shape, problem.window, row, *key)
        };
        let candidates: Vec<usize> = (0..got.len()).filter(open).collect();
        let taken: Vec<f64> = candidates.iter().map(|&key| got[key]).filter(|&weight| weight > 0.0).collect();
        for weight in &taken {
            assert!(
                (weight - taken.len() as f64 / candidates.len() as f64).abs() < 1e-6,
                "row {row}: {weight}"
            );
        }
        for key in (0..got.len()).filter(|key| !open(key)) {
            assert!((got[key] - before[key]).abs() < 1e-6, "row {row}: key {key} was not open");
        }
        (taken.len(), candidates.len())
    };
    (0..weights.rows()).map(row).collect()
}

fn random_draws_a_share_of_what_is_left(device: Device) {
    for seed in 0..40 {
        let problem = Problem::new(seed, 16, device);
        let rate = [0.01, 0.3, 1.0][seed as usize % 3];
        for (count, open) in drawn(&problem, &RandomSamplingMasker::new(rate).unwrap(), 0..problem.shape.keys)
        {
            assert_eq!(count, ((rate * open as f64) as usize).max(1).min(open), "seed {seed}");
        }
    }
    for wrong in [0.0, -0.1, 1.1, f64::NAN] {
        let error = RandomSamplingMasker::new(wrong).unwrap_err().to_string();
        assert!(error.starts_with("sampling_rate must be in (0, 1], got"), "{error}");
    }
}

fn adaptive_draws_from_what_is_left(device: Device) {
    for seed in 0..40 {
        let problem = Problem::new(seed, 16, device);
        let masker = adaptive(Size::Count(5), 0.3, 0.2, 3, 4);
        for (count, open) in drawn(&problem, &masker, 3..problem.shape.keys - 4) {
            assert!(count >= 5.min(open) && count <= open, "seed {seed}: {count} of {open}");
        }
    }
}

fn samples_repeat_by_seed_only(device: Device) {
    let problem = Problem::new(4, 16, device);
    let random = RandomSamplingMasker::new(0.2).unwrap();
    let adaptive = adaptive(Size::Count(9), 0.3, 0.2, 0, 0);
    for masker in [&random as &dyn Masker, &adaptive] {
        let weights =
            |seed| Entries::weights(&problem.select_with(masker, &mut RequestState::new(seed))).values;
        let once = weights(1);
        assert!(once == weights(1) && once != weights(2), "{}", masker.name());
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let three_threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for pool in [one_thread, three_threads] {
            // A tensor may not cross threads; the pool only bounds the threads of what runs inside.
            let masker_name = masker.name();
            let repeated = pool.install(|| {
                let problem = Problem::new(4, 16, device);
                let rebuilt: Box<dyn Masker> = match masker_name {
                    "random_sampling" => Box::new(RandomSamplingMasker::new(0.2).unwrap()),
                    _ => Box::new(self::adaptive(Size::Count(9), 0.3, 0.2, 0, 0)),
                };
                Entries::weights(&problem.select_with(&*rebuilt, &mut RequestState::new(1))).values
            });
            assert!(once == repeated, "{masker_name}");
        }
    }
}

/// A head over `keys` keys, two rows; the exponentials and first values of both rows' keys, 0 where not visible.
struct Sums {
    tensors: Tensors,
    shape: MaskShape,
    exponentials: Entries,
    values: Vec<f64>,
}

impl Sums {
    fn new(keys: usize, spread: f64, device: Device) -> Self {
        let shape = MaskShape { batch: 1, heads: 1, queries: 2, keys };
        let tensors = Tensors::new(shape, 1, 16, 16, 5, device);
        let tensors = Tensors { scale: tensors.scale * spread, ..tensors };
        let mut exponentials =
            each_entry(&tensors, shape, 1, |query, key, _| dot(query, key) * tensors.scale);
        for (at, score) in exponentials.values.iter_mut().enumerate() {
            *score = if visible(&shape, None, at / keys, at % keys) { score.exp() } else { 0.0 };
        }
        let values = (0..keys).map(|key| vector(&tensors.values, 0, 0, key)[0]).collect();
        Self { tensors, shape, exponentials, values }
    }

    fn inputs(&self) -> AttentionInputs<'_> {
        self.tensors.inputs()
    }

    /// For each row the truth, and the estimates by `attention` for every seed.
    fn estimates(&self, attention: &ResearchAttention, seeds: u64) -> [([f64; 2], Vec<[f64; 2]>); 2] {
        let of = |weights: &Entries, row| sums(self.exponentials.row(row), weights.row(row), &self.values);
        let all = Entries::weights(&Mask::full(self.shape));
        let mut rows = [0, 1].map(|row| (of(&all, row), Vec::new()));
        for seed in 0..seeds {
            let mask = attention.select(&self.inputs(), 0, &mut RequestState::new(seed)).unwrap();
            let weights = Entries::weights(&mask);
            for (row, (_, estimates)) in rows.iter_mut().enumerate() {
                estimates.push(of(&weights, row));
            }
        }
        rows
    }
}

/// The standard errors are below 1 % of the denominator, and the reference's error of drawing with replacement is 5 %
/// and more.
fn estimates_are_unbiased(device: Device) {
    let sums = Sums::new(203, 1.0, device);
    let fixed = || -> Vec<Box<dyn Masker>> {
        vec![
            Box::new(SinkMasker::new(Size::Count(3)).unwrap()),
            Box::new(LocalMasker::new(Size::Count(7)).unwrap()),
        ]
    };
    let hashing = MagicPigConfig { lsh_l: 12, lsh_k: 3, center: true, seed: 42 };
    let samplers: [Box<dyn Masker>; 3] = [
        Box::new(RandomSamplingMasker::new(0.1).unwrap()),
        Box::new(adaptive(Size::Count(10), 0.25, 0.3, 3, 6)),
        Box::new(MagicPigMasker::new(hashing).unwrap()),
    ];
    for sampler in samplers {
        let name = sampler.name();
        let mut maskers = fixed();
        maskers.push(sampler);
        let attention = ResearchAttention::new(maskers).unwrap();
        // Hashing every key anew for each seed takes longer.
        let seeds = if name == "magic_pig" { 600 } else { 3000 };
        for (truth, estimates) in sums.estimates(&attention, seeds) {
            let error = check_unbiased(name, truth, &estimates);
            assert!(error < 0.01, "{name}: standard error {error}");
        }
    }
}

/// The share of seeds whose denominator is off by more than epsilon, to either side, is at most delta.
fn adaptive_keeps_its_promise(device: Device) {
    let sums = Sums::new(1500, 0.8, device);
    for (epsilon, delta) in [(0.05, 0.1), (0.1, 0.2)] {
        let masker = adaptive(Size::Count(100), epsilon, delta, 0, 0);
        let attention = ResearchAttention::new(vec![Box::new(masker)]).unwrap();
        let mut off = 0.0_f64;
        for (row, (truth, estimates)) in sums.estimates(&attention, 1000).iter().enumerate() {
            let shares = shares_off(*truth, estimates, epsilon);
            let most = shares[0].max(shares[1]);
            assert!(
                most <= most_of(delta, 1000),
                "epsilon {epsilon}, delta {delta}, row {row}: {shares:?} above and below"
            );
            off = off.max(most);
        }
        // And it does not keep it by reading everything.
        assert!(off > delta / 10.0, "epsilon {epsilon}, delta {delta}: {off}");
    }
}

fn adaptive_bounds(device: Device) {
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 16 };
    let tensors = Tensors::new(shape, 1, 16, 16, 0, device);
    let select = |masker: &AdaptiveSamplingMasker| {
        let mut state = RequestState::new(0);
        masker.select(&tensors.inputs(), &mut state.layer(0, 0), Mask::empty(shape)).unwrap()
    };
    assert!(select(&adaptive(Size::Count(4), 0.1, 0.1, 10, 10)).is_full(), "no key between the offsets");
    assert!(select(&adaptive(Size::Count(4), 0.1, 0.1, 10, 5)).is_full(), "one key between the offsets");
    assert!(select(&adaptive(Size::Count(0), 0.1, 0.1, 2, 3)).is_empty(), "turned off");
    assert!(select(&adaptive(Size::Fraction(0.0), 0.1, 0.1, 2, 3)).is_empty());
    let weights = select(&adaptive(Size::Count(400), 0.1, 0.1, 2, 3)).to_dense(device).unwrap();
    assert!(weights.narrow(3, 2, 11).eq(1.0).all().int64_value(&[]) == 1, "all of 2..13, for certain");
    assert_eq!(weights.sum(Kind::Double).double_value(&[]), 22.0);

    let large = Tensors { keys: &tensors.keys * 1000.0, ..tensors };
    let attention = ResearchAttention::new(vec![Box::new(adaptive(Size::Count(4), 0.1, 0.1, 2, 3))]).unwrap();
    let output: Tensor = attention.attend(&large.inputs(), 0, &mut RequestState::new(0)).unwrap().output;
    assert!(output.isfinite().all().int64_value(&[]) == 1);
}

#[test]
fn adaptive_fields_are_checked() {
    let good = AdaptiveSamplingConfig {
        base_rate_sampling: Size::Fraction(0.1),
        epsilon: 0.1,
        delta: 0.1,
        init_offset: Size::Count(0),
        local_offset: Size::Fraction(1.0),
    };
    let message = |config| AdaptiveSamplingMasker::new(config).unwrap_err().to_string();
    assert!(AdaptiveSamplingMasker::new(good).is_ok());
    assert_eq!(
        message(AdaptiveSamplingConfig { base_rate_sampling: Size::Fraction(1.0), ..good }),
        "base_rate_sampling must be in [0, 1) as a fraction, got 1"
    );
    assert_eq!(
        message(AdaptiveSamplingConfig { init_offset: Size::Fraction(1.5), ..good }),
        "init_offset must be in [0, 1] as a fraction, got 1.5"
    );
    assert_eq!(message(AdaptiveSamplingConfig { epsilon: 1.0, ..good }), "epsilon must be in (0, 1), got 1");
    assert_eq!(message(AdaptiveSamplingConfig { delta: 0.0, ..good }), "delta must be in (0, 1), got 0");
}
