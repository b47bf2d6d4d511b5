//! What several answers to each sample say.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::data::ScoredRows;
use crate::statistics::{Bootstrap, Estimate};
use crate::{Benchmark, FurtherFigure, FurtherFigures, Record, Scale};

/// Figures of a run in which each sample got several answers: `repeats` in `metrics.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    /// How many answers each sample got.
    pub count: usize,
    /// By task, or by task and bucket (`task bucket`) where a task has buckets.
    pub figures: IndexMap<String, RepeatFigures>,
}

/// Figures of samples that got several answers each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatFigures {
    /// The samples.
    pub rows: usize,
    /// The mean score over all answers, `avg@K` of papers; `None` where a mean says nothing.
    pub mean: Option<IntervalFigure>,
    /// By k, `pass@k`: the score of the best of k answers, on average over all choices of k among those that there are. Empty where
    /// there is something between right and wrong.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub pass: IndexMap<usize, IntervalFigure>,
}

/// A figure with its 95 % confidence interval over samples, each with all its answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalFigure {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval; `None` where there is a single sample.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Repeats {
    /// Of `records`; `None` where samples have one answer each. Tasks with a row that cannot be scored are left out.
    #[must_use]
    pub fn of(benchmark: &dyn Benchmark, records: &[Record]) -> Option<Self> {
        let count = records.iter().filter_map(|record| record.repeat).max()? + 1;
        let mut figures = IndexMap::new();
        for task in benchmark.subsets() {
            let of_task = records.iter().filter(|record| record.sample.task == task);
            let Some(groups) = scores(benchmark, of_task) else { continue };
            for (bucket, rows) in groups {
                let label = bucket.map_or_else(|| task.to_owned(), |bucket| format!("{task} {bucket}"));
                let rows: Vec<Vec<f64>> = rows.into_values().collect();
                let mut of_rows = RepeatFigures::of(&rows, benchmark.right_score(task));
                of_rows.mean = of_rows.mean.filter(|_| benchmark.is_mean(task));
                figures.insert(label, of_rows);
            }
        }
        Some(Self { count, figures })
    }
}

impl Repeats {
    /// Of predictions of which several belong to one row; `None` where each row has one. `score` is that of a prediction, `right`
    /// that of a right one; rows without a task are under `all`.
    #[must_use]
    pub fn of_predictions<T>(
        rows: &ScoredRows<T>,
        right: Option<f64>,
        score: impl Fn(&T) -> f64,
    ) -> Option<Self> {
        let mut count = 1;
        let mut tasks: IndexMap<&str, Vec<Vec<f64>>> = IndexMap::new();
        for of_row in rows.by_id().into_values() {
            count = count.max(of_row.len());
            let task = of_row[0].task.as_deref().unwrap_or("all");
            tasks.entry(task).or_default().push(of_row.iter().map(|row| score(&row.score)).collect());
        }
        let figures =
            |(task, rows): (&str, Vec<Vec<f64>>)| (task.to_owned(), RepeatFigures::of(&rows, right));
        (count > 1).then(|| Self { count, figures: tasks.into_iter().map(figures).collect() })
    }
}

impl Repeats {
    /// The table of them, whose figures are within `scale`.
    #[must_use]
    pub fn further(&self, scale: Scale) -> FurtherFigures {
        let count = self.count;
        let pass = self.figures.values().any(|figures| !figures.pass.is_empty());
        let pass = if pass { ", and how often one of k is right (pass@k)" } else { "" };
        let title = format!("Of {count} answers to each row, the mean score (avg@{count}){pass}");
        let mut table = FurtherFigures::new("repeats", &title, scale);
        for (label, figures) in &self.figures {
            for (part, figure) in figures.named(count) {
                let Some(figure) = figure else { continue };
                let shown = FurtherFigure::new(label, Some(&part), Some(figure.value), scale.digits());
                let interval = figure.low.zip(figure.high).map(|(low, high)| [low, high]);
                table.figures.push(FurtherFigure { interval, ..shown });
            }
        }
        table
    }
}

/// The scores of all answers to each sample, by the place of its first row.
type SampleScores = IndexMap<usize, Vec<f64>>;

/// The scores of a task, by bucket; `None` where one cannot be scored.
fn scores<'a>(
    benchmark: &dyn Benchmark,
    records: impl Iterator<Item = &'a Record>,
) -> Option<IndexMap<Option<String>, SampleScores>> {
    let mut groups: IndexMap<Option<String>, SampleScores> = IndexMap::new();
    for record in records {
        let score = benchmark.score(&record.sample, &record.predicted_answer).ok()?;
        let rows = groups.entry(score.bucket.map(std::borrow::Cow::into_owned)).or_default();
        // The answers to a sample stand next to each other.
        let sample = record.index - record.repeat.unwrap_or_default();
        rows.entry(sample).or_default().push(score.value);
    }
    Some(groups)
}

impl RepeatFigures {
    /// Of the scores that the answers to each sample have, as many for each; `right` is that of a right answer, where the others
    /// are worth nothing.
    #[must_use]
    pub fn of(rows: &[Vec<f64>], right: Option<f64>) -> Self {
        let mean = |scores: &Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
        let answers = rows.iter().map(Vec::len).min().unwrap_or_default();
        let pass = right.map(|right| {
            let pass = |scores: &Vec<f64>, k: usize| {
                let is_right = |score: &&f64| (**score - right).abs() < f64::EPSILON * right.abs();
                right * pass_at(k, scores.len(), scores.iter().filter(is_right).count())
            };
            let figure =
                |k| Some((k, IntervalFigure::over(rows.iter().map(|scores| pass(scores, k)).collect())?));
            choices(answers).into_iter().filter_map(figure).collect()
        });
        Self {
            rows: rows.len(),
            mean: IntervalFigure::over(rows.iter().map(mean).collect()),
            pass: pass.unwrap_or_default(),
        }
    }

