//! Tables as GitHub-flavoured Markdown.

use super::table::{Cell, Kind, Table};

impl Table {
    /// As Markdown, the caption above it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", escaped(&self.caption));
        let mut line = |cells: Vec<String>| {
            text.push_str("| ");
            text.push_str(&cells.join(" | "));
            text.push_str(" |\n");
        };
        line(self.columns.iter().map(|column| escaped(&column.name)).collect());
        let rule = |kind| if kind == Kind::Text { "---" } else { "---:" };
        line(self.columns.iter().map(|column| rule(column.kind).to_owned()).collect());
        let shown = |cell: &Cell| match cell {
            Cell::Text(_) => escaped(&cell.shown()),
            _ => cell.shown(),
        };
        for row in &self.rows {
            line(row.iter().map(shown).collect());
        }
        text
    }
}

/// On one line, and nothing in it is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in crate::visible(text).chars() {
        match character {
            '\n' | '\t' => escaped.push(' '),
            '\\' | '|' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::nasty;

    #[test]
    fn a_cell_stays_in_its_row_and_is_no_markup() {
        assert_eq!(
            nasty().markdown(),
            "Nasty \\<cells\\>\n\n\
             | ta\\|sk | rows | differ_ence |\n\
             | --- | ---: | ---: |\n\
             | =cmd\\|' /C calc'!A0 | 2 | -17.25 [-30.00, -5.50] |\n\
             | \\<b\\>\"a\", b \u{241b}\\</b\\> | 2 | - |\n\
             | -1 | 2 | 40.00 |\n"
        );
    }
}
