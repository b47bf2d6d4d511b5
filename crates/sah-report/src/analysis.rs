//! The analysis of one or more runs: every figure with its interval, and the comparisons of its sides.

use indexmap::{IndexMap, IndexSet};
use sah_bench_core::Units;

use crate::comparison::{Comparison, overall_score};
use crate::statistics::{Bootstrap, Estimate, Stratum};
use crate::{Group, Run, Side};

/// What runs say, with confidence intervals.
#[derive(Clone, Debug)]
pub struct Analysis<'a> {
    /// The runs, at least one.
    pub runs: &'a [Run],
    /// What the figures mean: runs of one analysis are of one benchmark.
    pub units: &'a Units,
    /// The attentions of all runs, run after run.
    pub sides: Vec<&'a Side>,
    /// What each side is called: the attention, or `run/attention` where there are several runs.
    pub labels: Vec<String>,
    /// Every group that a side has a figure for, in the benchmark's order.
    pub groups: Vec<Group>,
    /// For each side, the figures.
    pub scores: Vec<Scores>,
    /// Each attention against the baseline of its run, and each run against the first that has the same attention.
    pub comparisons: Vec<Comparison>,
}

/// The figures of one side, with their intervals. Values are those of the benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Of each group that the side has.
    pub groups: IndexMap<Group, Estimate>,
    /// Of each bucket, the mean over the tasks that have rows in it.
    pub buckets: IndexMap<String, Estimate>,
    /// The benchmark's single figure.
    pub overall: Option<Estimate>,
}

impl<'a> Analysis<'a> {
    /// Analyses `runs`, one at least, all of one benchmark.
    ///
    /// # Panics
    ///
    /// Where there is no run.
    #[must_use]
    pub fn new(runs: &'a [Run], bootstrap: &Bootstrap) -> Self {
        let sides: Vec<&Side> = runs.iter().flat_map(|run| &run.sides).collect();
        let groups: IndexSet<Group> =
            sides.iter().flat_map(|side| side.figures()).map(|(group, _)| group).collect();
        let comparisons =
            pairs(runs).into_iter().map(|pair| Comparison::new(&sides, pair, bootstrap)).collect();
        Self {
            units: &runs[0].units,
            runs,
            labels: labels(runs),
            groups: groups.into_iter().collect(),
            scores: sides.iter().map(|side| Scores::new(side, bootstrap)).collect(),
            comparisons,
            sides,
        }
    }

    /// The buckets that a side has a figure for, in order.
    #[must_use]
    pub fn buckets(&self) -> Vec<&str> {
        let buckets: IndexSet<&str> =
            self.groups.iter().filter_map(|group| group.bucket.as_deref()).collect();
        buckets.into_iter().collect()
    }

    /// `other - base` of a comparison.
    #[must_use]
    pub fn name_of(&self, comparison: &Comparison) -> String {
        format!("{} - {}", self.labels[comparison.other], self.labels[comparison.base])
    }
}

impl Scores {
    fn new(side: &Side, bootstrap: &Bootstrap) -> Self {
        // Samples are drawn with all their answers: these are no independent rows.
        let scores = |group: &Group| side.scores_of(group).into_values().collect::<Vec<_>>();
        let figures = side.figures();
        let mut groups = IndexMap::new();
        let mut of_buckets: IndexMap<&str, Vec<&Group>> = IndexMap::new();
        for (group, figure) in &figures {
            if let Some(estimate) = bootstrap.mean(scores(group)) {
                // An interval of the mean says nothing of a figure that is none.
                let interval = estimate.interval.filter(|_| side.is_mean(group));
                groups.insert(group.clone(), Estimate { value: *figure, interval, ..estimate });
            }
            if let Some(bucket) = &group.bucket {
                of_buckets.entry(bucket).or_default().push(group);
            }
        }
        let mean_over = |groups: &[&Group]| {
            let weight = 1.0 / groups.len() as f64;
            let strata: Vec<Stratum> =
                groups.iter().map(|group| Stratum { weight, values: scores(group) }).collect();
            let rows = strata.iter().map(|stratum| stratum.values.len()).sum();
            bootstrap.estimate(&strata, rows)
        };
        let bucket = |(bucket, groups): (&str, Vec<&Group>)| Some((bucket.to_owned(), mean_over(&groups)?));
        let all: Vec<&Group> = figures.iter().map(|(group, _)| group).collect();
        let overall = side.results.metrics.overall_score.and_then(|value| {
            let estimate = mean_over(&all)?;
            let are_means = all.iter().all(|group| side.is_mean(group));
            let interval = estimate.interval.filter(|_| are_means && overall_score(side).is_some());
            Some(Estimate { value, interval, ..estimate })
        });
        Self { groups, buckets: of_buckets.into_iter().filter_map(bucket).collect(), overall }
    }
}

/// Which sides are held against which: an attention against the baseline of its run; that of a later run against the same one
/// of the first run that has it; and where a side has neither, against the first of all.
fn pairs(runs: &[Run]) -> Vec<(usize, usize)> {
    let sides: Vec<(usize, &str)> = runs
        .iter()
        .enumerate()
        .flat_map(|(run, all)| all.sides.iter().map(move |side| (run, side.attention.as_str())))
        .collect();
    let mut within = Vec::new();
    let mut between = Vec::new();
    for (other, (run, attention)) in sides.iter().enumerate() {
        let baseline = sides.iter().position(|(of, _)| of == run).filter(|base| *base != other);
        let same = sides.iter().position(|(of, name)| of < run && name == attention);
        within.extend(baseline.map(|base| (base, other)));
        between.extend(same.map(|base| (base, other)));
        if baseline.is_none() && same.is_none() && other > 0 {
            between.push((0, other));
        }
    }
    within.extend(between);
    within
}

/// What each side is called. Runs of the same name get a number.
fn labels(runs: &[Run]) -> Vec<String> {
    let mut labels = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let same = runs[..at].iter().filter(|other| other.name == run.name).count();
        let name = if same == 0 { run.name.clone() } else { format!("{} ({})", run.name, same + 1) };
        let label = |attention: &String| {
            if runs.len() == 1 { attention.clone() } else { format!("{name}/{attention}") }
        };
        labels.extend(run.sides.iter().map(|side| label(&side.attention)));
    }
    labels
}
