//! Figures of a benchmark beside the scores of its tasks.

use serde_json::Value;

use crate::{Layout, Scale};

/// A table of figures that a benchmark gives beside the scores of its tasks: parts of the rows, other metrics, means of another kind.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherFigures {
    /// One word, which files are called by: `accuracy`.
    pub name: String,
    /// What the figures are, without a full stop.
    pub title: String,
    /// Their range.
    pub scale: Scale,
    /// How they are shown. With [`Layout::Map`], each figure has a part.
    pub layout: Layout,
    /// The figures, in order.
    pub figures: Vec<FurtherFigure>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherFigure {
    /// What it is: of a task, the task.
    pub name: String,
    /// Which of several under this name.
    pub part: Option<String>,
    /// The figure; `None` where there is nothing to make one of.
    pub value: Option<f64>,
    /// Its 95 % confidence interval, from low to high, where the benchmark knows one.
    pub interval: Option<[f64; 2]>,
    /// Decimals that tables show.
    pub digits: usize,
}

/// The same table of several attentions.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherBeside<'a> {
    /// That of the first attention that has it: name, title, scale and layout.
    pub table: &'a FurtherFigures,
    /// Of each attention; `None` where it has none.
    pub of_each: Vec<Option<&'a FurtherFigures>>,
}

impl<'a> FurtherBeside<'a> {
    /// Every table that one of the attentions has, given all of each, in the order of the first that has it.
    #[must_use]
    pub fn all(tables_of_each: &[&'a [FurtherFigures]]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (number, tables) in tables_of_each.iter().enumerate() {
            for table in *tables {
                let at = all.iter().position(|beside| beside.table.name == table.name);
                let at = at.unwrap_or_else(|| {
                    all.push(Self { table, of_each: vec![None; tables_of_each.len()] });
                    all.len() - 1
                });
                all[at].of_each[number] = Some(table);
            }
        }
        all
    }

    /// Every figure that one of them has, once.
    #[must_use]
    pub fn lines(&self) -> Vec<&'a FurtherFigure> {
        let mut lines: Vec<&FurtherFigure> = Vec::new();
        for figure in self.of_each.iter().flatten().flat_map(|table| &table.figures) {
            if !lines.iter().any(|line| line.name == figure.name && line.part == figure.part) {
                lines.push(figure);
            }
        }
        lines
    }

    /// The figure that stands in a line under the attention of this number.
    #[must_use]
    pub fn find(&self, number: usize, line: &FurtherFigure) -> Option<&'a FurtherFigure> {
        self.of_each[number]?.find(&line.name, line.part.as_deref())
    }

    /// Whether it is shown as heat maps.
    #[must_use]
    pub fn is_map(&self) -> bool {
        matches!(self.table.layout, Layout::Map { .. })
    }

    /// The head of its first column: `over lengths (0 to 100)`.
    #[must_use]
    pub fn head(&self) -> String {
        format!("{} ({})", self.table.name.replace('_', " "), self.table.scale.text())
    }
}

impl FurtherFigures {
    /// A table without figures yet. `name`, `title` and `scale` are its fields.
    #[must_use]
    pub fn new(name: &str, title: &str, scale: Scale) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            scale,
            layout: Layout::List,
            figures: Vec::new(),
        }
    }

    /// With one more, which has as many decimals as its scale; see [`FurtherFigures::with_digits`].
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<f64>) -> Self {
        self.figures.push(FurtherFigure::new(name, None, value, self.scale.digits()));
        self
    }

    /// With those that `metrics.json` has under a key: an object of figures, or an object of such objects, whose keys are the parts.
    /// Null is a figure that is missing; what is no figure is left out.
    #[must_use]
    pub fn with_stored(mut self, stored: Option<&Value>) -> Self {
        for (name, value) in stored.and_then(Value::as_object).into_iter().flatten() {
            match value {
                Value::Object(parts) => {
                    for (part, value) in parts.iter().filter(|(_, value)| is_figure(value)) {
                        let digits = self.scale.digits();
                        self.figures.push(FurtherFigure::new(name, Some(part), value.as_f64(), digits));
                    }
                }
                value if is_figure(value) => self = self.with(name, value.as_f64()),
                _ => {}
            }
        }
        self
    }

    /// With so many decimals of each figure.
    #[must_use]
    pub fn with_digits(mut self, digits: usize) -> Self {
        self.figures.iter_mut().for_each(|figure| figure.digits = digits);
        self
    }

    /// The table, or nothing where it has no figure.
    #[must_use]
    pub fn unless_empty(self) -> Option<Self> {
        self.figures.iter().any(|figure| figure.value.is_some()).then_some(self)
    }

    /// The figure of this name and part.
    #[must_use]
    pub fn find(&self, name: &str, part: Option<&str>) -> Option<&FurtherFigure> {
        self.figures.iter().find(|figure| figure.name == name && figure.part.as_deref() == part)
    }
}

impl FurtherFigure {
    /// A figure without an interval.
    #[must_use]
    pub fn new(name: &str, part: Option<&str>, value: Option<f64>, digits: usize) -> Self {
        Self { name: name.to_owned(), part: part.map(str::to_owned), value, interval: None, digits }
    }

    /// What tables call it: `0shot easy`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.part {
            Some(part) => format!("{} {part}", self.name),
            None => self.name.clone(),
        }
    }
}

fn is_figure(value: &Value) -> bool {
    value.is_number() || value.is_null()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stored_figures_are_objects_or_objects_of_objects() {
        let stored = json!({"0shot": {"easy": 40.0, "long": null, "note": "x"}, "all": 33.3});
        let table = |stored| {
            FurtherFigures::new("accuracy", "Accuracy", Scale::Hundred).with_stored(stored).with_digits(1)
        };
        let accuracy = table(Some(&stored));
        let shown: Vec<_> = accuracy.figures.iter().map(|figure| (figure.label(), figure.value)).collect();
        let expected = [("0shot easy", Some(40.0)), ("0shot long", None), ("all", Some(33.3))];
        assert_eq!(shown, expected.map(|(label, value)| (label.to_owned(), value)));
        assert_eq!(accuracy.find("0shot", Some("easy")).unwrap().digits, 1);
        let easier = FurtherFigures::new("accuracy", "", Scale::Hundred).with("all", Some(50.0));
        let all = [vec![], vec![easier], vec![accuracy.clone()]];
        let all: Vec<&[FurtherFigures]> = all.iter().map(Vec::as_slice).collect();
        let [beside] = &FurtherBeside::all(&all)[..] else { panic!("one table") };
        let labels: Vec<String> = beside.lines().iter().map(|line| line.label()).collect();
        assert_eq!(labels, ["all", "0shot easy", "0shot long"]);
        let of = |number| beside.find(number, beside.lines()[0]).map(|figure| figure.value.unwrap());
        assert_eq!([0, 1, 2].map(of), [None, Some(50.0), Some(33.3)]);
        assert_eq!(beside.head(), "accuracy (0 to 100)");
        assert!(accuracy.unless_empty().is_some());
        assert_eq!(table(None).unless_empty(), None);
    }
}
