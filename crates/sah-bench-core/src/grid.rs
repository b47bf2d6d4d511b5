//! The figures of tasks and buckets as rows and columns.

use indexmap::IndexSet;

use crate::{Layout, TaskScore, Units};

/// Which rows and columns the figures of a benchmark have where they are a grid: [`Layout::Across`] and [`Layout::Map`].
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Rows: tasks, or in a map buckets.
    pub rows: GridSide,
    /// Columns: buckets, or in a map tasks.
    pub columns: GridSide,
    is_map: bool,
}

/// The rows or the columns of a [`Grid`].
#[derive(Clone, Debug, PartialEq)]
pub struct GridSide {
    /// What they are, in a word: `length`.
    pub word: String,
    /// The same with its unit.
    pub axis: String,
    /// Their names, in order.
    pub names: Vec<String>,
}

impl Grid {
    /// The grid of figures of these tasks and buckets. `None` where `units` ask for a list, and where there is one bucket only, in which
    /// tasks are a list as well.
    #[must_use]
    pub fn new<'a>(units: &Units, cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let (tasks, buckets): (IndexSet<&str>, IndexSet<&str>) = cells.into_iter().unzip();
        let names = |names: IndexSet<&str>| in_order(names.into_iter().map(str::to_owned).collect());
        let of_buckets =
            GridSide { word: units.bucket.clone(), axis: units.bucket_axis.clone(), names: names(buckets) };
        let of_tasks = |word: &str, axis: &str| GridSide {
            word: word.to_owned(),
            axis: axis.to_owned(),
            names: names(tasks),
        };
        match &units.layout {
            Layout::Across { .. } if of_buckets.names.len() > 1 => {
                Some(Self { rows: of_tasks("task", "task"), columns: of_buckets, is_map: false })
            }
            Layout::Map { task, task_axis } if !of_buckets.names.is_empty() => {
                Some(Self { rows: of_buckets, columns: of_tasks(task, task_axis), is_map: true })
            }
            Layout::List | Layout::Across { .. } | Layout::Map { .. } => None,
        }
    }

    /// The grid of the scores of some attentions.
    #[must_use]
    pub fn of_scores<'a>(
        units: &Units,
        scores: impl IntoIterator<Item = (&'a String, &'a TaskScore)>,
    ) -> Option<Self> {
        let cells = scores.into_iter().flat_map(|(task, score)| {
            let buckets = if let TaskScore::Buckets(buckets) = score { Some(buckets.keys()) } else { None };
            buckets.into_iter().flatten().map(move |bucket| (task.as_str(), bucket.as_str()))
        });
        Self::new(units, cells.collect::<Vec<_>>())
    }

    /// Whether it is shown as a heat map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.is_map
    }

    /// The task and the bucket of a cell.
    #[must_use]
    pub fn cell<'a>(&self, row: &'a str, column: &'a str) -> (&'a str, &'a str) {
        if self.is_map { (column, row) } else { (row, column) }
    }
}

/// From the smallest on where all begin with a number, else as they are.
fn in_order(mut names: Vec<String>) -> Vec<String> {
    let number = |name: &String| name.split(' ').next()?.parse::<f64>().ok();
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|one, two| number(one).partial_cmp(&number(two)).unwrap_or(std::cmp::Ordering::Equal));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: [(&str, &str); 3] = [("vt", "1024"), ("qa", "512"), ("qa", "1024")];

    #[test]
    fn numbers_rise_and_names_stay() {
        let units = Units { layout: Layout::Across { threshold: None }, ..Units::default() };
        let grid = Grid::new(&units, CELLS).unwrap();
        assert_eq!(
            (grid.rows.names.clone(), grid.columns.names.clone()),
            (vec!["vt".to_owned(), "qa".to_owned()], vec!["512".to_owned(), "1024".to_owned()])
        );
        assert_eq!((grid.columns.word.as_str(), grid.cell("vt", "512")), ("length", ("vt", "512")));
        assert_eq!(Grid::new(&units, [("vt", "512"), ("qa", "512")]), None);
        assert_eq!(Grid::new(&Units::default(), CELLS), None);
    }

    #[test]
    fn a_map_has_its_tasks_across() {
        let layout = Layout::Map { task: "length".to_owned(), task_axis: "length in tokens".to_owned() };
        let units = Units { bucket: "depth".to_owned(), layout, ..Units::default() };
        let grid = Grid::new(&units, [("512", "100 %"), ("256", "0 %"), ("256", "50 %")]).unwrap();
        assert_eq!(
            (grid.rows.word.as_str(), grid.rows.names.join(",").as_str()),
            ("depth", "0 %,50 %,100 %")
        );
        assert_eq!(
            (grid.columns.names.join(","), grid.cell("0 %", "256")),
            ("256,512".to_owned(), ("256", "0 %"))
        );
        assert!(grid.is_map());
    }
}
