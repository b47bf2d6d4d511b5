//! The content of the result files, read back by other code than wrote it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sah_bench_core::{
    Benchmark as _, Column, ColumnKind, Error, FinishedRun, RunConfig, RunFolder, RunMeasures, Sample, Value,
    Warning, WarningKind, read_results,
};

use crate::support::{ScriptedModel, TinyBenchmark, config, finished, right_answers, run_in, sample};

const COLUMNS: [&str; 23] = [
    "task",
    "context",
    "question",
    "answer_prefix",
    "answers",
    "length",
    "language",
    "max_new_tokens",
    "predicted_answer",
    "thoughts",
    "ended_by",
    "error",
    "group_size",
    "context_tokens",
    "truncated_tokens",
    "border_tokens",
    "prefill_seconds",
    "question_tokens",
    "question_seconds",
    "generated_tokens",
    "thinking_tokens",
    "decode_seconds",
    "density",
];

const NASTY: &str = "a \"quoted\", word\r\nnext\nline\rand \u{4e2d}\u{6587}\u{3002} \u{1f600} #;\t'";

fn samples() -> Vec<Sample> {
    let mut nasty = sample("qa", NASTY, "q,1");
    nasty.extra = vec![
        Value::TextList(vec![NASTY.to_owned(), String::new()]),
        Value::Null,
        Value::Text("\"".to_owned()),
    ];
    let mut nulls = sample("qa", "bad", "q2");
    nulls.extra = vec![Value::Null, Value::Integer(-5), Value::Null];
    let mut empty = sample("trec", "third", "q3");
    empty.extra[0] = Value::TextList(Vec::new());
    vec![nasty, nulls, empty]
}

/// A finished folder with a row of nasty text, one that failed, and one with an empty list.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let run = finished(directory.path(), "dense", samples(), &ScriptedModel::failing_on("bad"));
    (directory, run.folder)
}

static KIND: [Column; 1] = [Column { name: "answers", kind: ColumnKind::Integer }];
static OTHER: [Column; 1] = [Column { name: "references", kind: ColumnKind::TextList }];

#[test]
fn csv_comes_back_equal() {
    let (_directory, folder) = folder();
    let mut reader = csv::Reader::from_path(folder.join("raw_results.csv")).unwrap();
    assert_eq!(reader.headers().unwrap(), &COLUMNS[..]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let field =
        |row: usize, name: &str| &rows[row][COLUMNS.iter().position(|column| *column == name).unwrap()];
    assert_eq!(rows.len(), 3);
    assert_eq!(field(0, "context"), NASTY);
    assert_eq!(serde_json::from_str::<Vec<String>>(field(0, "answers")).unwrap(), [NASTY, ""]);
    assert_eq!((field(0, "length"), field(0, "language")), ("", "\""));
    assert_eq!((field(0, "predicted_answer"), field(0, "error")), ("q,1!", ""));
    assert_eq!((field(0, "prefill_seconds"), field(0, "density")), ("1.5", "0.125"));
    assert_eq!((field(1, "predicted_answer"), field(1, "error")), ("", "out of memory"));
    assert_eq!((field(1, "answers"), field(1, "length"), field(1, "density")), ("", "-5", ""));
    assert_eq!((field(2, "answers"), field(2, "generated_tokens")), ("[]", "3"));
}

#[test]
fn answers_for_a_leaderboard_stand_in_a_file_of_their_own() {
    let (directory, none) = folder();
    assert!(!none.join("leaderboard.csv").exists());
    let hidden = |context: &str, question: &str| {
        let mut sample = sample("qa", context, question);
        sample.extra[2] = Value::Text("hidden".to_owned());
        sample
    };
    let samples = vec![hidden("c", NASTY), sample("qa", "c", "q"), hidden("bad", "q")];
    let run = finished(directory.path(), "hidden", samples, &ScriptedModel::failing_on("bad"));
    let text = std::fs::read_to_string(run.folder.join("leaderboard.csv")).unwrap();
    let nasty = format!("{NASTY}!");
    assert_eq!(rfc4180(&text), [["Task", "Prediction"], ["qa", &*nasty], ["qa", ""]]);
}

/// A parser with the rules of RFC 4180 and nothing else: it panics on what they do not allow.
fn rfc4180(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = quoted;
                loop {
                    let quote = rest.find('"').expect("a quoted field is closed");
                    field.push_str(&rest[..quote]);
                    rest = &rest[quote + 1..];
                    let Some(after) = rest.strip_prefix('"') else { break };
                    field.push('"');
                    rest = after;
                }
            } else {
                let end = rest.find([',', '\r', '\n', '"']).expect("the last line ends");
                field.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            row.push(field);
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
            } else {
                rest = rest.strip_prefix("\r\n").expect("a line ends in CR LF");
                break;
            }
        }
        rows.push(row);
    }
    rows
}

#[test]
fn csv_is_rfc_4180() {
    let (_directory, folder) = folder();
    let rows = rfc4180(&std::fs::read_to_string(folder.join("raw_results.csv")).unwrap());
    assert_eq!(rows[0], COLUMNS);
    assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[1][1], NASTY);
}

