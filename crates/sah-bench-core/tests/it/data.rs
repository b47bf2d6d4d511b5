//! Readers of data sets: what is in files, and what is wrong with them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Array, LargeListBuilder, LargeStringArray, ListBuilder, NullArray, RecordBatch,
    StringArray, StringBuilder, StringViewArray,
};
use parquet::arrow::ArrowWriter;
use sah_bench_core::data::{Columns, ConfigFiles, DataFolder, ReadError, Row, json_lines, read_parquet};
use sah_bench_core::{Column, ColumnKind, DataErrorKind};
use sah_hub::{HubError, HubProblem, RepoKind};

const COLUMNS: Columns<'_> = Columns {
    required: &[
        Column { name: "question", kind: ColumnKind::Text },
        Column { name: "answers", kind: ColumnKind::TextList },
        Column { name: "new_tokens", kind: ColumnKind::Integer },
    ],
    optional: &[Column { name: "id", kind: ColumnKind::Text }],
    any_kind: &[],
};

type Fields = (String, Vec<String>, usize, Option<String>);

fn fields(mut row: Row<'_>) -> Result<Fields, ReadError> {
    let answers = row.texts("answers")?;
    Ok((row.take_text("question")?, answers, row.tokens("new_tokens")?, row.take_optional_text("id")?))
}

fn write(file: &Path, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn lists(rows: &[Option<&[Option<&str>]>]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        match row {
            Some(items) => {
                items.iter().for_each(|item| builder.values().append_option(*item));
                builder.append(true);
            }
            None => builder.append(false),
        }
    }
    Arc::new(builder.finish())
}

/// Two rows, the second with an empty list.
fn columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("question", Arc::new(StringArray::from(vec!["why?", "when?"]))),
        ("answers", lists(&[Some(&[Some("a"), Some("b")]), Some(&[])])),
        ("new_tokens", Arc::new(Int32Array::from(vec![8, 16]))),
        ("id", Arc::new(StringArray::from(vec![Some("x"), None]))),
    ]
}

fn expected() -> [Fields; 2] {
    let text = str::to_owned;
    [(text("why?"), vec![text("a"), text("b")], 8, Some(text("x"))), (text("when?"), Vec::new(), 16, None)]
}

fn read(columns: Vec<(&str, ArrayRef)>) -> Result<Vec<Fields>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    write(&file, columns);
    let place = format!("{}: ", file.display());
    read_parquet(&file, COLUMNS, fields).map_err(|error: ReadError| error.to_string().replace(&place, ""))
}

fn with(name: &str, array: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    let mut columns = columns();
    columns.iter_mut().find(|(column, _)| *column == name).unwrap().1 = array;
    columns
}

#[test]
fn rows_are_the_same_from_parquet_and_json() {
    assert_eq!(read(columns()).unwrap(), expected());
    let text = concat!(
        r#"{"question": "why?", "answers": ["a", "b"], "new_tokens": 8, "id": "x", "more": {}}"#,
        "\r\n\n",
        r#"{"question": "when?", "answers": [], "new_tokens": 16, "id": null}"#,
    );
    let rows = json_lines(text, Path::new("rows.jsonl")).map(|line| fields(line.parse()?));
    assert_eq!(rows.collect::<Result<Vec<_>, _>>().unwrap(), expected());
}

#[test]
fn arrow_has_several_types_of_texts_and_lists() {
    for questions in [
        Arc::new(LargeStringArray::from(vec!["why?", "when?"])) as ArrayRef,
        Arc::new(StringViewArray::from(vec!["why?", "when?"])),
    ] {
        assert_eq!(read(with("question", questions)).unwrap(), expected());
    }
    let mut answers = LargeListBuilder::new(StringBuilder::new());
    answers.append_value([Some("a"), Some("b")]);
    answers.append_value(Vec::<Option<&str>>::new());
    assert_eq!(read(with("answers", Arc::new(answers.finish()))).unwrap(), expected());
    // A column without a single value.
    let ids = read(with("id", Arc::new(NullArray::new(2)))).unwrap().into_iter().map(|row| row.3);
    assert!(ids.into_iter().all(|id| id.is_none()));
}

#[test]
fn faulty_columns_and_rows_are_named() {
    let mut without = columns();
    without.remove(2);
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    for (columns, message) in [
        (without, "no column new_tokens; there is question, answers, id"),
        (with("answers", text.clone()), "column answers: expected a list of texts, found Utf8"),
        (with("new_tokens", text.clone()), "column new_tokens: expected an integer, found Utf8"),
        (with("id", Arc::new(Int32Array::from(vec![1, 2]))), "column id: expected a text, found Int32"),
        (with("question", text), "row 2, field question: expected a text, found nothing"),
        (
            with("new_tokens", Arc::new(Int32Array::from(vec![8, -1]))),
            "row 2, field new_tokens: expected a number of tokens, found the number -1",
        ),
        (
            with("new_tokens", Arc::new(NullArray::new(2))),
            "row 1, field new_tokens: expected an integer, found nothing",
        ),
        (
            with("answers", lists(&[None, Some(&[])])),
            "row 1, field answers: expected a list of texts, found nothing",
        ),
        (
            with("answers", lists(&[Some(&[]), Some(&[Some("a"), None])])),
            "row 2, field answers: expected a list of texts, found a list with nothing at a place",
        ),
    ] {
        assert_eq!(read(columns).unwrap_err(), message);
    }
    let empty = columns().into_iter().map(|(name, array)| (name, array.slice(0, 0))).collect();
    assert_eq!(read(empty).unwrap_err(), "the file has no rows");
}

