//! Which files of a repository are fetched, and what is said where one is missing.

use std::path::Path;

use sah_hub_server::{File, Server};

use super::*;
use crate::hf::testing::model;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub with these files in `org/name`; every other file of [`SMALL`] and of the weights is known to be missing.
fn hub(files: &[(&str, &str)]) -> Server {
    let known = SMALL.iter().chain(&PICKLED).chain(&[SINGLE, INDEX, "a-2.safetensors", VOCABULARY, MERGES]);
    let names = known.copied().filter(|name| files.iter().all(|(present, _)| present != name));
    let at = |revision: &str, name: &str| format!("/org/name/resolve/{revision}/{name}");
    let mut served: Vec<File> = ["main", COMMIT]
        .iter()
        .flat_map(|revision| {
            files.iter().map(move |(name, body)| File::plain(&at(revision, name), COMMIT, body))
        })
        .collect();
    served.extend(
        names.flat_map(|name| ["main", COMMIT].map(|revision| File::missing(&at(revision, name), COMMIT))),
    );
    Server::start(served)
}

fn fetch(server: &Server, home: &Path) -> Result<Snapshot, Error> {
    checkpoint(&model(home, &server.address(), &[]), &mut ())
}

/// The files whose content was asked for.
fn fetched(server: Server) -> Vec<String> {
    let requests = server.stop();
    let path = |request: &String| {
        let path = request.lines().next()?.strip_prefix("get ")?.strip_suffix(" http/1.1")?;
        Some(path.rsplit('/').next()?.to_owned())
    };
    requests.iter().filter_map(path).collect()
}

fn problem(files: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let server = hub(files);
    let error = fetch(&server, home.path()).unwrap_err().to_string();
    server.stop();
    error
}

const CONFIG: (&str, &str) = ("config.json", "{}");
const TOKENIZER: (&str, &str) = ("tokenizer.json", "{\"t\": 1}");

#[test]
fn only_what_is_needed_is_fetched() {
    let home = tempfile::tempdir().unwrap();
    let server = hub(&[
        CONFIG,
        TOKENIZER,
        ("generation_config.json", "{\"g\": 1}"),
        ("model.safetensors", "weights"),
        ("pytorch_model.bin", "the same weights"),
        ("model.onnx", "the same again"),
        ("README.md", "a model"),
    ]);
    let snapshot = fetch(&server, home.path()).unwrap();
    assert_eq!(snapshot.commit, COMMIT);
    assert_eq!(std::fs::read_to_string(snapshot.folder.join("model.safetensors")).unwrap(), "weights");
    assert_eq!(
        fetched(server),
        ["config.json", "tokenizer.json", "generation_config.json", "model.safetensors"]
    );
    // All of it, and what is not there, is known: nobody is asked again.
    let offline = model(home.path(), "http://127.0.0.1:9", &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(checkpoint(&offline, &mut ()).unwrap().folder, snapshot.folder);
}

#[test]
fn the_two_files_of_gpt2_are_fetched_where_there_is_no_tokenizer_json() {
    let home = tempfile::tempdir().unwrap();
    let files = [(VOCABULARY, "{}"), (MERGES, "#version: 0.2")];
    let server = hub(&[CONFIG, files[0], files[1], (SINGLE, "weights")]);
    let snapshot = fetch(&server, home.path()).unwrap();
    assert!(files.iter().all(|(file, _)| snapshot.folder.join(file).is_file()));
    let server = hub(&[CONFIG, TOKENIZER, files[0], files[1], (SINGLE, "weights")]);
    let home = tempfile::tempdir().unwrap();
    fetch(&server, home.path()).unwrap();
    assert_eq!(fetched(server), ["config.json", "tokenizer.json", SINGLE]);
}

#[test]
fn all_parts_that_an_index_lists_are_fetched() {
    let home = tempfile::tempdir().unwrap();
    let index = r#"{"weight_map": {"x": "a-1.safetensors", "y": "a-3.safetensors", "z": "a-1.safetensors"}}"#;
    let parts = [("a-1.safetensors", "one"), ("a-3.safetensors", "three")];
    let server = hub(&[CONFIG, TOKENIZER, (INDEX, index), parts[0], parts[1]]);
    let snapshot = fetch(&server, home.path()).unwrap();
    assert!(parts.iter().all(|(part, _)| snapshot.folder.join(part).is_file()));
    assert_eq!(fetched(server)[2..], [INDEX, "a-1.safetensors", "a-3.safetensors"]);
    let index = r#"{"weight_map": {"x": "a-1.safetensors", "y": "a-2.safetensors"}}"#;
    let text = problem(&[CONFIG, TOKENIZER, (INDEX, index), parts[0]]);
    assert!(text.contains("has no a-2.safetensors, which model.safetensors.index.json lists"), "{text}");
}

#[test]
fn what_a_repository_lacks_is_said_before_gigabytes_are_fetched() {
    let text = problem(&[CONFIG, ("model.safetensors", "weights")]);
    assert!(text.contains("has no tokenizer.json") && text.contains("AutoTokenizer"), "{text}");
    let text = problem(&[CONFIG, TOKENIZER, ("pytorch_model.bin", "pickled")]);
    assert!(
        text.contains("has no model.safetensors") && text.contains("convert the weights with Python"),
        "{text}"
    );
    let text = problem(&[CONFIG, TOKENIZER]);
    assert!(text.contains("has no model.safetensors or model.safetensors.index.json"), "{text}");
    let text = problem(&[TOKENIZER]);
    assert!(text.contains("config.json of org/name") && text.contains("no such file"), "{text}");
}

#[test]
fn without_a_network_it_is_the_network_that_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let server = hub(&[CONFIG, TOKENIZER]);
    let repository = model(home.path(), &server.address(), &[]);
    for file in ["config.json", "tokenizer.json"] {
        repository.fetch(file, &mut ()).unwrap();
    }
    server.stop();
    let offline = model(home.path(), "http://127.0.0.1:9", &[("HF_HUB_OFFLINE", "1")]);
    let text = checkpoint(&offline, &mut ()).unwrap_err().to_string();
    assert!(
        text.contains("model.safetensors of org/name") && text.contains("HF_HUB_OFFLINE is set"),
        "{text}"
    );
    let unreachable = model(home.path(), "http://127.0.0.1:9", &[]);
    let text = checkpoint(&unreachable, &mut ()).unwrap_err().to_string();
    assert!(text.contains("model.safetensors of org/name") && text.contains("cannot be reached"), "{text}");
}
