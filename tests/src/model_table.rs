//! The table in `docs/models.md`: how far each tiny checkpoint's logits are from those of transformers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use sah_adapter::{ModelFamily, families};
use tch::Kind;

use crate::project_root;
use crate::tiny::{Against, TinyModel, Versions};

/// Where the table begins and ends in the document.
const BEGIN: &str = "<!-- begin: cargo xtask example model_table -->";
const END: &str = "<!-- end -->";

/// Differences of another machine may be this many times those in the document, and the other way round.
const MARGIN: f32 = 4.0;
/// Below this, differences are those of rounding in the goldens, which have six decimals.
const NOISE: f32 = 1e-5;

/// One checkpoint beside one version of transformers.
#[derive(Debug)]
pub struct Row {
    /// `model_type` of its config.
    pub family: &'static str,
    /// Its folder.
    pub checkpoint: String,
    /// What its goldens were made with.
    pub versions: Versions,
    /// Largest difference of a logit in f32.
    pub f32: f32,
    /// Largest difference of a logit in bf16.
    pub bf16: f32,
    /// Largest difference of a logit in bf16 to transformers' in f32.
    pub bf16_to_f32: f32,
    /// Largest difference of transformers' own logits in bf16 to those in f32.
    pub bf16_of_transformers: f32,
    /// Whether greedy decoding in f32 gives the same tokens.
    pub same_tokens: bool,
}

/// Runs every checkpoint of every architecture.
///
/// # Errors
///
/// A checkpoint that cannot be read or run.
pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = vec![];
    for family in families() {
        for name in family.checkpoints {
            for model in TinyModel::read_all(name)? {
                rows.push(row(family, model)?);
            }
        }
    }
    Ok(rows)
}

fn row(family: &ModelFamily, model: TinyModel) -> anyhow::Result<Row> {
    let compare =
        |kind, against| model.compare(&model.folder, kind, against).with_context(|| model.name.clone());
    let exact = compare(Kind::Float, Against::F32)?;
    Ok(Row {
        family: family.model_type,
        versions: model.versions().clone(),
        f32: exact.largest(),
        bf16: compare(Kind::BFloat16, Against::Bf16)?.largest(),
        bf16_to_f32: compare(Kind::BFloat16, Against::F32)?.largest(),
        bf16_of_transformers: model.bf16_of_transformers(),
        same_tokens: exact.same_tokens,
        checkpoint: model.name,
    })
}

/// The document.
#[must_use]
pub fn document() -> PathBuf {
    project_root().join("docs/models.md")
}

/// Writes the rows into the document, in place of those that are there.
///
/// # Errors
///
/// A document that cannot be read or written, or without its two marks.
pub fn write(rows: &[Row]) -> anyhow::Result<()> {
    let path = document();
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (before, _, after) = parts(&text)?;
    fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", render(rows)))?;
    Ok(())
}

/// Fails where the document does not say what `rows` do: other checkpoints, versions or tokens, or differences of
/// another order.
///
/// # Errors
///
/// What is out of date, and the command that writes it anew.
pub fn check(rows: &[Row]) -> anyhow::Result<()> {
    let text = fs::read_to_string(document())?;
    let (_, table, _) = parts(&text)?;
    let found: Vec<&str> = table.trim().lines().collect();
    let expected = render(rows);
    let expected: Vec<&str> = expected.trim().lines().collect();
    let remedy = "docs/models.md is out of date: cargo xtask example model_table";
    ensure!(found.len() == expected.len(), "{remedy}");
    for (found, expected) in found.iter().zip(&expected) {
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let (found_cells, expected_cells) = (cells(found), cells(expected));
        ensure!(found_cells.len() == expected_cells.len(), "{remedy}\n{found}\n{expected}");
        for (found_cell, expected_cell) in found_cells.iter().zip(&expected_cells) {
            let same = match (found_cell.parse::<f32>(), expected_cell.parse::<f32>()) {
                (Ok(found), Ok(expected)) => alike(found, expected),
                _ => found_cell == expected_cell,
            };
            if !same {
                bail!("{remedy}\nit says     {found}\nmeasured is {expected}");
            }
        }
    }
    Ok(())
}

fn alike(left: f32, right: f32) -> bool {
    let (small, large) = (left.min(right), left.max(right));
    large <= NOISE || large <= MARGIN * small
}

fn parts(text: &str) -> anyhow::Result<(&str, &str, &str)> {
    let split = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (table, after) = rest.split_once(END)?;
        Some((before, table, after))
    });
    split.with_context(|| format!("docs/models.md lacks {BEGIN} and {END}"))
}

fn render(rows: &[Row]) -> String {
    let torch: BTreeSet<&str> = rows.iter().map(|row| row.versions.torch.as_str()).collect();
    let torch: Vec<&str> = torch.into_iter().collect();
    let mut text = format!("\nWith torch {}.\n\n", torch.join(" and "));
    text += "| model_type | checkpoint | transformers | f32 | bf16 | bf16 to f32 | transformers' bf16 to f32 | same greedy tokens |\n";
    text += "|---|---|---|---|---|---|---|---|\n";
    for row in rows {
        let same = if row.same_tokens { "yes" } else { "NO" };
        let Row { family, checkpoint, versions, f32, bf16, bf16_to_f32, bf16_of_transformers, .. } = row;
        let version = &versions.transformers;
        let _ = writeln!(
            text,
            "| {family} | {checkpoint} | {version} | {f32:.1e} | {bf16:.1e} | {bf16_to_f32:.1e} | {bf16_of_transformers:.1e} | {same} |"
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn differences_may_vary_with_the_machine_but_not_in_their_order() {
        assert!(alike(1e-7, 9e-6), "both are rounding");
        assert!(alike(1e-2, 3e-2));
        assert!(!alike(1e-2, 5e-2));
        assert!(!alike(1e-7, 1e-4));
    }
}
