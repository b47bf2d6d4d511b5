//! The official figures: accuracy overall, by difficulty and by length.

use indexmap::IndexMap;

use crate::{Difficulty, Length};

/// How many answers of each kind are right.
///
/// A figure is `round(100 * right / rows, 1)` of Python, so ties go to the even digit; `None` without rows, where the official
/// `result.py` divides by zero. Answers that are empty are rows, too: the official files leave them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// By difficulty, then by length.
    cells: [[Count; 3]; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    right: usize,
    rows: usize,
}

impl Accuracy {
    /// Counts an answer.
    pub fn add(&mut self, difficulty: Difficulty, length: Length, is_right: bool) {
        let cell = &mut self.cells[difficulty as usize][length as usize];
        cell.rows += 1;
        cell.right += usize::from(is_right);
    }

    /// How many answers were counted.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.cells.iter().flatten().map(|cell| cell.rows).sum()
    }

    /// The share of right answers, from 0 to 100, not rounded.
    #[must_use]
    pub fn exact(&self) -> Option<f64> {
        share(self.cells.iter().flatten())
    }

    /// Over all rows.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        self.exact().map(round_tenths)
    }

    /// Over the rows of a difficulty.
    #[must_use]
    pub fn of_difficulty(&self, difficulty: Difficulty) -> Option<f64> {
        share(&self.cells[difficulty as usize]).map(round_tenths)
    }

    /// Over the rows of a length.
    #[must_use]
    pub fn of_length(&self, length: Length) -> Option<f64> {
        share(self.cells.iter().map(|of_difficulty| &of_difficulty[length as usize])).map(round_tenths)
    }

    /// All figures in the official order, each with its name; `None` for kinds without rows.
    #[must_use]
    pub fn figures(&self) -> IndexMap<&'static str, Option<f64>> {
        let difficulties = Difficulty::ALL.map(|one| (one.name(), self.of_difficulty(one)));
        let lengths = Length::ALL.map(|one| (one.name(), self.of_length(one)));
        std::iter::once(("overall", self.overall())).chain(difficulties).chain(lengths).collect()
    }
}

fn share<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Option<f64> {
    let (mut right, mut rows) = (0, 0);
    for count in counts {
        right += count.right;
        rows += count.rows;
    }
    (rows > 0).then(|| (100 * right) as f64 / rows as f64)
}

/// `round(x, 1)` of Python: the exact binary value decides, as in Rust's formatter, and exact ties go to even.
fn round_tenths(x: f64) -> f64 {
    format!("{x:.1}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of Python 3.11: `round(100 * right / rows, 1)`.
    #[test]
    fn figures_are_rounded_as_python_does() {
        for (right, rows, figure) in [
            (1, 3, 33.3),
            (2, 3, 66.7),
            (1, 16, 6.2),
            (3, 16, 18.8),
            (1, 80, 1.2),
            (3, 80, 3.8),
            (151, 503, 30.0),
        ] {
            let mut accuracy = Accuracy::default();
            for row in 0..rows {
                accuracy.add(Difficulty::Easy, Length::Long, row < right);
            }
            assert_eq!((accuracy.overall(), accuracy.rows()), (Some(figure), rows), "{right} of {rows}");
        }
    }

    #[test]
    fn each_kind_has_a_figure_of_its_own() {
        let mut accuracy = Accuracy::default();
        accuracy.add(Difficulty::Easy, Length::Short, true);
        accuracy.add(Difficulty::Hard, Length::Short, false);
        accuracy.add(Difficulty::Hard, Length::Long, true);
        accuracy.add(Difficulty::Hard, Length::Long, true);
        let figures: Vec<_> = accuracy.figures().into_iter().collect();
        let expected = [
            ("overall", Some(75.0)),
            ("easy", Some(100.0)),
            ("hard", Some(66.7)),
            ("short", Some(50.0)),
            ("medium", None),
            ("long", Some(100.0)),
        ];
        assert_eq!(figures, expected);
        assert_eq!(Accuracy::default().overall(), None);
    }
}
