//! The extension module of Python is a workspace of its own: what both workspaces depend on is the same in both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::Result;
use crate::process::at;

/// Where it lies.
const EXTENSION: &str = "crates/sah-python";

/// The names of its direct dependencies.
pub(super) fn dependencies(root: &Path) -> Result<Vec<String>> {
    let path = root.join(EXTENSION).join("Cargo.toml");
    let manifest = fs::read_to_string(&path).map_err(at(&path))?;
    let table = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    Ok(table.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect())
}

/// The packages that its lock file has in versions that the lock file of the workspace has not.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let read = |folder: &Path| {
        let path = folder.join("Cargo.lock");
        fs::read_to_string(&path).map_err(at(&path))
    };
    let (workspace, own) = (read(root)?, read(&root.join(EXTENSION))?);
    Ok(other_versions(&workspace, &own)
        .map(|(name, version)| {
            format!("{EXTENSION}/Cargo.lock: {name} {version} is another version than in Cargo.lock")
        })
        .collect())
}

/// The packages of `lock` that `workspace` has, too, but in no such version.
fn other_versions(workspace: &str, lock: &str) -> impl Iterator<Item = (String, String)> {
    let known = versions(workspace);
    let of_both = versions(lock).into_iter().filter_map(move |(name, versions)| {
        let known = known.get(&name)?.clone();
        Some(
            versions
                .into_iter()
                .filter(move |version| !known.contains(version))
                .map(move |version| (name.clone(), version)),
        )
    });
    of_both.flatten()
}

/// The versions of each package of a lock file.
fn versions(lock: &str) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|text| text.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version)) = (field("name"), field("version")) {
            versions.entry(name).or_default().push(version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::other_versions;

    #[test]
    fn a_package_of_both_has_a_version_of_the_workspace() {
        let package =
            |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        let workspace = format!("{}{}", package("a", "1.0.0"), package("a", "2.0.0"));
        let lock = format!("{}{}{}", package("a", "1.0.0"), package("a", "1.5.0"), package("pyo3", "0.24.2"));
        let found: Vec<(String, String)> = other_versions(&workspace, &lock).collect();
        assert_eq!(found, [("a".to_owned(), "1.5.0".to_owned())]);
    }
}
