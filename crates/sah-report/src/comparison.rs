//! Two sides against each other, figure by figure.

use std::collections::HashMap;

use indexmap::IndexMap;
use sah_bench_core::Units;

use crate::margin::margin_of;
use crate::side::rounding;
use crate::statistics::{Bootstrap, Estimate, Stratum};
use crate::{Group, Row, RowKey, Side};

/// How the rows of two sides correspond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Both sides answered the same samples: the difference of each row counts.
    Paired,
    /// They answered different ones: the difference of the means counts.
    Unpaired,
}

impl Pairing {
    /// In a word.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Unpaired => "unpaired",
        }
    }
}

/// One figure minus another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The benchmark's figure on the side that is held against.
    pub base: f64,
    /// That on the other side.
    pub other: f64,
    /// Other minus base, from the rows.
    pub estimate: Estimate,
    /// How rows were compared.
    pub pairing: Pairing,
}

/// A side held against another.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The side that is held against, by its number.
    pub base: usize,
    /// The other side.
    pub other: usize,
    /// The groups that both sides have, in the benchmark's order.
    pub groups: Vec<(Group, Difference)>,
    /// The means over those of them that share a bucket, or in a map a task; see [`Scores::margins`](crate::Scores::margins).
    pub margins: IndexMap<String, Difference>,
    /// The difference of the benchmark's single figures; `None` where the two are not means over the same groups.
    pub overall: Option<Difference>,
}

/// A sample with the answers of both sides, where these differ.
#[derive(Clone, Copy, Debug)]
pub struct AnswerPair<'a> {
    /// The row of the base.
    pub base: &'a Row,
    /// That of the other side.
    pub other: &'a Row,
}

impl Comparison {
    pub(crate) fn new(
        sides: &[&Side],
        units: &Units,
        (base, other): (usize, usize),
        bootstrap: &Bootstrap,
    ) -> Self {
        let (of_base, of_other) = (sides[base], sides[other]);
        let mut all = Vec::new();
        for (group, figure) in of_other.figures() {
            let Some(base_figure) = of_base.figure(&group) else { continue };
            let rows = Differences::new(of_base, of_other, &group);
            if let Some(difference) = mean_difference(&[(base_figure, figure, &rows)], bootstrap) {
                all.push((group, difference, rows));
            }
        }
        let mut margins: IndexMap<&str, Vec<Compared<'_>>> = IndexMap::new();
        for (group, difference, rows) in &all {
            if let Some(margin) = margin_of(units, group) {
                margins.entry(margin).or_default().push((difference.base, difference.other, rows));
            }
        }
        let margin = |(margin, compared): (&str, Vec<Compared<'_>>)| {
            Some((margin.to_owned(), mean_difference(&compared, bootstrap)?))
        };
        let margins = margins.into_iter().filter_map(margin).collect();
        let same_groups = [of_base, of_other].iter().all(|side| side.figures().len() == all.len());
        let compared: Vec<Compared<'_>> =
            all.iter().map(|(_, difference, rows)| (difference.base, difference.other, rows)).collect();
        let overall = mean_difference(&compared, bootstrap).filter(|_| same_groups).and_then(|mean| {
            let (base, other) = (overall_score(of_base, units)?, overall_score(of_other, units)?);
            Some(Difference { base, other, ..mean })
        });
        let groups = all.into_iter().map(|(group, difference, _)| (group, difference)).collect();
        Self { base, other, groups, margins, overall }
    }

    /// The samples that both sides answered, in different words: those whose scores differ most first.
    #[must_use]
    pub fn answers_that_differ<'a>(&self, sides: &[&'a Side]) -> Vec<AnswerPair<'a>> {
        let (base, other) = (sides[self.base], sides[self.other]);
        let by_key: HashMap<(&RowKey, usize), &Row> =
            base.rows.iter().map(|row| ((&row.key, row.repeat), row)).collect();
        let pair =
            |other: &'a Row| Some(AnswerPair { base: *by_key.get(&(&other.key, other.repeat))?, other });
        let mut pairs: Vec<AnswerPair<'a>> = other.rows.iter().filter_map(pair).collect();
        pairs.retain(|pair| pair.base.answer != pair.other.answer);
        pairs.sort_by(|one, two| {
            two.difference()
                .abs()
                .total_cmp(&one.difference().abs())
                .then(one.base.index.cmp(&two.base.index))
        });
        pairs
    }
}

impl AnswerPair<'_> {
    /// The score of the other side minus that of the base.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.other.score - self.base.score
    }
}

/// The benchmark's single figure, where it is the mean over all its figures, as intervals are made.
pub(crate) fn overall_score(side: &Side, units: &Units) -> Option<f64> {
    let figures = side.figures();
    let mean = figures.iter().map(|(_, figure)| figure).sum::<f64>() / figures.len() as f64;
    // Both are rounded.
    side.results.metrics.overall_score.filter(|overall| (overall - mean).abs() < rounding(units.score))
}

/// The figures of both sides and the rows behind them.
type Compared<'a> = (f64, f64, &'a Differences);

/// The mean of differences, each counting the same.
fn mean_difference(compared: &[Compared<'_>], bootstrap: &Bootstrap) -> Option<Difference> {
    let weight = 1.0 / compared.len() as f64;
    let weighted = |stratum: &Stratum| Stratum { weight: stratum.weight * weight, ..stratum.clone() };
    let strata: Vec<Stratum> =
        compared.iter().flat_map(|(.., rows)| rows.strata.iter().map(weighted)).collect();
    let is_paired = compared.iter().all(|(.., rows)| rows.pairing == Pairing::Paired);
    Some(Difference {
        base: compared.iter().map(|(base, ..)| base * weight).sum(),
        other: compared.iter().map(|(_, other, _)| other * weight).sum(),
        estimate: bootstrap.estimate(&strata, compared.iter().map(|(.., rows)| rows.rows).sum())?,
        pairing: if is_paired { Pairing::Paired } else { Pairing::Unpaired },
    })
}

/// What the difference of two means is made of.
struct Differences {
    strata: Vec<Stratum>,
    pairing: Pairing,
    rows: usize,
}

impl Differences {
    fn new(base: &Side, other: &Side, group: &Group) -> Self {
        let (of_base, of_other) = (base.scores_of(group), other.scores_of(group));
        let rows = of_base.len().min(of_other.len());
        let pairs = of_other.iter().filter_map(|(key, score)| Some(score - of_base.get(*key)?));
        let differences: Vec<f64> = pairs.collect();
        if differences.len() == of_base.len() && differences.len() == of_other.len() {
            let strata = vec![Stratum { weight: 1.0, values: differences }];
            return Self { strata, pairing: Pairing::Paired, rows };
        }
        let scores = |of: IndexMap<&RowKey, f64>| of.into_values().collect();
        let strata = vec![
            Stratum { weight: 1.0, values: scores(of_other) },
            Stratum { weight: -1.0, values: scores(of_base) },
        ];
        Self { strata, pairing: Pairing::Unpaired, rows }
    }
}
