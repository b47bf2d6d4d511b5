//! Rules of the repository that no other tool checks.

mod benchmarks;
mod extension;

use std::fs;
use std::path::{Path, PathBuf};

use crate::bless;
use crate::error::{Failure, Result};
use crate::package;
use crate::process::{at, output, project_root};

/// A source file longer than this holds more than one concept.
const MAX_LINES: usize = 500;

/// Fails with one line for each breach.
pub(crate) fn check() -> Result<()> {
    let files = tracked_files()?;
    let mut breaches = bless::check(&files);
    for file in &files {
        let path = project_root().join(file);
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(at(&path))?;
            breaches.extend(check_source(file, &text));
            breaches.extend(benchmarks::check(file, &text));
        }
        if file.file_name().is_some_and(|name| name == "Cargo.toml") && file.parent() != Some(Path::new("")) {
            breaches.extend(check_crate(file)?);
        }
    }
    breaches.extend(undocumented_dependencies()?);
    breaches.extend(extension::check(project_root())?);
    if breaches.is_empty() { Ok(()) } else { Err(Failure::failed(format!("\n  {}", breaches.join("\n  ")))) }
}

/// The files that git knows, without those that are deleted but not yet committed.
fn tracked_files() -> Result<Vec<PathBuf>> {
    let mut git = std::process::Command::new("git");
    let files = output(git.current_dir(project_root()).arg("ls-files"))?;
    Ok(files.lines().map(PathBuf::from).filter(|file| project_root().join(file).exists()).collect())
}

fn check_source(file: &Path, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        breaches.push(format!("{}: {lines} lines, more than {MAX_LINES}", file.display()));
    }
    // `#[path]` shares and crate roots of binaries and tests count too: every file says what it is for.
    if !text.starts_with("//!") {
        breaches.push(format!("{}: does not begin with what it is for (`//!`)", file.display()));
    }
    breaches
}

fn check_crate(manifest: &Path) -> Result<Vec<String>> {
    let path = project_root().join(manifest);
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    // A project of its own, such as an example of one outside, inherits nothing.
    if package::is_workspace(&text) {
        return Ok(Vec::new());
    }
    let mut breaches = Vec::new();
    for line in ["license.workspace = true", "[lints]\nworkspace = true"] {
        if !text.contains(line) {
            breaches.push(format!("{}: lacks {line:?}", manifest.display()));
        }
    }
    let docs_rs = "[package.metadata.docs.rs]\nfeatures = [\"doc-only\"]";
    if text.contains("\ndoc-only = ") && !text.contains(docs_rs) {
        breaches.push(format!("{}: has a feature doc-only, but lacks {docs_rs:?}", manifest.display()));
    }
    if !path.with_file_name("README.md").exists() {
        breaches.push(format!("{}: the crate has no README.md", manifest.display()));
    }
    Ok(breaches)
}

/// Every direct dependency has its line in docs/dependencies.md.
fn undocumented_dependencies() -> Result<Vec<String>> {
    let root = project_root();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).map_err(at(&root.join("Cargo.toml")))?;
    let path = root.join("docs/dependencies.md");
    let documented = fs::read_to_string(&path).map_err(at(&path))?;
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    let names = table.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()));
    let names = names.filter(|name| !name.starts_with('#')).chain(extension::dependencies(root)?);
    Ok(names
        .filter(|name| {
            name != "sah" && !name.starts_with("sah-") && !documented.contains(&format!("| `{name}` |"))
        })
        .map(|name| format!("docs/dependencies.md: no line for {name}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check_source;

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(check_source(Path::new("a.rs"), "//! A.\n"), Vec::<String>::new());
        assert_eq!(check_source(Path::new("a.rs"), "fn main() {}\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_named_with_its_length() {
        let long = format!("//! A.\n{}", "\n".repeat(500));
        assert_eq!(check_source(Path::new("a.rs"), &long), ["a.rs: 501 lines, more than 500"]);
    }
}