#[test]
fn a_folder_says_which_files_and_configs_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for config in ["whole", "broken"] {
        fs::create_dir(path(config)).unwrap();
    }
    for file in [
        "whole/train-00001-of-00002.parquet",
        "whole/train-00000-of-00002.parquet",
        "whole/test-00000-of-00001.parquet",
        "broken/train-00000-of-00003.parquet",
        "lines.jsonl",
        "whole.jsonl",
    ] {
        fs::write(path(file), "").unwrap();
    }
    let configs = ["whole", "broken", "lines", "missing"];
    let data = DataFolder::open(folder.path(), &configs, "train").unwrap();
    let parquet = ["whole/train-00000-of-00002.parquet", "whole/train-00001-of-00002.parquet"].map(path);
    assert_eq!(data.files("whole").unwrap(), ConfigFiles::Parquet(parquet.to_vec()));
    assert_eq!(data.files("lines").unwrap(), ConfigFiles::JsonLines(path("lines.jsonl")));
    let message = |config| data.files(config).unwrap_err().to_string();
    assert!(message("broken").ends_with("expected 3 files train-*.parquet, as their names say, found 1"));
    let missing =
        "no data for missing, neither missing/train-*.parquet nor missing.jsonl; there is whole, lines";
    assert!(message("missing").ends_with(missing), "{}", message("missing"));
    let error = DataFolder::open(&path("none"), &configs, "train").unwrap_err();
    assert!(matches!(error, ReadError::NoFolder { .. }), "{error}");
}

#[test]
fn a_hub_out_of_reach_is_a_failure_of_the_network() {
    let kind = |problem| {
        let [endpoint, repo, revision, file] = ["http://h", "a/b", "main", "f"].map(str::to_owned);
        let error = HubError { endpoint, kind: RepoKind::Dataset, repo, revision, file, problem };
        ReadError::Hub(sah_hub::Error::Hub(Box::new(error))).kind()
    };
    assert_eq!(kind(HubProblem::Unreachable { reason: String::new() }), DataErrorKind::Network);
    assert_eq!(kind(HubProblem::NoSuchFile), DataErrorKind::Invalid);
    assert_eq!(ReadError::NoRows { file: "x".into() }.kind(), DataErrorKind::Invalid);
}

#[test]
fn data_that_is_not_unpacked_or_lies_deeper_is_pointed_to() {
    let root = tempfile::tempdir().unwrap();
    let missing = |folder: &str| {
        let folder = root.path().join(folder);
        let error =
            DataFolder::open(&folder, &["qasper", "trec"], "test").and_then(|data| data.files("qasper"));
        error.unwrap_err().to_string().replace(&root.path().display().to_string(), "ROOT")
    };
    let touch = |file: &str| {
        let file = root.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    };
    for (file, folder, hint) in [
        ("a/qasper.jsonl.gz", "a", "; there is ROOT/a/qasper.jsonl.gz (gzip): unpack it first"),
        ("b/qasper.jsonl.zst", "b", "; there is ROOT/b/qasper.jsonl.zst (zstd): unpack it first"),
        ("c/data.zip", "c", "; there is ROOT/c/data.zip (zip): unpack it first"),
        ("d/data/qasper.jsonl", "d", "; the data is in ROOT/d/data: give that folder"),
        (
            "e/LongBench/data/qasper/test-0.parquet",
            "e",
            "; the data is in ROOT/e/LongBench/data: give that folder",
        ),
        ("f/trec.jsonl", "f", "; there is trec"),
        ("g/notes.gz", "g", "; there is none"),
        ("h.zip", "h.zip", ": a file, not a folder; unpack it (zip) and give the folder that comes of it"),
        ("i/qasper.jsonl", "i/qasper.jsonl", ": a file, not a folder; give its folder, ROOT/i"),
    ] {
        touch(file);
        let error = missing(folder);
        assert!(error.ends_with(hint), "{file}: {error}");
    }
}

#[test]
fn a_card_or_the_layout_of_the_hub_says_where_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for file in
        ["data/test-00000-of-00001.parquet", "vt/vt-00000-of-00001.parquet", "4096/dev.jsonl", "x/a.parquet"]
    {
        fs::create_dir_all(path(file).parent().unwrap()).unwrap();
        fs::write(path(file), "").unwrap();
    }
    let files = |config: &str, split: &str| {
        let configs = [config];
        let files = DataFolder::open(folder.path(), &configs, split).unwrap().files(config);
        files.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
    };
    let parquet = |file: &str| Ok(ConfigFiles::Parquet(vec![path(file)]));
    assert_eq!(files("default", "test"), parquet("data/test-00000-of-00001.parquet"));
    assert_eq!(files("vt", "vt"), parquet("vt/vt-00000-of-00001.parquet"));
    assert_eq!(files("4096", "dev"), Ok(ConfigFiles::JsonLines(path("4096/dev.jsonl"))));
    assert_eq!(
        files("default", "dev").unwrap_err(),
        "DIR: no data for default, neither data/dev-*.parquet nor dev.jsonl; there is none"
    );
    let card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: x/*.parquet\n  - split: \
                dev\n    path: y/dev-*\n---\n";
    fs::write(path("README.md"), card).unwrap();
    assert_eq!(files("default", "test"), parquet("x/a.parquet"));
    assert_eq!(files("default", "dev").unwrap_err(), "DIR: no file y/dev-*, as README.md has it for default");
    assert_eq!(files("vt", "vt").unwrap_err(), "DIR/README.md: no config vt; there is default");
}
