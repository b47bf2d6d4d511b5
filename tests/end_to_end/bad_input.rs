//! Bad input gets one clear line that names the place and the remedy; exit code 2 for usage, 1 for failure.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use crate::command::{run, xtask};

/// Runs `bench longbench` with `arguments` and checks its exit code and what its only line says.
fn check(arguments: &[&str], code: i32, says: &[&str]) {
    check_with(arguments, &[], code, says);
}

fn check_with(arguments: &[&str], environment: &[(&str, &str)], code: i32, says: &[&str]) {
    let results = tempfile::tempdir().unwrap();
    let own_results = arguments.contains(&"--result-dir");
    let mut command = xtask(&["bench", "longbench"]);
    command.args(arguments).envs(environment.iter().copied());
    if !own_results {
        command.arg("--result-dir").arg(results.path());
    }
    let (found, _, log) = run(&mut command);
    assert_eq!(found, code, "{arguments:?}: {log}");
    // What the run says of itself before (which data it reads) is no part of the error.
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with("data: ")).collect();
    let [line] = lines.as_slice() else { panic!("{arguments:?}: not one line:\n{log}") };
    assert!(line.starts_with("error: "), "{line}");
    let causes: Vec<&str> = line.split(": ").filter(|cause| cause.len() > 8).collect();
    assert!(causes.windows(2).all(|pair| pair[0] != pair[1]), "a cause is said twice: {line}");
    for word in says {
        assert!(line.contains(word), "{word:?} is not in {line:?}");
    }
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_unknown_subset_lists_the_valid_ones() {
    check(&["--subsets", "hotpotqa,ruler"], 2, &["ruler", "narrativeqa", "repobench-p_e"]);
    check(
        &["--subsets", "hotpotqa,hotpot"],
        2,
        &["no subset \"hotpot\"; did you mean hotpotqa or hotpotqa_e?"],
    );
}

#[test]
fn an_unknown_attention_lists_what_there_is() {
    check(&["--attention", "sparse"], 2, &["sparse", "dense", "streaming_llm", ".json"]);
}

#[test]
fn a_field_set_wrongly_is_named_with_what_there_is() {
    check(&["--attention", "quest", "--set", "pages=3"], 2, &["quest", "pages=3", "did you mean page_size?"]);
    check(&["--attention", "quset"], 2, &["did you mean quest?"]);
    check(&["--modle", "x"], 2, &["'--modle' found; did you mean --model?"]);
    check(&["--attention", "quest", "--set", "page_size=0"], 2, &["quest", "page_size", "at least 1"]);
    check(&["--attention", "double_sparsity"], 2, &["double_sparsity", "sorted_channel_file"]);
}

#[test]
fn keys_are_evicted_only_where_none_is_missed() {
    let streaming = ["--attention", "streaming_llm", "--evict"];
    check(
        &["--attention", "pqcache", "--evict"],
        2,
        &["--evict with --attention pqcache", "leave out --evict"],
    );
    check(
        &[&streaming[..], &["--local-window", "10%"]].concat(),
        2,
        &["streaming_llm", "`local`", "fixed number"],
    );
    check(&[&streaming[..], &["--set", "dense_layers=2"]].concat(), 2, &["streaming_llm", "2 dense layers"]);
    check(&[&streaming[..], &["--micro-metrics", "0.1"]].concat(), 2, &["--micro-metrics with --evict"]);
}

#[test]
fn options_that_change_nothing_are_refused() {
    check(&["--attention", "dense", "--set", "sink.size=9"], 2, &["--set sink.size=9 has no effect"]);
    check(
        &["--attention", "quest", "--sink-size", "5"],
        2,
        &["--sink-size has no effect", "--set sink.size=5"],
    );
    check(&["--truncation", "middle"], 2, &["--truncation has no effect", "--max-context-length"]);
    check(&["--retries", "3"], 2, &["--retries has no effect"]);
    check(&["--stop", ""], 2, &["--stop"]);
}

#[test]
fn a_flag_out_of_range_says_the_range() {
    check(&["--local-window", "0.5"], 2, &["--local-window", "0.5", "10", "see --help"]);
    check(&["--max-samples", "0"], 2, &["--max-samples", "see --help"]);
    check(&["--dtype", "int4"], 2, &["--dtype", "f32", "bf16", "f16"]);
}

#[test]
fn an_attention_file_that_is_wrong_names_file_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "mine.json", r#"{"maskers": [{"type": "sink", "size": 4, "window": 3}]}"#);
    check(&["--attention", &path], 1, &["mine.json", "window"]);
    let path = file(&folder, "zero.json", r#"{"maskers": [{"type": "local", "size": 0}]}"#);
    check(&["--attention", &path], 1, &["zero.json", "0"]);
}

#[test]
fn a_missing_model_folder_is_found_at_once() {
    check(&["--model", "/no/such/folder"], 1, &["/no/such/folder"]);
}

const TINY_CONFIG: &str = r#"{"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "vocab_size": 4, "max_position_embeddings": 64, "rms_norm_eps": 1e-5}"#;
const TINY_TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "unk_token": "a"}}"#;

