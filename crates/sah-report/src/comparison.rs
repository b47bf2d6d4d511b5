//! Two sides against each other, figure by figure.

use std::collections::HashMap;

use indexmap::IndexMap;

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
    pub(crate) fn new(sides: &[&Side], (base, other): (usize, usize), bootstrap: &Bootstrap) -> Self {
        let (of_base, of_other) = (sides[base], sides[other]);
        let mut groups = Vec::new();
        let mut strata = Vec::new();
        let mut pairing = Pairing::Paired;
        let mut rows = 0;
        for (group, figure) in of_other.figures() {
            let Some(base_figure) = of_base.figure(&group) else { continue };
            let differences = Differences::new(of_base, of_other, &group);
            rows += differences.rows;
            if differences.pairing == Pairing::Unpaired {
                pairing = Pairing::Unpaired;
            }
            if let Some(estimate) = bootstrap.estimate(&differences.strata, differences.rows) {
                let pairing = differences.pairing;
                groups.push((group, Difference { base: base_figure, other: figure, estimate, pairing }));
            }
            strata.extend(differences.strata);
        }
        let same_groups = [of_base, of_other].iter().all(|side| side.figures().len() == groups.len());
        for stratum in &mut strata {
            stratum.weight /= groups.len() as f64;
        }
        let overall = bootstrap.estimate(&strata, rows).filter(|_| same_groups).and_then(|estimate| {
            let (base, other) = (overall_score(of_base)?, overall_score(of_other)?);
            Some(Difference { base, other, estimate, pairing })
        });
        Self { base, other, groups, overall }
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
pub(crate) fn overall_score(side: &Side) -> Option<f64> {
    let figures = side.figures();
    let mean = figures.iter().map(|(_, figure)| figure).sum::<f64>() / figures.len() as f64;
    // Both are rounded to hundredths.
    side.results.metrics.overall_score.filter(|overall| (overall - mean).abs() < 0.011)
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
