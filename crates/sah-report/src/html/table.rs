//! Tables of a page.

use super::markup::Markup;
use crate::statistics::Verdict;
use crate::tables::{Cell, Kind, Table};

impl Markup {
    /// A table that scrolls by itself where it is too wide, and can be reached with the keyboard.
    pub(super) fn table(&mut self, table: &Table) -> &mut Self {
        let id = format!("table-{}", table.name);
        self.tags("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"");
        self.id(&id).tags("\"><table><caption id=\"").id(&id).tags("\">");
        self.text(&table.caption).tags("</caption>\n<thead><tr>");
        for column in &table.columns {
            self.tags(if column.kind == Kind::Text {
                "<th scope=\"col\">"
            } else {
                "<th scope=\"col\" class=\"n\">"
            });
            self.text(&column.name).tags("</th>");
        }
        self.tags("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            self.tags("<tr>");
            for (at, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                let (open, close) = match (at, column.kind) {
                    (0, _) => ("<th scope=\"row\">", "</th>"),
                    (_, Kind::Text) => ("<td>", "</td>"),
                    (_, Kind::Number | Kind::Estimate) => ("<td class=\"n\">", "</td>"),
                };
                self.tags(open).cell(cell).tags(close);
            }
            self.tags("</tr>\n");
        }
        self.tags("</tbody></table></div>\n")
    }

    fn cell(&mut self, cell: &Cell) -> &mut Self {
        match cell {
            Cell::Verdict(verdict) => {
                let class = match verdict {
                    Verdict::BeyondNoise => "<strong class=\"beyond\">",
                    Verdict::WithinNoise | Verdict::TooFewRows => "<strong class=\"within\">",
                };
                self.tags(class).text(verdict.text()).tags("</strong>")
            }
            Cell::Estimate(..) | Cell::SignedEstimate(..) => {
                let shown = cell.shown();
                match shown.split_once(" [") {
                    None => self.text(&shown),
                    Some((figure, interval)) => {
                        self.text(figure).tags(" <span class=\"interval\">[").text(interval).tags("</span>")
                    }
                }
            }
            other => self.text(&other.shown()),
        }
    }
}
