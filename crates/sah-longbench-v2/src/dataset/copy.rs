//! Rows of the hub's copies, which are cut into prompts.

use std::path::Path;

use sah_bench_core::data::{ConfigFiles, PromptReader, PromptRow, ReadError, Row};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use crate::benchmark::is_letter;
use crate::category::known;
use crate::{Difficulty, Error, Length, Subset};

const fn column(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

const READER: PromptReader<'_> = PromptReader {
    required: &[column("difficulty"), column("length")],
    optional: &[column("domain"), column("sub_domain"), column("_id")],
};

pub(super) fn from_files(files: &ConfigFiles, subset: Subset) -> Result<Vec<Sample>, Error> {
    READER.read(files, |prompt, row| sample(prompt, row, subset))
}

/// The rows in `text`, which comes from `file`.
pub(super) fn from_text(text: &str, file: &Path, subset: Subset) -> Result<Vec<Sample>, Error> {
    READER.read_json_lines(text, file, |prompt, row| sample(prompt, row, subset))
}

fn sample(prompt: PromptRow, row: Row<'_>, subset: Subset) -> Result<Sample, Error> {
    let PromptRow { context, question, answer_prefix, answers, max_new_tokens, .. } = prompt;
    let extra = extra(row, answers)?;
    Ok(Sample { task: subset.name().to_owned(), context, question, answer_prefix, max_new_tokens, extra })
}

/// The benchmark's own columns of a row that can be scored.
pub(super) fn extra(mut row: Row<'_>, answers: Vec<String>) -> Result<Vec<Value>, ReadError> {
    if !matches!(&answers[..], [letter] if is_letter(letter)) {
        return Err(row.wrong("answer", "a letter, A to D", format!("{answers:?}")));
    }
    known(&row, "difficulty", "easy or hard", Difficulty::find)?;
    known(&row, "length", "short, medium or long", Length::find)?;
    let mut text = |field| row.take_optional_text(field).map(|text| text.map_or(Value::Null, Value::Text));
    Ok(vec![
        Value::TextList(answers),
        text("difficulty")?,
        text("length")?,
        text("domain")?,
        text("sub_domain")?,
        text("_id")?,
    ])
}
