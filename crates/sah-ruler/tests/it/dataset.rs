//! Rows of folders in the layouts of the hub and of RULER's own files.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use parquet::arrow::ArrowWriter;
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, NoTokenizer, Record, Sample, TaskScore, Value};
use sah_ruler::{HUB_ID, Rows, Ruler};
use serde_json::json;

/// Two rows of two tasks, as on the hub.
pub(crate) fn write(file: &Path, tasks: [&str; 2]) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut answers = ListBuilder::new(StringBuilder::new());
    answers.append_value([Some("reed")]);
    answers.append_value([Some("reed"), Some("kelp")]);
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; 2])) as ArrayRef;
    let columns: [(&str, ArrayRef); 6] = [
        ("context", texts("Some text.\n")),
        ("question", texts("What? ")),
        ("answer_prefix", texts("It is")),
        ("answer", Arc::new(answers.finish())),
        ("task", Arc::new(StringArray::from(tasks.to_vec()))),
        ("max_new_tokens", Arc::new(Int64Array::from(vec![128, 30]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn own_file(file: &Path, input: &str, prefix: Option<&str>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut row = json!({"index": 0, "input": input, "outputs": ["reed"], "length": 77});
    if let Some(prefix) = prefix {
        row["answer_prefix"] = json!(prefix);
    }
    fs::write(file, row.to_string()).unwrap();
}

fn load(folder: &Path, lengths: &[usize], subsets: &[&str]) -> Result<Vec<Sample>, String> {
    let source = DataSource::Folder(folder.to_owned());
    let ruler = Ruler::new(Rows::Files { source, hub_id: HUB_ID.to_owned(), lengths: lengths.to_vec() });
    let samples = ruler.load(subsets, &NoTokenizer);
    samples.map_err(|error| error.to_string().replace(&folder.display().to_string(), "DIR"))
}

fn names(samples: &[Sample]) -> Vec<(&str, &Value)> {
    samples.iter().map(|sample| (sample.task.as_str(), &sample.extra[1])).collect()
}

#[test]
fn a_config_for_each_length_or_a_folder_for_each_task() {
    let folder = tempfile::tempdir().unwrap();
    for length in ["4096", "8192"] {
        write(&folder.path().join(length).join("test-00000-of-00001.parquet"), ["niah_single_1", "vt"]);
    }
    let [short, long] = [4096, 8192].map(Value::Integer);
    let rows = load(folder.path(), &[], &["vt", "niah_single_1"]).unwrap();
    let expected = [("vt", &short), ("vt", &long), ("niah_single_1", &short), ("niah_single_1", &long)];
    assert_eq!(names(&rows), expected);
    assert_eq!((rows[0].max_new_tokens, rows[0].extra[0].texts().len()), (30, 2));
    assert_eq!(
        [&rows[0].context, &rows[0].question, &rows[0].answer_prefix],
        ["Some text.\n", "What? ", "It is"]
    );
    assert_eq!(names(&load(folder.path(), &[8192], &["vt"]).unwrap()), [("vt", &long)]);
    assert_eq!(
        load(folder.path(), &[512], &["vt"]).unwrap_err(),
        "DIR: no rows of length 512; there is 4096, 8192"
    );
    assert_eq!(load(folder.path(), &[], &["fwe"]).unwrap_err(), "DIR: no rows of fwe");

    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("vt/vt-00000-of-00001.parquet"), ["vt", "vt"]);
    let long = Value::Integer(32768);
    assert_eq!(names(&load(folder.path(), &[32768], &["vt"]).unwrap()), [("vt", &long); 2]);
    let message = load(folder.path(), &[], &["vt"]).unwrap_err();
    assert_eq!(message, "DIR: rows are by task and do not say their length; name it, one length");
    assert!(load(folder.path(), &[1], &["fwe"]).unwrap_err().starts_with("DIR: no data for fwe"));
}

#[test]
fn the_last_line_of_an_input_is_its_question() {
    let folder = tempfile::tempdir().unwrap();
    own_file(&folder.path().join("4096/vt/validation.jsonl"), "A text.\nMore.\nWhich?", Some(" It is:"));
    own_file(&folder.path().join("4096/cwe/validation.jsonl"), "Only a question? It is:", None);
    let rows = load(folder.path(), &[], &["vt", "cwe"]).unwrap();
    let texts = |row: &Sample| [row.context.clone(), row.question.clone(), row.answer_prefix.clone()];
    assert_eq!(texts(&rows[0]), ["A text.\nMore.\n", "Which?", " It is:"]);
    assert_eq!(texts(&rows[1]), ["", "Only a question? It is:", ""]);
    assert_eq!([rows[0].max_new_tokens, rows[1].max_new_tokens], [30, 120]);
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        load(folder.path(), &[], &["vt"])
            .unwrap_err()
            .starts_with("DIR: no rows of RULER; expected <length>/")
    );
    assert!(load(&folder.path().join("none"), &[], &["vt"]).unwrap_err().contains("no such folder"));
    let row = r#""context": "c", "question": "q", "answer_prefix": "", "max_new_tokens": 3"#;
    for (line, message) in [
        (
            format!(r#"{{{row}, "answer": [], "task": "vt"}}"#),
            "field answer: expected a list of one text or more, found an empty one",
        ),
        (format!(r#"{{{row}, "answer": ["a"]}}"#), "field task: expected one of niah_single_1"),
        (format!(r#"{{{row}, "answer": ["a"], "task": "v"}}"#), "found the text \"v\""),
    ] {
        fs::write(folder.path().join("512.jsonl"), line).unwrap();
        let found = load(folder.path(), &[], &["vt"]).unwrap_err();
        assert!(found.starts_with("DIR/512.jsonl: row 1, ") && found.contains(message), "{found}");
    }
}

#[test]
fn figures_are_by_task_and_length() {
    let folder = tempfile::tempdir().unwrap();
    for length in ["4096", "8192"] {
        write(&folder.path().join(length).join("test-00000-of-00001.parquet"), ["niah_single_1", "vt"]);
    }
    let source = DataSource::Folder(folder.path().to_owned());
    let ruler = Ruler::new(Rows::Files { source, hub_id: HUB_ID.to_owned(), lengths: Vec::new() });
    let samples = ruler.load(&["niah_single_1", "vt"], &NoTokenizer).unwrap();
    let record = |(index, (sample, answer)): (usize, (Sample, &str))| Record {
        predicted_answer: answer.to_owned(),
        error: answer.is_empty().then(|| "too long".to_owned()),
        ..Record::unanswered(index, sample)
    };
    let answers = ["Reed", "", "reed and kelp", "kelp"];
    let records: Vec<Record> = samples.into_iter().zip(answers).enumerate().map(record).collect();
    let metrics = ruler.evaluate(&records);
    let of = |scores: [(&str, f64); 2]| {
        TaskScore::Buckets(
            scores.map(|(length, score)| (length.to_owned(), Some(score))).into_iter().collect(),
        )
    };
    assert_eq!(metrics.task_scores["niah_single_1"], of([("4096", 100.0), ("8192", 0.0)]));
    assert_eq!(metrics.task_scores["vt"], of([("4096", 100.0), ("8192", 50.0)]));
    assert_eq!(metrics.overall_score, Some(62.5));
    assert_eq!(metrics.further["length_scores"], json!({"4096": 100.0, "8192": 25.0}));
    assert_eq!(metrics.further["weighted_mean_increasing"], json!(50.0));
    assert_eq!(metrics.further["weighted_mean_decreasing"], json!(75.0));
    assert_eq!(metrics.further["effective_length"], json!(4096));
    assert_eq!(metrics.further["nulls"]["niah_single_1"]["8192"], json!("1/1"));
    let score = ruler.score(&records[3].sample, "kelp").unwrap();
    assert_eq!((score.value, score.bucket.as_deref()), (50.0, Some("8192")));
}
