//! The crate from outside.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use parquet::arrow::ArrowWriter;
use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample, TaskScore, Value};
use sah_custom::{Custom, Metric, Source, figures, score_predictions};
use serde_json::json;

fn open(path: &Path, metric: Metric) -> Result<Custom, String> {
    let opened = Custom::open(&Source::Path(path.to_owned()), metric);
    opened.map_err(|error| error.to_string().replace(&path.display().to_string(), "DATA"))
}

fn line(task: Option<&str>, answer: &serde_json::Value) -> String {
    let mut row =
        json!({"context": "c", "question": "q", "answer": answer, "max_new_tokens": 7, "other": [1.5]});
    if let Some(task) = task {
        row["task"] = json!(task);
    }
    row.to_string()
}

fn texts(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

#[test]
fn files_of_a_folder_are_tasks_unless_their_rows_say_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let lines = [line(None, &json!("x")), line(Some("named"), &json!(["x", "y"])), line(None, &json!(3))];
    fs::write(path.join("a.jsonl"), lines.join("\n")).unwrap();
    fs::write(path.join("README.md"), "no data").unwrap();
    fs::create_dir(path.join("b")).unwrap();
    fs::write(path.join("b/test.jsonl"), line(None, &json!("x"))).unwrap();
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.values().append_value("z");
    lists.append(true);
    let columns: [(&str, ArrayRef); 5] = [
        ("context", texts("long")),
        ("question", texts("why?")),
        ("answer_prefix", texts("So:")),
        ("answers", Arc::new(lists.finish())),
        ("max_new_tokens", Arc::new(Int64Array::from(vec![9]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(path.join("c-00000-of-00001.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let custom = open(path, Metric::F1).unwrap();
    assert_eq!(custom.subsets(), ["a", "named", "b", "c"]);
    let samples = custom.load(&["c", "a"], &NoTokenizer).unwrap();
    let [parquet, first, third] = &samples[..] else { panic!("{samples:?}") };
    let list = |text: &str| Value::TextList(vec![text.to_owned()]);
    assert_eq!((&*parquet.context, &*parquet.answer_prefix, parquet.max_new_tokens), ("long", "So:", 9));
    assert_eq!(parquet.extra, [list("z"), Value::Text("f1".to_owned())]);
    assert_eq!((&*first.answer_prefix, &first.extra[0], &third.extra[0]), ("", &list("x"), &list("3")));
}

#[test]
fn a_single_file_is_data_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qa.jsonl");
    fs::write(&file, line(None, &json!("x"))).unwrap();
    assert_eq!(open(&file, Metric::Contains).unwrap().subsets(), ["qa"]);
    fs::write(folder.path().join("qa.csv"), "").unwrap();
    let error = open(&folder.path().join("qa.csv"), Metric::Contains).unwrap_err();
    assert_eq!(error, "DATA: expected a file .jsonl or .parquet");
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let none = open(path, Metric::F1).unwrap_err();
    assert_eq!(none, "DATA: no data; expected files *.jsonl or *.parquet, in it or in its folders");
    for (metric, row, message) in [
        (Metric::F1, line(None, &json!([])), "field answer: expected a text or a list of texts, found none"),
        (
            Metric::F1,
            line(None, &json!(null)),
            "field answer: expected a text or a list of texts, found none",
        ),
        (
            Metric::Choice,
            line(None, &json!("Paris")),
            r#"field answer: expected a letter, A to D, for the metric choice, found "Paris""#,
        ),
        (
            Metric::F1,
            r#"{"context": "c", "question": "q", "answers": ["a"]}"#.to_owned(),
            "field max_new_tokens: expected an integer, found nothing",
        ),
    ] {
        fs::write(path.join("a.jsonl"), format!("{}\n{row}\n", line(None, &json!("B")))).unwrap();
        assert_eq!(open(path, metric).unwrap_err(), format!("DATA/a.jsonl: row 2, {message}"));
    }
}

#[test]
fn a_finished_run_is_scored_by_what_its_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [("t", "x"), ("t", "y"), ("u", "z")];
    let text: Vec<String> = rows.iter().map(|(task, answer)| line(Some(task), &json!(answer))).collect();
    fs::write(folder.path().join("a.jsonl"), text.join("\n")).unwrap();
    let custom = open(folder.path(), Metric::ExactMatch).unwrap();
    let record = |(index, sample): (usize, Sample)| Record {
        predicted_answer: "X.".to_owned(),
        ..Record::unanswered(index, sample)
    };
    let samples = custom.load(&custom.subsets(), &NoTokenizer).unwrap();
    let mut records: Vec<Record> = samples.into_iter().enumerate().map(record).collect();
    // One that knows no rows.
    let metrics = Custom::default().evaluate(&records);
    let scores: Vec<_> = metrics.task_scores.iter().collect();
    assert_eq!(
        scores,
        [(&"t".to_owned(), &TaskScore::Single(50.0)), (&"u".to_owned(), &TaskScore::Single(0.0))]
    );
    assert_eq!(metrics.overall_score, Some(25.0));

    records[2].sample.extra[1] = Value::Text("bleurt".to_owned());
    let metrics = Custom::default().evaluate(&records);
    let TaskScore::Failed { error } = &metrics.task_scores["u"] else { panic!("{metrics:?}") };
    assert!(error.contains(r#"field metric: expected the name of a metric, found "bleurt""#), "{error}");
    assert_eq!(metrics.overall_score, Some(50.0));

    records[2].sample.extra[1] = Value::Text("meteor".to_owned());
    let metrics = Custom::default().evaluate(&records);
    let TaskScore::Failed { error } = &metrics.task_scores["u"] else { panic!("{metrics:?}") };
    assert!(error.contains("field metric: meteor needs a WordNet, and there is none"), "{error}");
}

#[test]
fn predictions_are_scored_by_the_metric_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    let lines = [
        r#"{"id": 1, "task": "a", "prediction": "x y", "answers": ["z", "X"]}"#,
        r#"{"id": 2, "task": "a", "prediction": null, "answer": "x"}"#,
        r#"{"id": 3, "prediction": "<think>no</think>7", "answer": 7}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let rows = score_predictions(&file, None, Metric::Contains, None).unwrap();
    let scores: Vec<_> = rows.rows.iter().map(|row| (&*row.id, row.score)).collect();
    assert_eq!(scores, [("1", 100.0), ("2", 0.0), ("3", 100.0)]);
    let figures = figures(&rows);
    let tasks: Vec<_> = figures.tasks.iter().map(|(task, figure)| (&**task, *figure)).collect();
    assert_eq!(tasks, [("a", (50.0, 2)), ("all", (100.0, 1))]);
    assert_eq!(figures.overall.to_bits(), 75.0_f64.to_bits());

    let error = |metric| score_predictions(&file, None, metric, None).unwrap_err().to_string();
    assert_eq!(error(Metric::Meteor), "the metric meteor needs a WordNet");
    assert!(
        error(Metric::Choice).ends_with(
            r#"row 1, field answers: expected a letter, A to D, for the metric choice, found "z""#
        )
    );
}