fn read_parquet(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let compressed = reader
        .metadata()
        .row_group(0)
        .columns()
        .iter()
        .all(|column| matches!(column.compression(), parquet::basic::Compression::ZSTD(_)));
    assert!(compressed);
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[test]
fn parquet_has_the_same_columns_with_types_lists_and_nulls() {
    let (_directory, folder) = folder();
    let batch = read_parquet(&folder.join("raw_results.parquet"));
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, COLUMNS);
    let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
    assert_eq!(text("context").value(0), NASTY);
    assert_eq!(text("predicted_answer").iter().collect::<Vec<_>>(), [Some("q,1!"), Some(""), Some("q3!")]);
    assert_eq!(text("error").iter().collect::<Vec<_>>(), [None, Some("out of memory"), None]);
    assert_eq!(text("language").iter().collect::<Vec<_>>(), [Some("\""), None, Some("en")]);

    let DataType::List(item) = schema.field_with_name("answers").unwrap().data_type() else {
        panic!("answers is no list")
    };
    assert_eq!(item.data_type(), &DataType::Utf8);
    let answers: &ListArray = batch.column_by_name("answers").unwrap().as_list();
    let list = |row: usize| {
        answers.value(row).as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(0), [NASTY, ""]);
    assert!(answers.is_null(1));
    assert!(answers.is_valid(2) && list(2).is_empty());

    let integers = |name: &str| -> Vec<Option<i64>> {
        batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().iter().collect()
    };
    assert_eq!(integers("length"), [None, Some(-5), Some(5)]);
    assert_eq!(integers("max_new_tokens"), [Some(16); 3]);
    assert_eq!(integers("group_size"), [Some(1), None, Some(1)]);
    let density: Vec<Option<f64>> =
        batch.column_by_name("density").unwrap().as_primitive::<Float64Type>().iter().collect();
    assert_eq!(density, [Some(0.125), None, Some(0.125)]);
}

#[test]
fn rows_come_back_as_they_were() {
    let (_directory, folder) = folder();
    let columns = TinyBenchmark::default().extra_columns();
    let path = folder.join("raw_results.parquet");
    let rows: Vec<_> = read_results(&path, columns).unwrap().map(Result::unwrap).collect();
    let read: Vec<Sample> = rows.iter().map(|row| row.sample.clone()).collect();
    assert_eq!(read, samples());
    let answers: Vec<_> =
        rows.iter().map(|row| (row.index, &*row.predicted_answer, row.error.as_deref())).collect();
    assert_eq!(answers, [(0, "q,1!", None), (1, "", Some("out of memory")), (2, "q3!", None)]);

    let missing = read_results(&folder.join("none.parquet"), columns).unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    let other = read_results(&path, &OTHER).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(&other, Error::ResultColumn { column: "references", .. }), "{other}");
    let kind = read_results(&path, &KIND).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(&kind, Error::ResultColumn { column: "answers", .. }), "{kind}");
    std::fs::write(&path, "no parquet").unwrap();
    assert!(matches!(read_results(&path, columns), Err(Error::Parquet { .. })));
}

#[test]
fn metrics_and_figures_are_plain_json_in_a_stable_order() {
    let (_directory, folder) = folder();
    let metrics = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    assert_eq!(
        metrics,
        "{\n  \"task_scores\": {\n    \"qa\": 0.0,\n    \"trec\": 0.0\n  },\n  \"overall_score\": 0.0,\n  \
         \"summary\": {\n    \"total_samples\": 3\n  }\n}\n"
    );
    let detailed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("detailed_results.json")).unwrap()).unwrap();
    let keys: Vec<&str> = detailed.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "rows",
            "rows_failed",
            "run_seconds",
            "model_load_seconds",
            "peak_memory_bytes",
            "peak_memory_source",
            "attention_backends",
            "total",
            "per_row",
            "tasks"
        ]
    );
    assert_eq!(detailed["rows_failed"], 1);
    assert_eq!(detailed["total"]["prefill"]["seconds"], 3.0);
    assert_eq!(detailed["tasks"]["qa"]["total"]["decode"]["tokens_per_second"], 4.0);
    assert_eq!(detailed["tasks"]["qa"]["per_row"]["density"]["max"], 0.125);
    assert_eq!(detailed["peak_memory_source"], serde_json::Value::Null);
}

#[test]
fn the_config_is_what_the_caller_gave() {
    let (directory, folder) = folder();
    let read = |folder: &Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
    };
    assert_eq!(read(&folder), config());
    let typed = RunFolder::create(directory.path(), "typed", "dense").unwrap();
    typed.write_config(&RunConfig { dtype: "f32".to_owned(), ..RunConfig::default() }).unwrap();
    let value = read(typed.path());
    for key in [
        "model",
        "attention",
        "dtype",
        "device",
        "seed",
        "threads",
        "data",
        "limits",
        "generation",
        "versions",
    ] {
        assert!(value.get(key).is_some(), "{key}");
    }
    assert!(serde_json::from_value::<RunConfig>(value).is_ok());
}

#[test]
fn warnings_stand_beside_the_scores_those_of_the_config_first() {
    let directory = tempfile::tempdir().unwrap();
    let known = Warning::new(WarningKind::Other, "a lens was dirty");
    let config = RunConfig { warnings: vec![known.clone()], ..RunConfig::default() };
    let model = ScriptedModel::new(|request| {
        let mut response = right_answers(request);
        if request.context == "first" {
            response.answers[0].text = " \n".to_owned();
        }
        Ok(response)
    });
    let samples = ["first", "second"].map(|context| sample("qa", context, "q")).to_vec();
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let outcome = run_in(&mut folder, samples, &model, &mut ());
    let run =
        folder.finish(&TinyBenchmark::default(), &config, &outcome.records, RunMeasures::default()).unwrap();
    assert_eq!(run.warnings, [known, Warning::new(WarningKind::EmptyAnswers, "1 of 2 answers are empty")]);
    assert_eq!(FinishedRun::read(&run.folder).unwrap(), run);
    // Without a warning there is nothing to read.
    let run = finished(directory.path(), "right", vec![sample("qa", "first", "q")], &ScriptedModel::right());
    let metrics = std::fs::read_to_string(run.folder.join("metrics.json")).unwrap();
    assert!(run.warnings.is_empty() && !metrics.contains("warnings"), "{metrics}");
}
