//! `cargo xtask maskers`: what a sparse attention can be made of.

use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets};
use sah_attention::{AttentionConfig, FieldInfo, MaskerRegistry};

/// Prints each masker with its fields, source and cost, and the presets, to standard output.
pub(crate) fn run(registry: &MaskerRegistry) -> anyhow::Result<ExitCode> {
    let mut maskers = table(["type", "selects", "fields", "cost a step", "state a key", "source"]);
    for masker in registry.infos() {
        let fields: Vec<String> = masker.fields.iter().map(field).collect();
        maskers.add_row([
            masker.name.to_owned(),
            masker.about.to_owned(),
            fields.join("\n"),
            masker.cost.to_owned(),
            masker.state.to_owned(),
            masker.source.to_owned(),
        ]);
    }
    println!("{maskers}\n");
    let mut named = table(["--attention", "is the file"]);
    named.add_row(["dense", "(none: every key is read)"]);
    for name in registry.presets() {
        let text = match AttentionConfig::preset_in(registry, name, &[""; 0]) {
            Ok(config) => serde_json::to_string(&config)?,
            Err(error) => error.to_string(),
        };
        named.add_row([name, &text]);
    }
    println!("{named}\n");
    println!(
        "Formulas and examples: crates/sah-attention/docs/maskers/TYPE.md. Change a field of a preset with --set FIELD=VALUE"
    );
    Ok(ExitCode::SUCCESS)
}

fn field(field: &FieldInfo) -> String {
    match field.default {
        None => format!("{}: {}", field.name, field.range),
        Some(default) => format!("{}: {} [{default}]", field.name, field.range),
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}
