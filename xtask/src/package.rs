//! Whether each library crate stands alone: it is packaged as for a registry, unpacked, checked and documented from that.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::Result;
use crate::process::{at, cargo, project_root, run};
use crate::runner::target_folder;

/// The folder of the library crates; the other members of the workspace are programs and tests of this checkout.
const CRATES: &str = "crates";

/// Packages all library crates; checks their code, tests and examples, and builds their docs, from what is in the packages.
pub(crate) fn check() -> Result<()> {
    let names = library_crates()?;
    let packages = target_folder().join("package");
    if packages.exists() {
        fs::remove_dir_all(&packages).map_err(at(&packages))?;
    }
    let mut package = cargo();
    // Without lock files, which would be resolved against a registry that has no such crates.
    package.args(["package", "--quiet", "--no-verify", "--allow-dirty", "--exclude-lockfile", "--offline"]);
    for name in &names {
        package.args(["--package", name]);
    }
    run(&mut package)?;
    let unpacked = packages.join("unpacked");
    fs::create_dir_all(&unpacked).map_err(at(&unpacked))?;
    let mut patches = String::new();
    for entry in fs::read_dir(&packages).map_err(at(&packages))? {
        let archive = entry.map_err(at(&packages))?.path();
        if archive.extension().is_none_or(|extension| extension != "crate") {
            continue;
        }
        let stem = archive.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.rsplit_once('-').map_or(&*stem, |(name, _version)| name);
        let _ = writeln!(patches, "{name} = {{ path = \"{stem}\" }}");
        // Times of now: cargo gives all packaged files one old time, by which changed code would be taken for checked code.
        run(Command::new("tar").arg("-C").arg(&unpacked).arg("-xmf").arg(&archive))?;
    }
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n{patches}\n{}",
        profiles()?
    );
    let path = unpacked.join("Cargo.toml");
    fs::write(&path, manifest).map_err(at(&path))?;
    let lock = project_root().join("Cargo.lock");
    fs::copy(&lock, unpacked.join("Cargo.lock")).map_err(at(&lock))?;
    build(&unpacked, &["check", "--all-targets"])?;
    build(&unpacked, &["doc", "--no-deps"])
}

/// As docs.rs does it, without a libtorch. In the same target folder, so that other dependencies are not compiled again.
fn build(unpacked: &Path, verb: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.current_dir(unpacked).args(verb);
    command.args(["--quiet", "--release", "--offline", "--workspace", "--features", "sah/doc-only"]);
    command.env("CARGO_TARGET_DIR", target_folder()).env("LIBTORCH", "/no/libtorch/needed");
    run(command.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// The workspace's profiles, with which its dependencies were compiled.
fn profiles() -> Result<String> {
    let path = project_root().join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    Ok(text.find("[profile.").map_or_else(String::new, |begin| text[begin..].to_owned()))
}

/// Whether the package of `manifest` is a workspace of its own: a project that only lies in this repository.
pub(crate) fn is_workspace(manifest: &str) -> bool {
    manifest.contains("\n[workspace]")
}

/// The names of the library crates: a folder each. One that is a workspace of its own is no library.
pub(crate) fn library_crates() -> Result<Vec<String>> {
    let folder = project_root().join(CRATES);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(at(&folder))? {
        let entry = entry.map_err(at(&folder))?;
        let Ok(manifest) = fs::read_to_string(entry.path().join("Cargo.toml")) else { continue };
        if !is_workspace(&manifest) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
