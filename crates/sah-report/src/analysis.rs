//! The analysis of one or more runs: every figure with its interval, and the comparisons of its sides.

use indexmap::{IndexMap, IndexSet};
use sah_bench_core::{FurtherBeside, FurtherFigures, Grid, Units};

use crate::comparison::{Comparison, overall_score};
use crate::margin::{margin_of, mean_over};
use crate::statistics::{Bootstrap, Estimate};
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
    /// Their rows and columns, where the benchmark shows them as a grid.
    pub grid: Option<Grid>,
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
    /// Of each bucket the mean over the tasks that have rows in it; in a map, of each task the mean over its buckets.
    pub margins: IndexMap<String, Estimate>,
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
        let units = &runs[0].units;
        let comparison = |pair| Comparison::new(&sides, units, pair, bootstrap);
        let comparisons = pairs(runs).into_iter().map(comparison).collect();
        let cells = groups.iter().filter_map(|group| Some((group.task.as_str(), group.bucket.as_deref()?)));
        Self {
            units,
            runs,
            labels: labels(runs),
            grid: Grid::new(units, cells),
            groups: groups.into_iter().collect(),
            scores: sides.iter().map(|side| Scores::new(side, units, bootstrap)).collect(),
            comparisons,
            sides,
        }
    }

    /// What tables call a group: in a map the task says what it is, too, as `length 256, depth 50 %`.
    #[must_use]
    pub fn group_name(&self, group: &Group) -> String {
        match (&self.grid, &group.bucket) {
            (Some(Grid { rows, columns, .. }), Some(bucket)) if self.is_map() => {
                format!("{} {}, {} {bucket}", columns.word, group.task, rows.word)
            }
            _ => group.to_string(),
        }
    }

    fn is_map(&self) -> bool {
        self.grid.as_ref().is_some_and(Grid::is_map)
    }

    /// What [`Scores::margins`] are of, in order.
    #[must_use]
    pub fn margins(&self) -> Vec<&str> {
        if let Some(grid) = &self.grid {
            return grid.columns.names.iter().map(String::as_str).collect();
        }
        let margins: IndexSet<&str> =
            self.groups.iter().filter_map(|group| margin_of(self.units, group)).collect();
        margins.into_iter().collect()
    }

    /// What these are in a word, and with its unit.
    #[must_use]
    pub fn margin_names(&self) -> (&str, &str) {
        match &self.grid {
            Some(grid) => (&grid.columns.word, &grid.columns.axis),
            None => (&self.units.bucket, &self.units.bucket_axis),
        }
    }

    /// What the benchmark gives beside its scores, of all sides.
    #[must_use]
    pub fn further(&self) -> Vec<FurtherBeside<'a>> {
        let of_each: Vec<&'a [FurtherFigures]> =
            self.sides.iter().map(|side| side.further.as_slice()).collect();
        FurtherBeside::all(&of_each)
    }

    /// Whether a side has the benchmark's single figure: some benchmarks have none.
    #[must_use]
    pub fn has_overall(&self) -> bool {
        self.scores.iter().any(|scores| scores.overall.is_some())
    }

    /// Of each side, the bytes of the KV cache that its contexts keep, as a share of the bytes that the same tokens take where every
    /// key stays, in the widest format that the model's cache has on any side; where either is not known, there is no share. `None`
    /// where no side saves any.
    #[must_use]
    pub fn cache_shares(&self) -> Option<Vec<Option<f64>>> {
        let whole = |model: &str| {
            let sides = self.sides.iter().filter(|side| side.model() == model);
            sides.filter_map(|side| side.whole_cache_bytes_per_token()).reduce(f64::max)
        };
        let share = |side: &&Side| Some(side.cache_bytes_per_token()? / whole(side.model())?);
        let shares: Vec<Option<f64>> = self.sides.iter().map(share).collect();
        shares.iter().flatten().any(|share| *share < 0.9999).then_some(shares)
    }

    /// `other - base` of a comparison.
    #[must_use]
    pub fn name_of(&self, comparison: &Comparison) -> String {
        format!("{} - {}", self.labels[comparison.other], self.labels[comparison.base])
    }
}

impl Scores {
    fn new(side: &Side, units: &Units, bootstrap: &Bootstrap) -> Self {
        let figures = side.figures();
        let mut groups = IndexMap::new();
        let mut margins: IndexMap<&str, Vec<(&Group, f64)>> = IndexMap::new();
        for (group, figure) in &figures {
            if let Some(estimate) = mean_over(side, &[(group, *figure)], bootstrap) {
                groups.insert(group.clone(), estimate);
            }
            if let Some(margin) = margin_of(units, group) {
                margins.entry(margin).or_default().push((group, *figure));
            }
        }
        let margin = |(margin, groups): (&str, Vec<(&Group, f64)>)| {
            Some((margin.to_owned(), mean_over(side, &groups, bootstrap)?))
        };
        let all: Vec<(&Group, f64)> = figures.iter().map(|(group, figure)| (group, *figure)).collect();
        let overall = side.results.metrics.overall_score.and_then(|value| {
            let estimate = mean_over(side, &all, bootstrap)?;
            let interval = estimate.interval.filter(|_| overall_score(side, units).is_some());
            Some(Estimate { value, interval, ..estimate })
        });
        Self { groups, margins: margins.into_iter().filter_map(margin).collect(), overall }
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
