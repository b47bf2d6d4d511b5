//! Folders and files with one thing wrong, with several, and with nothing.

use serde_json::json;

use super::*;
use crate::weights::testing::{small_config, small_tensors};

const ROOM: u64 = 1 << 30;

fn config() -> Value {
    small_config(true)
}

fn tensors() -> Vec<(String, Vec<usize>)> {
    small_tensors("model.")
}

fn write_weights(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let data: Vec<Vec<u8>> =
        tensors.iter().map(|(_, shape)| vec![0; 2 * shape.iter().product::<usize>()]).collect();
    let views = tensors.iter().zip(&data).map(|((name, shape), data)| {
        let view = ::safetensors::tensor::TensorView::new(::safetensors::Dtype::BF16, shape.clone(), data);
        (name.as_str(), view.unwrap())
    });
    std::fs::write(path, ::safetensors::serialize(views, None).unwrap()).unwrap();
}

/// A folder that lacks nothing.
fn whole() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, json: Value| std::fs::write(folder.path().join(file), json.to_string()).unwrap();
    write("config.json", config());
    write(
        "tokenizer.json",
        json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
            "post_processor": null, "decoder": null, "added_tokens": [],
            "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "unk_token": "a"}}),
    );
    write("tokenizer_config.json", json!({"eos_token": "d", "chat_template": "{{ messages[0].content }}"}));
    write("generation_config.json", json!({"eos_token_id": 3}));
    write_weights(&folder.path().join("model.safetensors"), &tensors());
    folder
}

/// `part: ok|absent|WARNING|unchecked|PROBLEM text`.
fn line(finding: Finding) -> String {
    match finding.status {
        PartStatus::Fine(text) => format!("{}: ok {text}", finding.part),
        PartStatus::Absent(text) => format!("{}: absent {text}", finding.part),
        PartStatus::Note(text) => format!("{}: note {text}", finding.part),
        PartStatus::Warning(text) => format!("{}: WARNING {text}", finding.part),
        PartStatus::Unchecked(text) => format!("{}: unchecked {text}", finding.part),
        PartStatus::Problem(error) => format!("{}: PROBLEM {error}", finding.part),
    }
}

fn lines(source: &ModelSource, room: u64) -> Vec<String> {
    diagnose(source, &ConfigOverrides::default(), room, &mut ()).into_iter().map(line).collect()
}

fn problems(folder: &Path) -> Vec<String> {
    let lines = lines(&ModelSource::Folder(folder.to_owned()), ROOM);
    lines.into_iter().filter(|line| line.contains(": PROBLEM ")).collect()
}

/// Exactly one problem, with these words in it.
fn check_only(folder: &Path, words: &[&str]) {
    let problems = problems(folder);
    let [problem] = problems.as_slice() else { panic!("not one problem: {problems:#?}") };
    for word in words {
        assert!(problem.contains(word), "{word:?} is not in {problem:?}");
    }
}

#[test]
fn a_whole_folder_has_no_problem_and_is_loaded() {
    let folder = whole();
    let lines = lines(&ModelSource::Folder(folder.path().to_owned()), ROOM);
    assert_eq!(
        lines,
        [
            "config.json: ok model_type llama",
            "weights: ok 11 tensors in 1 files, 696 parameters",
            "tokenizer.json: ok reads",
            "chat template: ok reads and keeps the text of a message",
            "end of answer: ok tokens [3]",
            "positions: ok a prompt and its answer may take 64",
            "model: ok loads",
        ]
    );
}

