//! Tables as LaTeX, for a paper.

use super::table::{Kind, Table};

impl Table {
    /// As a `tabular` with the rules of `booktabs`.
    #[must_use]
    pub fn latex(&self) -> String {
        let align = |kind| if kind == Kind::Text { 'l' } else { 'r' };
        let columns: String = self.columns.iter().map(|column| align(column.kind)).collect();
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut text = format!("% {}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n", self.caption);
        text.push_str(&line(self.columns.iter().map(|column| escaped(&column.name)).collect()));
        text.push_str("\\midrule\n");
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|cell| escaped(&cell.shown())).collect()));
        }
        text.push_str("\\bottomrule\n\\end{tabular}\n");
        text
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\n' | '\t' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Column, Table};

    #[test]
    fn names_with_underscores_and_worse() {
        let table = Table {
            name: "paper".to_owned(),
            caption: "Scores".to_owned(),
            columns: vec![Column::text("model"), Column::number("passage_count")],
            rows: vec![vec![Cell::text("a\\b & 50 %"), Cell::Number(12.345, 1)]],
        };
        assert_eq!(
            table.latex(),
            "% Scores\n\\begin{tabular}{lr}\n\\toprule\nmodel & passage\\_count \\\\\n\\midrule\n\
             a\\textbackslash{}b \\& 50 \\% & 12.3 \\\\\n\\bottomrule\n\\end{tabular}\n"
        );
    }
}
