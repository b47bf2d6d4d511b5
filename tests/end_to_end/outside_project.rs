//! A project outside the workspace depends on one crate by its path.

use std::fs;
use std::process::Command;

use sah_tests::project_root;

use crate::command::{as_in_a_shell, run};

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
    println!("{:?} {}", attended.output.size(), attended.density);
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
/// what was compiled there is used. `outside` itself can only name what its own manifest has.
const EVERYTHING: &str = r#"[package]
name = "everything"
version = "0.1.0"
edition = "2024"

[dependencies]
sah = { path = "CRATES/sah" }
"#;

const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["outside", "everything"]

[profile.release]
debug = "line-tables-only"
"#;

#[test]
fn one_crate_is_enough_for_another_project() {
    let root = project_root();
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("CRATES", &root.join("crates").display().to_string())).unwrap();
    };
    write("Cargo.toml", WORKSPACE);
    write("outside/Cargo.toml", OUTSIDE);
    write("outside/build.rs", "fn main() {\n    sah_libtorch::link();\n}\n");
    write("outside/src/main.rs", MAIN);
    write("everything/Cargo.toml", EVERYTHING);
    write("everything/src/lib.rs", "");
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let target = root.join("target");
    let mut build = Command::new(env!("CARGO"));
    // LIBTORCH is inherited: cargo has set it for this test as the guide tells its reader to.
    as_in_a_shell(&mut build).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
    build.args(["build", "--release", "--quiet", "--offline", "--workspace"]);
    let (code, _, log) = run(&mut build);
    assert_eq!(code, 0, "{log}");
    let (code, printed, log) = run(as_in_a_shell(&mut Command::new(target.join("release/outside"))));
    assert_eq!(code, 0, "{log}");
    assert_eq!(printed.trim(), "[1, 4, 1, 16] 0.2");
}
