//! What `config.json` says: what all sides have in common, and what differs.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Cell, Column, Table};
use crate::Analysis;

/// The settings that are the same on all sides.
#[must_use]
pub fn configuration(analysis: &Analysis<'_>) -> Table {
    let same = settings(analysis).into_iter().filter(|(_, values)| is_same(values));
    let row = |(key, values): (String, Vec<Option<String>>)| {
        vec![Cell::text(key), values.into_iter().next().flatten().map_or(Cell::Empty, Cell::Text)]
    };
    Table {
        name: "configuration".to_owned(),
        caption: "Settings that are the same on all sides.".to_owned(),
        columns: vec![Column::text("setting"), Column::text("value")],
        rows: same.map(row).collect(),
    }
}

/// The settings that differ, a column for each side; `None` where there is one side.
#[must_use]
pub fn configuration_differences(analysis: &Analysis<'_>) -> Option<Table> {
    let differing = settings(analysis).into_iter().filter(|(_, values)| !is_same(values));
    let row = |(key, values): (String, Vec<Option<String>>)| {
        let cells = values.into_iter().map(|value| value.map_or(Cell::Empty, Cell::Text));
        std::iter::once(Cell::text(key)).chain(cells).collect()
    };
    let rows: Vec<Vec<Cell>> = differing.map(row).collect();
    (!rows.is_empty()).then(|| Table {
        name: "configuration_differences".to_owned(),
        caption: "Settings that differ.".to_owned(),
        columns: std::iter::once("setting")
            .chain(analysis.labels.iter().map(String::as_str))
            .map(Column::text)
            .collect(),
        rows,
    })
}

fn is_same(values: &[Option<String>]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Each setting with its value on each side.
fn settings(analysis: &Analysis<'_>) -> IndexMap<String, Vec<Option<String>>> {
    let sides: Vec<IndexMap<String, String>> = analysis
        .sides
        .iter()
        .map(|side| {
            let mut settings = IndexMap::new();
            flatten("", &side.config, &mut settings);
            settings
        })
        .collect();
    let mut all: IndexMap<String, Vec<Option<String>>> = IndexMap::new();
    for key in sides.iter().flat_map(IndexMap::keys) {
        if !all.contains_key(key) {
            all.insert(key.clone(), sides.iter().map(|side| side.get(key).cloned()).collect());
        }
    }
    all
}

/// Objects in objects become `key.key`. An attention is one value: its maskers belong together. Warnings are no settings: they
/// have a table of their own.
fn flatten(key: &str, value: &Value, settings: &mut IndexMap<String, String>) {
    match value {
        _ if key == "warnings" => {}
        Value::Object(object) if key != "attention" => {
            for (name, value) in object {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, settings);
            }
        }
        Value::String(text) => {
            settings.insert(key.to_owned(), text.clone());
        }
        other => {
            settings.insert(key.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde_json::json;

    use super::flatten;

    #[test]
    fn a_setting_is_named_by_its_place() {
        let mut settings = IndexMap::new();
        let config = json!({"model": {"name": "m", "layers": 3}, "attention": {"a": 1}, "seed": null});
        flatten("", &config, &mut settings);
        let shown: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["model.name=m", "model.layers=3", "attention={\"a\":1}", "seed=null"]);
    }
}
