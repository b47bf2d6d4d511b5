//! Models that cannot be loaded: one line that names the place and the remedy, never a panic.

use std::path::Path;

use sah_adapter::{LoadedModel, ModelSource};
use tch::{Device, Kind};

/// The error of loading `source`, which must be one line.
fn problem(source: &str) -> String {
    let loaded =
        ModelSource::parse(source).and_then(|source| LoadedModel::load(&source, Device::Cpu, Kind::Float));
    let text = loaded.expect_err("this cannot be loaded").to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

fn write(folder: &Path, file: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(file);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_source_that_leads_nowhere() {
    assert!(problem("./no-such-folder").contains("`./no-such-folder`: no such folder"));
    assert!(problem("no-such-file.gguf").contains("no such file"));
    assert!(problem("just-a-name").contains("a hub id like org/name"));
}

#[test]
fn a_folder_that_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(problem(path).contains("has no config.json"));
    write(folder.path(), "config.json", "{");
    assert!(problem(path).contains("config.json: is no JSON"));
    write(folder.path(), "config.json", "{}");
    assert!(
        problem(path).contains("field `model_type`: expected the name of an architecture, found nothing")
    );
    write(folder.path(), "config.json", r#"{"model_type": "llama"}"#);
    assert!(problem(path).contains("has no model.safetensors"));
    write(folder.path(), "pytorch_model.bin", "");
    assert!(problem(path).contains("convert the weights with Python"));
    write(folder.path(), "model.safetensors", [255_u8; 20]);
    assert!(problem(path).contains("model.safetensors: truncated or no safetensors file"));
}

#[test]
fn a_gguf_file_that_is_none_or_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let zip = write(folder.path(), "zip.gguf", b"PK\x03\x04 and so on");
    assert!(problem(&zip).contains("zip.gguf: begins with [50, 4b, 03, 04], not with GGUF"));

    // A whole file, made by the `gguf` Python package, and every way of cutting its header.
    let whole = include_bytes!("../reference/tokenizer-smollm.gguf");
    for len in (0..whole.len()).step_by(97) {
        let cut = write(folder.path(), "cut.gguf", &whole[..len]);
        assert!(problem(&cut).contains("cut.gguf: broken GGUF header"), "{len}: {}", problem(&cut));
    }
    let no_model = write(folder.path(), "whole.gguf", whole);
    assert!(problem(&no_model).contains("field `llama.embedding_length`"), "{}", problem(&no_model));
}
