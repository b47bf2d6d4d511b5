//! The pages of maskers, crates/sah-attention/docs/maskers: their fields are the program's, their configurations are read, their commands run. (Their
//! Rust examples are doctests of sah-attention.)

use std::fs;
use std::process::Command;

use sah_attention::{AttentionConfig, FieldInfo, MaskerRegistry};
use sah_tests::project_root;

use crate::command::{as_in_a_shell, run};
use crate::fences::blocks;

fn page(name: &str) -> String {
    let path = project_root().join(format!("crates/sah-attention/docs/maskers/{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_masker_has_its_page_and_every_page_its_masker() {
    let overview = fs::read_to_string(project_root().join("docs/maskers.md")).unwrap();
    for masker in MaskerRegistry::builtin().infos() {
        let name = masker.name;
        let text = page(name);
        assert!(
            overview.contains(&format!("[{name}](../crates/sah-attention/docs/maskers/{name}.md)")),
            "{name} in the overview"
        );
        for heading in ["Formula", "Fields", "Shapes", "Cost and state", "Differences", "Source", "Examples"]
        {
            assert!(text.contains(&format!("\n## {heading}\n")), "{name}: {heading}");
        }
        assert_eq!(blocks(&text, "rust").len(), 1, "{name}: a doctest");
    }
    let pages = fs::read_dir(project_root().join("crates/sah-attention/docs/maskers")).unwrap().count();
    assert_eq!(pages, MaskerRegistry::builtin().infos().count());
}

/// The table of fields on the page `text` is what the program lists.
pub(crate) fn check_fields(name: &str, text: &str, fields: &[FieldInfo]) {
    let table = text.split("\n## Fields\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), fields.len(), "{name}");
    for (row, field) in rows.into_iter().zip(fields) {
        let default = field.default.unwrap_or("required");
        let begin = format!("| `{}` | {} | {default} | ", field.name, field.range);
        assert!(row.starts_with(&begin), "{name}: {row}\nis not {begin}");
    }
}

#[test]
fn field_tables_are_the_program_s() {
    for masker in MaskerRegistry::builtin().infos() {
        let text = page(masker.name);
        check_fields(masker.name, &text, masker.fields);
    }
}

#[test]
fn configurations_are_read() {
    for masker in MaskerRegistry::builtin().infos() {
        let text = page(masker.name);
        let configs = blocks(&text, "json");
        assert!(!configs.is_empty(), "{}", masker.name);
        for config in configs {
            let config: AttentionConfig = serde_json::from_str(&config)
                .unwrap_or_else(|error| panic!("{}: {error}\n{config}", masker.name));
            assert!(config.maskers.iter().any(|one| one.info().name == masker.name), "{}", masker.name);
        }
    }
}

/// Each command runs with the default model, reads less than everything, and answers.
#[test]
fn commands_run() {
    for masker in MaskerRegistry::builtin().infos() {
        let text = page(masker.name);
        let commands = blocks(&text, "sh");
        assert!(!commands.is_empty(), "{}", masker.name);
        for command in commands {
            assert!(command.contains("cargo xtask generate"), "{command}");
            let mut shell = Command::new("sh");
            as_in_a_shell(&mut shell).args(["-e", "-c", &command]);
            let (code, answer, log) = run(&mut shell);
            assert_eq!(code, 0, "{command}\n{log}");
            assert!(!answer.trim().is_empty(), "{command}\n{log}");
            let density = log.rsplit_once("density ").expect("a density").1.trim();
            let density: f64 = density.parse().unwrap_or_else(|_| panic!("{density}"));
            assert!(density > 0.0 && density < 1.0, "{command}\n{log}");
        }
    }
}
