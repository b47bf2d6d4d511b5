//! Rows of the hub's copies, which are cut into prompts.

use std::path::Path;

use sah_bench_core::data::{
    Columns, ConfigFiles, PromptReader, PromptRow, ReadError, Row, json_lines, read_parquet, read_text,
};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use crate::{Edition, Error, answer};

const CONTEXT: Column = Column { name: "context", kind: ColumnKind::Text };
const READER: PromptReader<'_> =
    PromptReader { required: &[], optional: &[Column { name: "id", kind: ColumnKind::Text }] };

/// Whether the rows have contexts; those of original data sets have problems in their place.
pub(super) fn is_copy(files: &ConfigFiles) -> Result<bool, ReadError> {
    match files {
        ConfigFiles::Parquet(files) => {
            let columns = Columns { required: &[], optional: &[CONTEXT], any_kind: &[] };
            let first =
                files.first().map(|file| read_parquet(file, columns, |row| Ok(row.has(CONTEXT.name))));
            first.map_or(Ok(false), |rows| rows.map(|rows: Vec<bool>| rows.contains(&true)))
        }
        ConfigFiles::JsonLines(file) => {
            let text = read_text(file)?;
            let first =
                json_lines(&text, file).next().map(|line| line.parse().map(|row| row.has(CONTEXT.name)));
            first.unwrap_or(Ok(false))
        }
    }
}

pub(super) fn from_files(files: &ConfigFiles, edition: Edition) -> Result<Vec<Sample>, Error> {
    READER.read(files, |prompt, row| sample(prompt, row, edition))
}

/// The rows in `text`, which comes from `file`.
pub(super) fn from_text(text: &str, file: &Path, edition: Edition) -> Result<Vec<Sample>, Error> {
    READER.read_json_lines(text, file, |prompt, row| sample(prompt, row, edition))
}

fn sample(prompt: PromptRow, mut row: Row<'_>, edition: Edition) -> Result<Sample, Error> {
    let PromptRow { context, question, answer_prefix, answers, max_new_tokens, .. } = prompt;
    check("answer", &answers, &row)?;
    let id = row.take_optional_text("id")?.map_or(Value::Null, Value::Text);
    let extra = vec![Value::TextList(answers), id];
    Ok(Sample { task: edition.name().to_owned(), context, question, answer_prefix, max_new_tokens, extra })
}

/// There is one answer, and it is one that the competition may have.
pub(super) fn check(field: &'static str, answers: &[String], row: &Row<'_>) -> Result<(), ReadError> {
    match answers {
        [one] if answer::reference(one).is_some() => Ok(()),
        _ => Err(row.wrong(field, answer::EXPECTED, format!("{answers:?}"))),
    }
}
