//! Rows of files whose columns are named as those of every sample.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::data::{
    Columns, ConfigFiles, ReadError, Row, fetch_configs, json_lines, read_parquet, read_text,
};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use crate::{Error, Metric};

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a folder with files `*.jsonl` and `*.parquet`, in it or in its folders.
    Path(PathBuf),
    /// A data set on the hub.
    Hub {
        /// Its name, `org/name`.
        id: String,
        /// The configs; `default` for a data set that has none.
        configs: Vec<String>,
        /// The split.
        split: String,
    },
}

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

const REQUIRED: [Column; 3] = [
    column("context", ColumnKind::Text),
    column("question", ColumnKind::Text),
    column("max_new_tokens", ColumnKind::Integer),
];
const OPTIONAL: [Column; 2] = [column("answer_prefix", ColumnKind::Text), column("task", ColumnKind::Text)];
/// Either of these has the references.
const ANSWERS: [&str; 2] = ["answers", "answer"];

/// All rows of `source`. A row without a task has that of its file.
pub(crate) fn load(source: &Source, metric: Metric) -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    match source {
        Source::Path(path) => {
            for (file, task) in files(path)? {
                samples.append(&mut read(&file, &task, metric)?);
            }
        }
        Source::Hub { id, configs, split } => {
            let names: Vec<&str> = configs.iter().map(String::as_str).collect();
            let name = id.rsplit('/').next().unwrap_or(id);
            for (config, files) in names.iter().zip(fetch_configs(id, &names, split)?) {
                let task = if *config == sah_bench_core::data::DEFAULT_CONFIG { name } else { config };
                let files = match files {
                    ConfigFiles::Parquet(files) => files,
                    ConfigFiles::JsonLines(file) => vec![file],
                };
                for file in files {
                    samples.append(&mut read(&file, task, metric)?);
                }
            }
        }
    }
    Ok(samples)
}

/// The files of `path`, each with what its rows are called that say nothing of it: the file itself without its extension and
/// number, or its folder.
fn files(path: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    if path.is_file() {
        return if is_data(path) {
            Ok(vec![with_task(path)])
        } else {
            Err(Error::FileKind { file: path.to_owned() })
        };
    }
    let mut found = Vec::new();
    for entry in entries(path)? {
        if is_data(&entry) {
            found.push(with_task(&entry));
        } else if entry.is_dir() {
            let task = name_of(&entry);
            found.extend(
                entries(&entry)?.into_iter().filter(|file| is_data(file)).map(|file| (file, task.clone())),
            );
        }
    }
    if found.is_empty() { Err(Error::NoData { folder: path.to_owned() }) } else { Ok(found) }
}

/// What is in a folder, in the order of names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        entries.push(entry.map_err(io)?.path());
    }
    entries.sort();
    Ok(entries)
}

fn is_data(file: &Path) -> bool {
    file.is_file() && file.extension().is_some_and(|extension| extension == "jsonl" || extension == "parquet")
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// `qa-00000-of-00002.parquet` has the task `qa`.
fn with_task(file: &Path) -> (PathBuf, String) {
    let name = name_of(file);
    let parts: Vec<&str> = name.rsplitn(4, '-').collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let task = match parts[..] {
        [last, "of", first, task] if is_number(last) && is_number(first) => task,
        _ => &name,
    };
    (file.to_owned(), task.to_owned())
}

fn read(file: &Path, task: &str, metric: Metric) -> Result<Vec<Sample>, Error> {
    if file.extension().is_some_and(|extension| extension == "jsonl") {
        let text = read_text(file)?;
        let row = |row: Row<'_>| {
            let answers = answers_field(&row);
            sample(row, answers, task, metric)
        };
        let rows: Vec<Sample> =
            json_lines(&text, file).map(|line| row(line.parse()?)).collect::<Result<_, _>>()?;
        return if rows.is_empty() {
            Err(ReadError::NoRows { file: file.to_owned() }.into())
        } else {
            Ok(rows)
        };
    }
    let read = |answers: &'static str| {
        let columns = Columns { required: &REQUIRED, optional: &OPTIONAL, any_kind: &[answers] };
        read_parquet(file, columns, |row| sample(row, answers, task, metric))
    };
    match read(ANSWERS[0]) {
        Err(ReadError::NoColumn { column, .. }) if column == ANSWERS[0] => Ok(read(ANSWERS[1])?),
        rows => Ok(rows?),
    }
}

/// The field of a row of JSON that has the references.
pub(crate) fn answers_field(row: &Row<'_>) -> &'static str {
    ANSWERS.into_iter().find(|field| row.has(field)).unwrap_or(ANSWERS[1])
}

/// The references of a row, one at least, each of which `metric` can compare with.
pub(crate) fn references(
    row: &Row<'_>,
    field: &'static str,
    metric: Metric,
) -> Result<Vec<String>, ReadError> {
    let answers = match row.value(field)? {
        Value::Null => Vec::new(),
        Value::Text(text) => vec![text],
        Value::Integer(number) => vec![number.to_string()],
        Value::TextList(texts) => texts,
    };
    if answers.is_empty() {
        return Err(row.wrong(field, "a text or a list of texts", "none".to_owned()));
    }
    for answer in &answers {
        if let Some(expected) = metric.misfit(answer) {
            let expected = format!("{expected}, for the metric {}", metric.name());
            return Err(row.wrong(field, &expected, format!("{answer:?}")));
        }
    }
    Ok(answers)
}

fn sample(mut row: Row<'_>, field: &'static str, task: &str, metric: Metric) -> Result<Sample, ReadError> {
    let answers = references(&row, field, metric)?;
    Ok(Sample {
        task: row.take_optional_text("task")?.unwrap_or_else(|| task.to_owned()),
        max_new_tokens: row.tokens("max_new_tokens")?,
        context: row.take_text("context")?,
        question: row.take_text("question")?,
        answer_prefix: row.take_optional_text("answer_prefix")?.unwrap_or_default(),
        extra: vec![Value::TextList(answers), Value::Text(metric.name().to_owned())],
    })
}
