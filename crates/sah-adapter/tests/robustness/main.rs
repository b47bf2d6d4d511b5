//! Broken checkpoints: whatever is in a file, loading it and asking the model ends in an answer or an error. It never
//! panics, never overflows the stack, never takes memory out of proportion and never runs on without end.
//!
//! Each test breaks one kind of file in many random ways, from a fixed seed. `SAH_ROBUSTNESS_CASES` sets how many
//! (default 150): `SAH_ROBUSTNESS_CASES=50000 cargo test --release --workspace --test robustness`.

#![expect(clippy::print_stdout, reason = "how many cases loaded is shown by --nocapture")]

mod checkpoint;
mod mutate;
mod run;

use std::path::Path;

use run::{Broken, check};
use sah_adapter::ModelSource;

fn reference(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file)).unwrap()
}

/// Files of every tokenizer kind and layout of tensors.
#[test]
fn gguf_files() {
    for (name, architecture) in [
        ("model-llama", 1),
        ("model-gemma2", 2),
        ("model-gpt2", 3),
        ("model-phi3", 4),
        ("converted-qwen3next", 5),
        ("converted-qwen35moe", 6),
        ("converted-gpt-oss", 7),
        ("converted-gemma4moe", 8),
    ] {
        let whole = reference(&format!("{name}.gguf"));
        check(&format!("{name}.gguf"), architecture, |random| {
            let mut bytes = whole.clone();
            // Most of the file is tensor data, which says nothing that could be wrong.
            let header = bytes.len() / 3;
            mutate::bytes(&mut bytes, header, random);
            Broken::Gguf(bytes)
        });
    }
}

#[test]
fn safetensors_headers() {
    let whole = checkpoint::files()["model.safetensors"].clone();
    check("model.safetensors", 11, |random| {
        let mut bytes = whole.clone();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        if random.chance(3) {
            mutate::bytes(&mut bytes, header, random);
        } else {
            // The header as JSON, and its length to match.
            let mut text = bytes[8..header].to_vec();
            mutate::json(&mut text, random);
            let data = bytes.split_off(header);
            bytes = [&(text.len() as u64).to_le_bytes()[..], &text, &data].concat();
        }
        Broken::File("model.safetensors", bytes)
    });
}

#[test]
fn safetensors_indexes() {
    let whole = checkpoint::index();
    check("model.safetensors.index.json", 12, |random| {
        let mut text = whole.clone();
        mutate::json(&mut text, random);
        Broken::File("model.safetensors.index.json", text)
    });
}

#[test]
fn json_files() {
    let files = checkpoint::files();
    for (seed, name) in
        (21..).zip(["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
    {
        check(name, seed, |random| {
            let mut text = files[name].clone();
            mutate::json(&mut text, random);
            Broken::File(name, text)
        });
    }
}

/// Pickles in every container.
#[test]
fn hash_attention_weights() {
    for (seed, name) in
        (41..).zip(["dictionary-3.pkl", "dictionary-4.pkl", "checkpoint.pt", "checkpoint-legacy.pt"])
    {
        let whole = reference(&format!("hash_attention/{name}"));
        check(name, seed, |random| {
            let mut bytes = whole.clone();
            let len = bytes.len();
            mutate::bytes(&mut bytes, len, random);
            Broken::HashWeights(bytes)
        });
    }
}

/// Templates put together from pieces of templates, and templates that transformers renders with pieces changed.
#[test]
fn chat_templates() {
    let goldens: serde_json::Value = serde_json::from_slice(&reference("chat_templates.json")).unwrap();
    let sources: Vec<&str> =
        goldens.as_array().unwrap().iter().filter_map(|golden| golden["source"].as_str()).collect();
    check("chat_template.jinja", 31, |random| {
        let source = if random.chance(2) {
            mutate::template(random)
        } else {
            let mut text = (*random.choose(&sources)).as_bytes().to_vec();
            let len = text.len();
            mutate::bytes(&mut text, len, random);
            String::from_utf8_lossy(&text).into_owned()
        };
        Broken::File("chat_template.jinja", source.into_bytes())
    });
}

/// What the other tests break works as long as it is whole.
#[test]
fn whole_checkpoints_answer() {
    let folder = tempfile::tempdir().unwrap();
    for sharded in [false, true] {
        let folder = folder.path().join(if sharded { "sharded" } else { "single" });
        std::fs::create_dir(&folder).unwrap();
        checkpoint::write(&folder, sharded);
        run::answer(&ModelSource::Folder(folder)).unwrap();
    }
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, reference("model-llama.gguf")).unwrap();
    run::answer(&ModelSource::Gguf(path)).unwrap();
}
