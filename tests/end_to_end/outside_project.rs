//! A project outside the workspace depends on one crate by its path.

use std::fs;
use std::process::Command;

use sah_tests::project_root;

use crate::command::run;

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

#[test]
fn one_crate_is_enough_for_another_project() {
    let root = project_root();
    let project = tempfile::tempdir().unwrap();
    let crates = root.join("crates").display().to_string();
    // What the crate's README tells: the dependency, tch, and the build script that finds libtorch at run time.
    let manifest = format!(
        r#"[package]
name = "outside"
version = "0.1.0"
edition = "2024"

[dependencies]
sah-attention = {{ path = "{crates}/sah-attention" }}
tch = "=0.26.0"
torch-sys = "=0.26.0"

[build-dependencies]
sah-libtorch = {{ path = "{crates}/sah-libtorch" }}

[profile.release]
debug = "line-tables-only"
"#
    );
    fs::create_dir(project.path().join("src")).unwrap();
    fs::write(project.path().join("build.rs"), "fn main() {\n    sah_libtorch::link();\n}\n").unwrap();
    fs::write(project.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(project.path().join("src/main.rs"), MAIN).unwrap();
    // The same versions and the same target folder, so that libtorch's interface is not compiled once more.
    fs::copy(root.join("Cargo.lock"), project.path().join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&project).args(["run", "--release", "--quiet"]);
    // LIBTORCH is inherited: cargo has set it for this test as the project's README tells its user to.
    cargo.env("CARGO_TARGET_DIR", root.join("target"));
    cargo.env_remove("LD_LIBRARY_PATH");
    let (code, printed, log) = run(&mut cargo);
    assert_eq!(code, 0, "{log}");
    assert_eq!(printed.trim(), "[1, 4, 1, 16] 0.2");
}