    /// The figures of `count` answers by their names in papers: `avg@K`, then `pass@k`.
    pub fn named(&self, count: usize) -> impl Iterator<Item = (String, Option<IntervalFigure>)> {
        let pass = self.pass.iter().map(|(k, figure)| (format!("pass@{k}"), Some(*figure)));
        std::iter::once((format!("avg@{count}"), self.mean)).chain(pass)
    }
}

impl IntervalFigure {
    /// The mean of a value for each sample.
    fn over(values: Vec<f64>) -> Option<Self> {
        let Estimate { value, interval, .. } = Bootstrap::default().mean(values)?;
        Some(Self { value, low: interval.map(|it| it.low), high: interval.map(|it| it.high) })
    }
}

/// The powers of two up to `answers`, and that number.
fn choices(answers: usize) -> Vec<usize> {
    let mut choices: Vec<usize> =
        std::iter::successors(Some(1), |k| Some(2 * k)).take_while(|k| *k < answers).collect();
    choices.extend((answers > 0).then_some(answers));
    choices
}

/// The probability that one of `k` answers is right, chosen among `answers` of which `right` are: pass@k, without bias (Chen et
/// al. 2021, "Evaluating Large Language Models Trained on Code", arXiv 2107.03374):
///
/// ```text
/// 1 - C(answers - right, k) / C(answers, k)
/// ```
///
/// ```
/// assert_eq!(sah_bench_core::pass_at(1, 4, 1), 0.25);
/// assert_eq!(sah_bench_core::pass_at(2, 4, 1), 0.5);
/// assert_eq!(sah_bench_core::pass_at(4, 4, 1), 1.0);
/// assert_eq!(sah_bench_core::pass_at(4, 4, 0), 0.0);
/// ```
#[must_use]
pub fn pass_at(k: usize, answers: usize, right: usize) -> f64 {
    let wrong = answers.saturating_sub(right);
    if wrong < k {
        return 1.0;
    }
    // None of the binomials, which grow large.
    1.0 - (wrong + 1..=answers).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::{RepeatFigures, choices, pass_at};

    /// Every choice of k among `answers` is looked at.
    fn counted(k: usize, answers: usize, right: usize) -> f64 {
        let chosen = (0_u32..1 << answers).filter(|set| set.count_ones() as usize == k);
        let (mut all, mut passed) = (0, 0);
        for set in chosen {
            all += 1;
            passed += u32::from(set & ((1 << right) - 1) != 0);
        }
        f64::from(passed) / f64::from(all)
    }

    #[test]
    fn pass_at_k_is_the_share_of_all_choices_that_have_a_right_answer() {
        for answers in 1..=9 {
            for (k, right) in (1..=answers).flat_map(|k| (0..=answers).map(move |right| (k, right))) {
                let (estimate, exact) = (pass_at(k, answers, right), counted(k, answers, right));
                assert!(
                    (estimate - exact).abs() < 1e-12,
                    "{k} of {answers}, {right} right: {estimate} {exact}"
                );
            }
        }
    }

    #[test]
    fn k_goes_by_powers_of_two_to_the_number_of_answers() {
        assert_eq!(choices(1), [1]);
        assert_eq!(choices(4), [1, 2, 4]);
        assert_eq!(choices(6), [1, 2, 4, 6]);
        assert!(choices(0).is_empty());
    }

    #[test]
    fn figures_are_means_over_samples_and_their_intervals_are_of_samples() {
        // Twenty samples that are always right, twenty that never are: repeats say nothing new of them.
        let rows: Vec<Vec<f64>> = (0..40).map(|row| vec![if row < 20 { 100.0 } else { 0.0 }; 16]).collect();
        let figures = RepeatFigures::of(&rows, Some(100.0));
        let mean = figures.mean.unwrap();
        assert_eq!((figures.rows, mean.value), (40, 50.0));
        // 1.96 standard errors of 40 samples are 15.5; of 640 independent answers they would be 3.9.
        assert!(
            (mean.high.unwrap() - 65.0).abs() < 2.6 && (mean.low.unwrap() - 35.0).abs() < 2.6,
            "{mean:?}"
        );
        assert_eq!(figures.pass.keys().copied().collect::<Vec<_>>(), [1, 2, 4, 8, 16]);
        assert!(figures.pass.values().all(|pass| (pass.value - 50.0).abs() < 1e-9), "{figures:?}");

        let one = RepeatFigures::of(&[vec![0.0, 1.0, 0.0, 1.0]], Some(1.0));
        let values: Vec<f64> = one.pass.values().map(|figure| figure.value).collect();
        assert_eq!((one.mean.unwrap().value, one.mean.unwrap().low), (0.5, None));
        for (value, expected) in values.iter().zip([0.5, 5.0 / 6.0, 1.0]) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
        assert!(RepeatFigures::of(&[vec![0.3, 0.4]], None).pass.is_empty());
    }
}