#[test]
fn a_model_that_does_not_fit_is_not_loaded_but_its_configuration_is_read() {
    let folder = whole();
    let source = ModelSource::Folder(folder.path().to_owned());
    let last = lines(&source, 1000).pop().unwrap();
    assert!(
        last.starts_with(
            "model: unchecked the configuration is supported and has its tensors; loading takes 1670 bytes"
        ),
        "{last}"
    );
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let found = problems(folder.path());
    assert_eq!(found.len(), 3, "{found:#?}");
    for (problem, words) in
        found.iter().zip(["has no config.json", "has no model.safetensors", "AutoTokenizer"])
    {
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn what_a_model_can_do_without_is_no_problem() {
    let folder = whole();
    for file in ["tokenizer_config.json", "generation_config.json"] {
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
    let lines = lines(&ModelSource::Folder(folder.path().to_owned()), ROOM);
    let absent: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains(": absent "))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(absent, ["tokenizer_config", "chat template", "end of answer", "generation_config"]);
    assert_eq!(problems(folder.path()), [""; 0]);
}

#[test]
fn what_changes_answers_is_named_and_is_no_problem() {
    let folder = whole();
    let generation = json!({"eos_token_id": 3, "repetition_penalty": 1.1, "num_beams": 2, "do_sample": true});
    std::fs::write(folder.path().join("generation_config.json"), generation.to_string()).unwrap();
    let lines = lines(&ModelSource::Folder(folder.path().to_owned()), ROOM);
    let found: Vec<&String> = lines.iter().filter(|line| line.starts_with("generation_config: ")).collect();
    assert_eq!(
        found,
        [
            "generation_config: ok applied: repetition_penalty=1.1",
            "generation_config: WARNING not applied, transformers answers differently: num_beams=2",
            "generation_config: WARNING asks for sampling; decoding is greedy unless a request says otherwise",
        ]
    );
    assert_eq!(problems(folder.path()), [""; 0]);
    std::fs::write(folder.path().join("generation_config.json"), r#"{"repetition_penalty": 0}"#).unwrap();
    check_only(
        folder.path(),
        &["generation_config: ", "`repetition_penalty`: expected a number above 0, found 0"],
    );
}

#[test]
fn pickled_weights_say_how_to_convert_them() {
    let folder = whole();
    std::fs::rename(folder.path().join("model.safetensors"), folder.path().join("pytorch_model.bin"))
        .unwrap();
    check_only(folder.path(), &["weights: ", "convert the weights with Python", "safe_serialization"]);
}

#[test]
fn all_missing_shards_are_named() {
    let folder = whole();
    let path = |name: &str| folder.path().join(name);
    std::fs::rename(path("model.safetensors"), path("a-1-of-3.safetensors")).unwrap();
    let place = |(name, _): &(String, Vec<usize>)| (name.clone(), json!("a-1-of-3.safetensors"));
    let mut map: serde_json::Map<_, _> = tensors().iter().map(place).collect();
    let index = json!({"weight_map": map});
    std::fs::write(path("model.safetensors.index.json"), index.to_string()).unwrap();
    assert_eq!(problems(folder.path()), [""; 0]);
    map.insert("x".into(), json!("a-2-of-3.safetensors"));
    map.insert("y".into(), json!("a-3-of-3.safetensors"));
    let index = json!({"weight_map": map});
    std::fs::write(path("model.safetensors.index.json"), index.to_string()).unwrap();
    check_only(
        folder.path(),
        &["a-2-of-3.safetensors, a-3-of-3.safetensors, which model.safetensors.index.json lists"],
    );
}

#[test]
fn what_is_not_supported_is_named_with_its_field() {
    let folder = whole();
    let write =
        |config: Value| std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let with = |key: &str, value: Value| {
        let mut config = config();
        config[key] = value;
        config
    };
    write(with("model_type", json!("mamba")));
    check_only(folder.path(), &["model: ", "config.json", "`model_type` is `mamba`"]);
    write(with("rope_scaling", json!({"rope_type": "spiral", "factor": 2.0})));
    check_only(folder.path(), &["model: ", "config.json", "spiral"]);
    write(with("quantization_config", json!({"quant_method": "eetq"})));
    check_only(folder.path(), &["model: ", "config.json", "`quantization_config.quant_method`", "eetq"]);
    // A config is read before the first tensor, so all of it is found without the weights too.
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    for (key, value, expected) in [
        ("model_type", json!("mamba"), "`model_type` is `mamba`"),
        ("rope_scaling", json!({"rope_type": "spiral", "factor": 2.0}), "spiral"),
        ("quantization_config", json!({"quant_method": "eetq"}), "eetq"),
    ] {
        write(with(key, value));
        let found = problems(folder.path());
        assert!(found.len() == 2 && found[1].contains(expected), "{found:#?}");
    }
}

#[test]
fn a_tensor_that_is_missing_is_found_by_loading() {
    let folder = whole();
    write_weights(&folder.path().join("model.safetensors"), &tensors()[..10]);
    check_only(folder.path(), &["model: ", "model.safetensors", "mlp.down_proj.weight"]);
}

#[test]
fn a_template_that_changes_messages_is_a_problem() {
    let folder = whole();
    std::fs::write(folder.path().join("chat_template.jinja"), "{{ messages[0].content | upper }}").unwrap();
    check_only(folder.path(), &["chat template: ", "chat_template.jinja"]);
    std::fs::write(folder.path().join("chat_template.jinja"), "{% if").unwrap();
    check_only(folder.path(), &["chat template: ", "cannot be parsed"]);
}

#[test]
fn a_gguf_file_is_looked_at_part_by_part() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tokenizer-smollm.gguf");
    let found = lines(&ModelSource::Gguf(path), ROOM);
    assert!(found[0].starts_with("file: ok "), "{found:#?}");
    assert!(found[1].starts_with("configuration: PROBLEM ") && found[1].contains("llama."), "{found:#?}");
    assert!(found.iter().any(|line| line == "tokenizer: ok reads"), "{found:#?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    std::fs::write(&path, "GGUF").unwrap();
    let found = lines(&ModelSource::Gguf(path), ROOM);
    assert!(found.len() == 1 && found[0].starts_with("file: PROBLEM "), "{found:#?}");
}

#[test]
fn a_model_on_a_hub_is_looked_at_without_its_weights() {
    use sah_hub_server::{File, Server};

    use crate::hf::testing::model;
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    let folder = whole();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let at = |revision: &str, name: &str| format!("/org/name/resolve/{revision}/{name}");
    let mut files = vec![File::elsewhere(
        &at(COMMIT, "model.safetensors"),
        COMMIT,
        "http://HOST/never",
        &"w".repeat(2_500_000),
    )];
    for revision in ["main", COMMIT] {
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
            files.push(File::plain(&at(revision, name), COMMIT, &read(name)));
        }
        let missing =
            ["special_tokens_map.json", "added_tokens.json", "generation_config.json", "chat_template.jinja"];
        for name in missing {
            files.push(File::missing(&at(revision, name), COMMIT));
        }
    }
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(files);
    let mut report = Report { overrides: &ConfigOverrides::default(), findings: vec![] };
    report.hub(&model(home.path(), &server.address(), &[]), ROOM, &mut ());
    server.stop();
    assert_eq!(
        report.findings.into_iter().map(line).collect::<Vec<_>>(),
        [
            &format!("hub: ok commit {COMMIT}"),
            "weights: ok 1 files, 2.5 MB, still to be fetched",
            "config.json: ok model_type llama",
            "tokenizer.json: ok reads",
            "chat template: ok reads and keeps the text of a message",
            "end of answer: ok tokens [3]",
            "generation_config: absent none: the end of an answer is what config.json or the tokenizer says",
            "positions: ok a prompt and its answer may take 64",
            "model: unchecked the configuration is supported; without the weights there is nothing to load",
        ]
    );
    let mut report = Report { overrides: &ConfigOverrides::default(), findings: vec![] };
    report.hub(&model(&home.path().join("other"), "http://127.0.0.1:9", &[]), ROOM, &mut ());
    let found: Vec<String> = report.findings.into_iter().map(line).collect();
    assert!(
        found.len() == 1 && found[0].starts_with("hub: PROBLEM ") && found[0].contains("cannot be reached")
    );
}