#[test]
fn truncated_safetensors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, "config.json", TINY_CONFIG);
    file(&folder, "tokenizer.json", TINY_TOKENIZER);
    // A header that promises more bytes than there are.
    file(&folder, "model.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":{");
    check(&["--model", name(folder.path()), "--subsets", "qasper"], 1, &["model.safetensors"]);
}

#[test]
fn a_broken_gguf_header_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        file(&folder, "broken.gguf", b"GGUF\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00");
    check(&["--model", &path, "--subsets", "qasper"], 1, &["broken.gguf"]);
    let path = file(&folder, "text.gguf", b"not a model");
    check(&["--model", &path, "--subsets", "qasper"], 1, &["text.gguf"]);
}

#[test]
fn parquet_without_a_column_names_file_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qasper/test-00000-of-00001.parquet");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("context", Arc::new(StringArray::from(vec!["text"])) as _),
        ("question", Arc::new(StringArray::from(vec!["why?"])) as _),
        ("length", Arc::new(Int64Array::from(vec![1])) as _),
    ])
    .unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let data = name(folder.path());
    check(&["--data", data, "--subsets", "qasper"], 1, &["test-00000-of-00001.parquet", "answer_prefix"]);
    check(&["--data", data, "--subsets", "hotpotqa"], 1, &[data, "hotpotqa", "qasper"]);
}

#[test]
fn answers_of_the_wrong_type_name_file_row_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let good = r#"{"context": "c", "question": "q", "answer_prefix": "", "answers": ["a"], "length": 1, "max_new_tokens": 4,
        "all_classes": null, "dataset": "qasper", "language": "en", "_id": "1"}"#;
    let good = good.replace('\n', " ");
    let bad = good.replace(r#"["a"]"#, "17");
    file(&folder, "qasper.jsonl", format!("{good}\n{bad}\n"));
    check(
        &["--data", name(folder.path()), "--subsets", "qasper"],
        1,
        &["qasper.jsonl", "2", "answers", "17"],
    );
}

/// A byte order mark is no part of a file; other encodings and archives are told by their names; a line has its own number.
#[test]
fn what_editors_and_archives_do_to_data_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = r#"{"context": "c", "question": "q", "answer_prefix": "", "answers": ["a"], "length": 1, "max_new_tokens": 4,
        "all_classes": null, "dataset": "qasper", "language": "en", "_id": "1"}"#;
    let good = good.replace('\n', " ");
    let data = folder.path().join("data");
    let flags = ["--data", name(folder.path()), "--subsets", "qasper"];
    let inner = ["--data", name(&data), "--subsets", "qasper"];
    file(&folder, "data/qasper.jsonl", format!("\u{feff}{good}\n{{\"context\": \"c\", \n"));
    check(&inner, 1, &["qasper.jsonl: line 2: expected a JSON object: EOF while parsing", " at column "]);
    check(&flags, 1, &["no data for qasper", "the data is in", "data: give that folder"]);
    file(&folder, "data/qasper.jsonl", b"\xff\xfe{\0}\0");
    check(&inner, 1, &["qasper.jsonl: UTF-16 text; save it as UTF-8"]);
    fs::rename(data.join("qasper.jsonl"), data.join("qasper.jsonl.gz")).unwrap();
    check(&inner, 1, &["qasper.jsonl.gz (gzip): unpack it first"]);
    let path = file(&folder, "prompts.json", "{}");
    file(&folder, "data/qasper.jsonl", format!("{good}\n"));
    check(
        &[&inner[..], &["--prompts", &path]].concat(),
        1,
        &["no row needs a template", "leave out --prompts"],
    );
    // In a plan, too.
    let plan = file(&folder, "plan.toml", "\u{feff}max_samples = 2\n");
    check(&["--config", &plan], 2, &["plan.toml, line 1: there is no option", "did you mean max-samples?"]);
}

#[test]
fn a_missing_data_folder_is_named() {
    check(&["--data", "/no/such/data"], 1, &["/no/such/data"]);
}

#[test]
fn a_result_folder_that_cannot_be_written_is_found_before_the_model_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    // A file where a folder is wanted: refused even to root.
    let path = file(&folder, "file", "");
    check(&["--result-dir", &path, "--subsets", "qasper"], 1, &[&path, "--result-dir"]);
}

#[test]
fn a_hub_out_of_reach_says_what_to_do_instead() {
    let cache = tempfile::tempdir().unwrap();
    let environment = [("HF_ENDPOINT", "http://127.0.0.1:9"), ("HF_HOME", name(cache.path()))];
    let model = ["--model", "some/model", "--subsets", "qasper"];
    check_with(&model, &environment, 75, &["some/model", "127.0.0.1:9", "HF_ENDPOINT"]);
    let data = ["--data", "hub", "--subsets", "qasper"];
    check_with(&data, &environment, 75, &["Xnhyacinth/LongBench", "127.0.0.1:9", "--data DIR"]);
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_HOME", name(cache.path()))];
    check_with(
        &data,
        &offline,
        1,
        &["or give a local folder; a folder with the data is named with --data DIR"],
    );
}

#[test]
fn the_login_of_a_mirror_is_never_shown() {
    let cache = tempfile::tempdir().unwrap();
    for endpoint in
        ["http://user:secret@127.0.0.1:9", "http://user:sec/secret@127.0.0.1:9", "user:secret@127.0.0.1:9"]
    {
        let mut command = xtask(&["doctor", "org/name"]);
        command.env("HF_ENDPOINT", endpoint).env("HF_HOME", cache.path()).env("RUST_LOG", "trace");
        let (code, report, log) = run(&mut command);
        assert_ne!(code, 0, "{report}{log}");
        let said = report + &log;
        assert!(said.contains("127.0.0.1:9") && !said.contains("secret"), "{said}");
    }
}
