//! From the scores of rows to the score of a task, with the official scorer's arithmetic.

use indexmap::IndexMap;

/// The length buckets of LongBench-E, in words of the context as the data set's `length` column counts them.
pub const BUCKETS: [&str; 3] = ["0-4k", "4-8k", "8k+"];

/// The bucket that a row of this length belongs to.
#[must_use]
pub fn bucket(length: i64) -> &'static str {
    BUCKETS[if length < 4000 {
        0
    } else if length < 8000 {
        1
    } else {
        2
    }]
}

/// `round(100 * sum(scores) / len(scores), 2)` of plain Python: the score of a LongBench task. `None` without rows.
#[must_use]
pub fn task_score(scores: &[f64]) -> Option<f64> {
    // Not `sum()`, which may start from -0.0 or add in another order.
    let total = scores.iter().fold(0.0, |total, score| total + score);
    (!scores.is_empty()).then(|| round_hundredths(100.0 * total / scores.len() as f64))
}

/// `round(100 * numpy.mean(scores), 2)` of each bucket: the scores of a LongBench-E task. `None` for an empty bucket.
///
/// NumPy sums pairwise and rounds by multiplying with 100 first, so its last digit differs from [`task_score`]'s where
/// the mean lies halfway between two hundredths.
#[must_use]
pub fn bucket_scores(rows: impl IntoIterator<Item = (i64, f64)>) -> IndexMap<String, Option<f64>> {
    let mut buckets: IndexMap<&str, Vec<f64>> = BUCKETS.iter().map(|&name| (name, Vec::new())).collect();
    for (length, score) in rows {
        buckets[bucket(length)].push(score);
    }
    let score = |scores: &[f64]| {
        (!scores.is_empty()).then(|| {
            let percent = 100.0 * (pairwise_sum(scores) / scores.len() as f64);
            (percent * 100.0).round_ties_even() / 100.0
        })
    };
    buckets.iter().map(|(&name, scores)| (name.to_owned(), score(scores))).collect()
}

/// The mean of task scores, rounded to hundredths as plain Python does; `None` where there are none.
#[must_use]
pub fn mean_of_scores(scores: &[f64]) -> Option<f64> {
    let total = scores.iter().fold(0.0, |total, score| total + score);
    (!scores.is_empty()).then(|| round_hundredths(total / scores.len() as f64))
}

/// `round(x, 2)` of Python: the exact binary value decides, exact ties go to even.
fn round_hundredths(x: f64) -> f64 {
    // The formatter works on the exact value, too.
    format!("{x:.2}").parse().unwrap_or(x)
}

/// The order in which NumPy adds: eight running sums for up to 128 values, halves for more.
fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if values.len() <= 128 {
        let (eights, rest) = values.as_chunks::<8>();
        let mut sums = eights[0];
        for eight in &eights[1..] {
            for (sum, value) in sums.iter_mut().zip(eight) {
                *sum += value;
            }
        }
        let pair = |i: usize| sums[i] + sums[i + 1];
        let sum = (pair(0) + pair(2)) + (pair(4) + pair(6));
        return rest.iter().fold(sum, |sum, value| sum + value);
    }
    let half = values.len() / 2;
    let (front, back) = values.split_at(half - half % 8);
    pairwise_sum(front) + pairwise_sum(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_at_their_lower_limit() {
        for (length, name) in
            [(0, "0-4k"), (3999, "0-4k"), (4000, "4-8k"), (7999, "4-8k"), (8000, "8k+"), (1_000_000, "8k+")]
        {
            assert_eq!(bucket(length), name, "{length}");
        }
    }

    #[test]
    fn rounding_looks_at_the_exact_value_and_ties_go_to_even() {
        for (x, rounded) in
            [(0.125, 0.12), (0.375, 0.38), (2.675, 2.67), (67.615, 67.61), (1.005, 1.0), (100.0, 100.0)]
        {
            assert_eq!(round_hundredths(x), rounded, "{x}");
        }
    }

    #[test]
    fn an_empty_bucket_has_no_score() {
        let scores = bucket_scores([(10, 1.0), (9000, 0.5), (9001, 0.25)]);
        assert_eq!(serde_json::to_string(&scores).unwrap(), r#"{"0-4k":100.0,"4-8k":null,"8k+":37.5}"#);
        assert_eq!(task_score(&[]), None);
        assert_eq!(mean_of_scores(&[]), None);
    }

    /// Halfway cases go where each of the two official functions takes them; see also the golden file.
    #[test]
    fn standard_and_extended_scores_round_differently() {
        let scores = [0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(task_score(&scores), Some(0.12));
        assert_eq!(bucket_scores(scores.map(|score| (1, score)))["0-4k"], Some(0.12));
        let scores = [1.15, 0.0].map(|percent| percent / 100.0);
        assert_eq!(task_score(&scores), Some(0.57));
        assert_eq!(bucket_scores(scores.map(|score| (1, score)))["0-4k"], Some(0.57));
    }
}
