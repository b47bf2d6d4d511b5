//! `cargo xtask bless`: makes goldens anew with the pinned Python reference, and says which of them changed.

mod compare;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::error::{Failure, Result};
use crate::libtorch::{self, Variant};
use crate::model;
use crate::process::{at, cargo, output, project_root, run};
use compare::{Change, compare};
use table::{GENERATORS, Generator};

/// The goldens of one generator, by path.
type Goldens = BTreeMap<String, Vec<u8>>;

/// Runs the generators of these names, or all. Exit code 1 where a golden changed.
///
/// A golden whose numbers differ by rounding alone keeps the bytes that it has.
pub(crate) fn bless(names: &[&str]) -> Result<ExitCode> {
    let generators = choose(names)?;
    model::set_up()?;
    let mut total = 0;
    for generator in generators {
        let before = read(generator)?;
        make(generator)?;
        let (changed, lines) = settle(&before, &read(generator)?)?;
        println!("{:<18} {changed} of {} files changed", generator.name, before.len());
        for line in &lines {
            println!("  {line}");
        }
        total += changed;
    }
    if total == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::failed(format!("{total} goldens are not what they were; see git diff")))
}

/// Prints the table of goldens.
pub(crate) fn list() {
    for generator in GENERATORS {
        println!("{:<18} {}", generator.name, generator.script.join(" "));
        for file in generator.files {
            println!("{:<18}   {file}", "");
        }
    }
}

/// What is wrong with the table: goldens that no generator makes, generators that are not there or make nothing.
pub(crate) fn check(tracked: &[PathBuf]) -> Vec<String> {
    let files: Vec<_> = tracked.iter().filter_map(|file| file.to_str()).collect();
    let golden = |file: &&&str| {
        let by_hand = [".py", ".md", ".txt", ".sh", ".gitignore"];
        (file.contains("tests/reference/") || file.contains("tests/fixtures/"))
            && !by_hand.iter().any(|ending| file.ends_with(ending))
    };
    let unknown = files
        .iter()
        .filter(golden)
        .filter(|file| !GENERATORS.iter().any(|generator| generator.makes(file)))
        .map(|file| format!("{file}: a golden that no generator in xtask/src/bless/table.rs makes"));
    let idle = GENERATORS.iter().filter(|generator| {
        !files.contains(&generator.script[0]) || !files.iter().any(|file| generator.makes(file))
    });
    let idle = idle.map(|generator| {
        format!("xtask/src/bless/table.rs: {} lacks its script or its files", generator.name)
    });
    unknown.chain(idle).collect()
}

fn choose(names: &[&str]) -> Result<Vec<&'static Generator>> {
    if names.is_empty() {
        return Ok(GENERATORS.iter().collect());
    }
    let find = |name: &&str| {
        GENERATORS.iter().find(|generator| generator.name == *name).ok_or_else(|| {
            Failure::usage(format!("there are no goldens {name:?}; cargo xtask bless --list names all"))
        })
    };
    names.iter().map(find).collect()
}

/// Runs the script in its environment, which is made where it is missing or out of date.
fn make(generator: &Generator) -> Result<()> {
    let mut venv = Command::new("tests/reference/venv.sh");
    venv.current_dir(project_root());
    if !generator.environment.is_empty() {
        venv.arg(generator.environment);
    }
    let python = output(&mut venv)?;
    if let Some(example) = generator.example {
        libtorch::ensure(Variant::Fitting)?;
        run(cargo().args([
            "build",
            "--release",
            "--locked",
            "--workspace",
            "--quiet",
            "--example",
            example,
        ]))?;
    }
    eprintln!("{}: {}", generator.name, generator.script.join(" "));
    let mut script = Command::new(python);
    // What scripts print goes with the progress: standard output has the summary alone.
    script.current_dir(project_root()).args(generator.script).stdout(std::io::stderr());
    run(&mut script)
}

fn read(generator: &Generator) -> Result<Goldens> {
    let mut git = Command::new("git");
    let files = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let files = output(git.current_dir(project_root()).args(files))?;
    let mut goldens = Goldens::new();
    for file in files.lines().filter(|file| generator.makes(file)) {
        let path = project_root().join(file);
        if path.exists() {
            goldens.insert(file.to_owned(), fs::read(&path).map_err(at(&path))?);
        }
    }
    Ok(goldens)
}

/// How many files are new, gone or changed, and a line for each file whose bytes are not what they were. Files that differ
/// by rounding are written back.
fn settle(before: &Goldens, after: &Goldens) -> Result<(usize, Vec<String>)> {
    let gone = before.keys().filter(|file| !after.contains_key(*file));
    let mut lines: Vec<_> = gone.map(|file| format!("gone      {file}")).collect();
    let mut changed = lines.len();
    for (file, new) in after {
        let Some(old) = before.get(file) else {
            changed += 1;
            lines.push(format!("new       {file}"));
            continue;
        };
        match compare(old, new) {
            Change::Unchanged => {}
            Change::Rounding(difference) => {
                lines.push(format!("rounding  {file}: kept, its numbers differ by {difference:.0e} at most"));
                let path = project_root().join(file);
                fs::write(&path, old).map_err(at(&path))?;
            }
            Change::Changed => {
                changed += 1;
                lines.push(format!("changed   {file}: {} bytes, {} before", new.len(), old.len()));
            }
        }
    }
    Ok((changed, lines))
}

#[cfg(test)]
mod tests {
    use super::{GENERATORS, Goldens, check, choose, settle};

    #[test]
    fn files_that_are_new_gone_or_changed_are_named() {
        let goldens = |files: &[(&str, &str)]| -> Goldens {
            files.iter().map(|(file, text)| ((*file).to_owned(), text.as_bytes().to_vec())).collect()
        };
        let before = goldens(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = goldens(&[("a", "1"), ("b", "22"), ("d", "1")]);
        let expected = ["gone      c", "changed   b: 2 bytes, 1 before", "new       d"];
        let (changed, lines) = settle(&before, &after).unwrap();
        assert_eq!((changed, lines.as_slice()), (3, expected.map(String::from).as_slice()));
        assert_eq!(settle(&before, &before).unwrap(), (0, Vec::new()));
    }

    #[test]
    fn goldens_are_chosen_by_name() {
        assert_eq!(choose(&[]).unwrap().len(), GENERATORS.len());
        assert_eq!(choose(&["templates"]).unwrap()[0].name, "templates");
        assert!(choose(&["nothing"]).unwrap_err().to_string().contains("--list"));
    }

    #[test]
    fn a_golden_without_a_generator_is_a_breach() {
        let breaches = check(&["tests/fixtures/unknown.json".into()]);
        assert!(breaches[0].starts_with("tests/fixtures/unknown.json: "), "{breaches:?}");
        assert_eq!(breaches.len(), 1 + GENERATORS.len(), "{breaches:?}");
    }
}
