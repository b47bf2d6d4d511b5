//! Projects outside the workspace: one depends on a crate by its path, another one adds pieces of its own to the command line.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sah_tests::project_root;

use crate::command::{as_in_a_shell, run};
use crate::fences::blocks;
use crate::tiny_model;

const MAIN: &str = r#"
use sah_attention::{AttentionConfig, AttentionInputs, RequestState, ResearchAttention, Size};
use tch::{Device, Kind, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let random = |heads, rows| Tensor::randn([1, heads, rows, 16], (Kind::Float, Device::Cpu));
    let (queries, keys, values) = (random(4, 1), random(2, 100), random(2, 100));
    let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25)?;
    let config = AttentionConfig::streaming_llm(Size::Count(4), Size::Count(16));
    let attention = ResearchAttention::from_config(&config)?;
    let attended = attention.attend(&inputs, 0, &mut RequestState::new(0))?;
    println!("{:?} {}", attended.output.size(), attended.density.value()?);
    Ok(())
}
"#;

/// The package of the project: what sah-attention's README tells, namely the dependency, tch, and the build script that
/// finds libtorch at run time.
const OUTSIDE: &str = r#"[package]
name = "outside"
version = "0.1.0"
edition = "2024"

[dependencies]
sah-attention = { path = "CRATES/sah-attention" }
tch = "=0.26.0"
torch-sys = "=0.26.0"

[build-dependencies]
sah-libtorch = { path = "CRATES/sah-libtorch" }
"#;

/// A second package asks for all crates: their dependencies then have the features that they have in the workspace, and
/// what was compiled there is used. The project itself can only name what its own manifest has.
const EVERYTHING: &str = r#"[package]
name = "everything"
version = "0.1.0"
edition = "2024"

[dependencies]
sah = { path = "CRATES/sah" }
"#;

const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["project", "everything"]

[profile.release]
debug = "line-tables-only"
"#;

/// Builds a project of these files, whose paths begin in its folder, and gives its program. In the files `CRATES` is the folder
/// of the crates.
fn build(name: &str, files: &[(&str, String)]) -> PathBuf {
    let root = project_root();
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("CRATES", &root.join("crates").display().to_string())).unwrap();
    };
    write("Cargo.toml", WORKSPACE);
    write("everything/Cargo.toml", EVERYTHING);
    write("everything/src/lib.rs", "");
    for (path, text) in files {
        write(&format!("project/{path}"), text);
    }
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let target = root.join("target");
    let mut build = Command::new(env!("CARGO"));
    // LIBTORCH is inherited: cargo has set it for this test as the guide tells its reader to.
    as_in_a_shell(&mut build).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
    build.args(["build", "--release", "--quiet", "--offline", "--workspace"]);
    let (code, _, log) = run(&mut build);
    assert_eq!(code, 0, "{log}");
    target.join("release").join(name)
}

#[test]
fn one_crate_is_enough_for_another_project() {
    let build_script = "fn main() {\n    sah_libtorch::link();\n}\n";
    let files = [("Cargo.toml", OUTSIDE), ("build.rs", build_script), ("src/main.rs", MAIN)];
    let program = build("outside", &files.map(|(path, text)| (path, text.to_owned())));
    let (code, printed, log) = run(as_in_a_shell(&mut Command::new(program)));
    assert_eq!(code, 0, "{log}");
    assert_eq!(printed.trim(), "[1, 4, 1, 16] 0.2");
}

/// The project in `examples/outside`, as it is but for its place and its workspace.
#[test]
fn a_project_with_pieces_of_its_own_has_the_whole_command_line() {
    let example = project_root().join("examples/outside");
    let read = |path: &str| fs::read_to_string(example.join(path)).unwrap();
    let manifest = read("Cargo.toml");
    let package = manifest.split("# As in the workspace").next().unwrap().replace("../../crates", "CRATES");
    let mut files = vec![("Cargo.toml", package), ("build.rs", read("build.rs"))];
    let sources = ["src/main.rs", "src/capitals.rs", "src/every_other.rs", "src/double.rs"];
    files.extend(sources.map(|path| (path, read(path))));
    assert_eq!(fs::read_dir(example.join("src")).unwrap().count(), sources.len());
    let lines = |sources: &[&str]| sources.iter().map(|path| read(path).lines().count()).sum::<usize>();
    assert!(lines(&sources[..3]) < 120 && lines(&sources[3..]) < 30);
    for (guide, source) in [
        ("add-a-benchmark.md", "src/main.rs"),
        ("add-a-benchmark.md", "src/capitals.rs"),
        ("add-a-masker.md", "src/every_other.rs"),
        ("add-a-kernel.md", "src/double.rs"),
    ] {
        let page = fs::read_to_string(project_root().join("docs/guides").join(guide)).unwrap();
        let shown = blocks(&page, "rust").iter().any(|block| *block == read(source).trim_end());
        assert!(shown, "{guide} does not show {source} as it is");
    }
    let program = build("own_pieces", &files);
    let program = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        as_in_a_shell(&mut command).args(arguments);
        command
    };

    let folder = tempfile::tempdir().unwrap();
    let (model, attention) = (folder.path().join("model"), folder.path().join("mine.json"));
    tiny_model::write(&model, 0);
    let maskers = r#"{"maskers": [{"type": "local", "size": 4}, {"type": "every_other", "block": 2}]}"#;
    fs::write(&attention, maskers).unwrap();
    let (code, listed, log) = run(&mut program(&["maskers"]));
    assert_eq!(code, 0, "{log}");
    assert!(listed.contains("\nevery_other: "), "{listed}");
    // Two at a time, so that the processes of a matrix must know the pieces, too.
    let mut bench = program(&["bench", "capitals", "--run-name", "mine", "--jobs", "2"]);
    bench.args(["--set", "mine:block=3", "--kernel", "double"]);
    bench.arg("--model").arg(&model).arg("--result-dir").arg(folder.path()).arg("--attention").arg("dense");
    let (code, tables, log) = run(bench.arg(&attention));
    assert_eq!(code, 0, "{log}");
    assert!(tables.contains("| capitals ") && tables.contains("mine - dense"), "{tables}");
    let run_dir = folder.path().join("mine");
    let config = fs::read_to_string(run_dir.join("mine/config.json")).unwrap();
    assert!(config.contains("\"every_other\"") && config.contains("\"block\": 3"), "{config}");
    assert!(config.contains("\"kernel\": \"double\""), "{config}");
    let detailed = fs::read_to_string(run_dir.join("mine/detailed_results.json")).unwrap();
    assert!(detailed.contains("\"double\""), "{detailed}");

    fs::remove_file(run_dir.join("mine/metrics.json")).unwrap();
    let (code, again, log) = run(program(&["bench", "capitals", "--resume"]).arg(&run_dir));
    assert_eq!(code, 0, "{log}");
    assert!(again.contains("mine - dense"), "{again}");
    let (code, page, log) = run(program(&["report"]).arg(&run_dir));
    assert_eq!(code, 0, "{log}");
    assert!(fs::read_to_string(page.trim_end()).unwrap().contains("capitals: "));
}
