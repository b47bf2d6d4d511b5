//! Codes and scores against the rule, written out on the trained centroids.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::seeded::seeded;
use crate::state::RequestState;

const KEYS: usize = 90;

fn config(metric: PqMetric) -> PqCacheConfig {
    PqCacheConfig {
        heavy_size: Size::Count(12),
        pq_group_factor: 2,
        pq_bits: 4,
        kmeans_iter: 6,
        init_offset: 3,
        metric,
    }
}

fn tensor(heads: i64, count: usize) -> Tensor {
    let size = [2, heads, count as i64, 8];
    seeded(count as i64, || Tensor::randn(size, (Kind::Float, Device::Cpu)))
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().view([-1])).unwrap()
}

/// Trained on 3..75, and followed to 90 in two steps.
fn followed(queries: &Tensor, keys: &Tensor, masker: &PqCacheMasker) -> Encoded {
    let first = keys.narrow(2, 0, 80);
    let inputs = AttentionInputs::new(queries, &first, &first, 0.5).unwrap();
    let mut codes = masker.new_state(&inputs, 4).unwrap();
    codes.follow(&inputs).unwrap();
    codes.follow(&AttentionInputs::new(queries, keys, keys, 0.5).unwrap()).unwrap();
    codes
}

#[test]
fn codes_are_the_nearest_centroids() {
    let (queries, keys) = (tensor(6, 5), tensor(3, KEYS));
    let codes = followed(&queries, &keys, &PqCacheMasker::new(config(PqMetric::Euclidean)).unwrap());
    assert_eq!(codes.codebook.trained(), 75);
    let found = codes.codes.view().unwrap();
    for (b, h, part, key) in [(0, 0, 0, 0), (0, 2, 1, 74), (1, 1, 0, 75), (1, 2, 1, 89), (0, 1, 1, 80)] {
        let vector = floats(&keys.get(b).get(h).get(key).narrow(0, part * 4, 4));
        let centroids = floats(&codes.centroids.get(b).get(h).get(part).transpose(0, 1));
        let distance = |row: &[f64]| row.iter().zip(&vector).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let distances: Vec<f64> = centroids.chunks_exact(4).map(distance).collect();
        let best = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let code = found.int64_value(&[b, h, part, key]);
        assert!(distances[code as usize] < best + 1e-5, "{distances:?} {code}");
    }
}

/// Training keys get an element that makes all of them equally long; later ones a zero.
#[test]
fn inner_product_codes_follow_the_longer_vectors() {
    let (queries, keys) = (tensor(3, 5), tensor(3, KEYS));
    let codes = followed(&queries, &keys, &PqCacheMasker::new(config(PqMetric::Ip)).unwrap());
    let inputs = AttentionInputs::new(&queries, &keys, &keys, 0.5).unwrap();
    let at_once = codes.codebook.encode(&inputs, 0..KEYS).unwrap();
    assert!(at_once.equal(&codes.codes.view().unwrap()), "in blocks or at once");
    // The same keys as later ones are longer by nothing, and so are other codes.
    let again = Tensor::cat(&[&keys.narrow(2, 0, 75), &keys.narrow(2, 60, 15)], 2);
    let inputs = AttentionInputs::new(&queries, &again, &again, 0.5).unwrap();
    let later = codes.codebook.encode(&inputs, 75..90).unwrap();
    assert!(!later.equal(&at_once.narrow(3, 60, 15)));
    assert_eq!(codes.centroids.size(), [2, 3, 2, 4, 16], "without the element that was added");
}

#[test]
fn scores_are_sums_over_centroids_and_the_best_are_taken() {
    for metric in [PqMetric::Euclidean, PqMetric::Ip] {
        let masker = PqCacheMasker::new(config(metric)).unwrap();
        let (queries, keys) = (tensor(6, 5), tensor(3, KEYS));
        let inputs = AttentionInputs::new(&queries, &keys, &keys, 0.5).unwrap();
        let codes = followed(&queries, &keys, &masker);
        let scores = codes.scores(&inputs, 1..4).unwrap();
        let found = codes.codes.view().unwrap();
        for (b, h, i, j) in [(0, 0, 1, 0), (1, 5, 3, 89), (0, 3, 2, 40), (1, 2, 1, 77)] {
            let query = floats(&queries.get(b).get(h).get(i));
            let part = |part: i64| {
                let code = found.int64_value(&[b, h / 2, part, j]);
                let centroid = floats(&codes.centroids.get(b).get(h / 2).get(part).select(1, code));
                centroid.iter().zip(&query[part as usize * 4..]).map(|(c, q)| c * q).sum::<f64>()
            };
            let want = 0.5 * (part(0) + part(1));
            assert!((scores.double_value(&[b, h, i - 1, j]) - want).abs() < 1e-5);
        }

        let mut request = RequestState::new(0);
        let mut place = request.layer(0, 0);
        place.set(codes);
        let empty = Mask::empty(inputs.dims().mask_shape());
        let weights = masker.select(&inputs, &mut place, empty).unwrap().to_dense(Device::Cpu).unwrap();
        for row in 1..4_i64 {
            let open = scores.select(2, row - 1).narrow(2, 3, 86 + row - 3);
            let (best, _) = open.topk(12, -1, true, true);
            let taken = weights.select(2, row).narrow(2, 3, 86 + row - 3);
            assert!(
                taken.sum_dim_intlist([-1i64].as_slice(), false, Kind::Int64).eq(12).all().int64_value(&[])
                    == 1
            );
            let worst = open.masked_fill(&taken.eq(0.0), f64::INFINITY).amin([-1i64].as_slice(), false);
            assert!(worst.ge_tensor(&best.select(2, 11)).all().int64_value(&[]) == 1);
            assert_eq!(
                weights.select(2, row).narrow(2, 0, 3).sum(Kind::Int64).int64_value(&[]),
                0,
                "init_offset"
            );
        }
    }
}

#[test]
fn parameters_are_checked() {
    let good = config(PqMetric::Euclidean);
    let message = |config| PqCacheMasker::new(config).unwrap_err().to_string();
    assert_eq!(message(PqCacheConfig { pq_bits: 9, ..good }), "pq_bits must be from 1 to 8, got 9");
    assert_eq!(
        message(PqCacheConfig { pq_group_factor: 0, ..good }),
        "pq_group_factor must be at least 1, got 0"
    );
    assert_eq!(message(PqCacheConfig { kmeans_iter: 0, ..good }), "kmeans_iter must be at least 1, got 0");
    let (queries, keys) = (tensor(2, 1), tensor(2, KEYS));
    let inputs = AttentionInputs::new(&queries, &keys, &keys, 1.0).unwrap();
    let select = |config, keys: &AttentionInputs<'_>| {
        let empty = Mask::empty(keys.dims().mask_shape());
        PqCacheMasker::new(config).unwrap().select(keys, &mut RequestState::new(0).layer(0, 0), empty)
    };
    let odd = select(PqCacheConfig { pq_group_factor: 3, ..good }, &inputs).unwrap_err().to_string();
    assert_eq!(odd, "`pq_cache`: pq_group_factor must be a divisor of the 8 elements of a key, got 3");
    // 12 + 3 + 1 + 16 = 32 keys are too few to leave anything out.
    let first = keys.narrow(2, 0, 32);
    assert!(select(good, &AttentionInputs::new(&queries, &first, &first, 1.0).unwrap()).unwrap().is_full());
    let first = keys.narrow(2, 0, 33);
    assert!(!select(good, &AttentionInputs::new(&queries, &first, &first, 1.0).unwrap()).unwrap().is_full());
}
