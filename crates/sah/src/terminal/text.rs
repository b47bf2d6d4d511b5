//! Facts about things, a line for each: broken at words where a terminal ends.

use std::fmt;

use comfy_table::{ContentArrangement, Table, presets};

use super::{one_line, width};

/// Names with what there is to say of each, under a title or without one.
///
/// ```text
/// quest_top_k: the pages of keys that can matter most
///   heavy_size  a count from 1, or a share of the keys
///   source      Quest (Tang et al. 2024, arXiv 2406.10774)
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    title: Option<String>,
    facts: Vec<(String, String)>,
}

impl Facts {
    pub(crate) fn untitled() -> Self {
        Self { title: None, facts: Vec::new() }
    }

    pub(crate) fn titled(title: &str) -> Self {
        Self { title: Some(one_line(title)), facts: Vec::new() }
    }

    /// With one more.
    pub(crate) fn with(mut self, name: &str, fact: &str) -> Self {
        self.facts.push((one_line(name), one_line(fact)));
        self
    }

    /// In lines of at most `width` characters, where there is room for words.
    fn within(&self, width: Option<usize>) -> String {
        let width = width.map(|width| u16::try_from(width).unwrap_or(u16::MAX));
        let table = |rows: Vec<Vec<String>>, paddings: &[(u16, u16)]| {
            if rows.is_empty() {
                return String::new();
            }
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            table.add_rows(rows);
            if let Some(width) = width {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(width);
            }
            for (column, padding) in table.column_iter_mut().zip(paddings) {
                column.set_padding(*padding);
            }
            table.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
        };
        let facts = self.facts.iter().map(|(name, fact)| vec![name.clone(), fact.clone()]).collect();
        match &self.title {
            Some(title) => table(vec![vec![title.clone()]], &[(0, 0)]) + &table(facts, &[(2, 0), (2, 0)]),
            None => table(facts, &[(0, 0), (1, 0)]),
        }
    }
}

/// As standard output can show it, with a line feed at the end.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(width()))
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;

    #[test]
    fn a_title_alone_is_a_paragraph() {
        let note = Facts::titled("Formulas and examples are on the page of each masker");
        assert_eq!(note.within(Some(30)), "Formulas and examples are on\nthe page of each masker\n");
    }

    #[test]
    fn facts_stand_beside_their_names() {
        let facts = Facts::titled("quest: pages of keys")
            .with("source", "Tang et al. 2024, Query-Aware Sparsity for Efficient Long-Context LLM Inference")
            .with("cost a step", "little");
        assert_eq!(
            facts.within(None),
            "quest: pages of keys\n  source       Tang et al. 2024, Query-Aware Sparsity for Efficient Long-Context LLM \
             Inference\n  cost a step  little\n"
        );
        let broken = facts.within(Some(40));
        assert!(broken.lines().all(|line| line.chars().count() <= 40), "{broken}");
        assert!(broken.lines().count() > 4 && broken.contains("\n  cost a step  little\n"), "{broken}");
    }
}
