//! What LongBench's columns mean: samples from the rows of a data file.

use std::path::Path;

use rayon::prelude::*;
use sah_bench_core::data::{
    Columns, FilledTemplate, JsonLine, Row, Template, TemplateError, TemplateFile, json_lines, read_parquet,
};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use crate::{Error, Task, evaluate::faulty_field};

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

/// The columns of the hub's Parquet files.
const COLUMNS: Columns<'_> = Columns {
    required: &[
        column("context", ColumnKind::Text),
        column("question", ColumnKind::Text),
        column("answer_prefix", ColumnKind::Text),
        column("max_new_tokens", ColumnKind::Integer),
        column("answers", ColumnKind::TextList),
        column("length", ColumnKind::Integer),
    ],
    optional: &[
        column("all_classes", ColumnKind::TextList),
        column("dataset", ColumnKind::Text),
        column("language", ColumnKind::Text),
        column("_id", ColumnKind::Text),
    ],
    any_kind: &[],
};

/// The samples in a Parquet file of the hub.
pub(super) fn from_parquet(file: &Path, task: &'static Task) -> Result<Vec<Sample>, Error> {
    read_parquet(file, COLUMNS, |row| from_hub_columns(row, task))
}

/// The samples in `text`, which comes from `file`.
///
/// A row with a `question` has the columns of the hub: `context`, `question`, `answer_prefix`, `max_new_tokens`. Any
/// other has the LongBench authors' `context` and `input`, of which a template from `prompts` makes these. Both have
/// `answers`, `length` and, where they apply, `all_classes`, `dataset`, `language` and `_id`.
pub(super) fn from_json_lines(
    text: &str,
    file: &Path,
    task: &'static Task,
    prompts: Option<&TemplateFile>,
) -> Result<Vec<Sample>, Error> {
    let lines: Vec<_> = json_lines(text, file).collect();
    let rows: Vec<Row<'_>> = lines.into_par_iter().map(JsonLine::parse).collect::<Result<_, _>>()?;
    let template = match rows.iter().find(|row| !row.has("question")) {
        None => None,
        Some(row) => {
            let (file, row) = (row.file().to_owned(), row.number());
            let missing = TemplateError::Missing { file, row, needed: "LongBench's dataset2prompt.json" };
            // A config of LongBench-E may have the template of the task that it is made of.
            Some(prompts.ok_or(missing)?.template([task.name, task.base], &["context", "input"])?)
        }
    };
    rows.into_par_iter()
        .map(|row| match &template {
            Some(template) if !row.has("question") => from_input(row, task, template),
            _ => from_hub_columns(row, task),
        })
        .collect()
}

fn from_hub_columns(mut row: Row<'_>, task: &'static Task) -> Result<Sample, Error> {
    Ok(Sample {
        task: task.name.to_owned(),
        max_new_tokens: row.tokens("max_new_tokens")?,
        context: row.take_text("context")?,
        question: row.take_text("question")?,
        answer_prefix: row.take_text("answer_prefix")?,
        extra: extra(row, task)?,
    })
}

fn from_input(row: Row<'_>, task: &'static Task, template: &Template) -> Result<Sample, Error> {
    let FilledTemplate { context, question, answer_prefix } =
        template.fill(&[row.text("context")?, row.text("input")?]);
    Ok(Sample {
        task: task.name.to_owned(),
        max_new_tokens: task.max_new_tokens,
        context,
        question,
        answer_prefix,
        extra: extra(row, task)?,
    })
}

/// The values of the benchmark's own columns, in their order, of a row that can be scored.
fn extra(mut row: Row<'_>, task: &Task) -> Result<Vec<Value>, Error> {
    let answers = row.texts("answers")?;
    let classes = row.optional_texts("all_classes")?;
    let length = row.integer("length")?;
    let mut text = |field| row.take_optional_text(field).map(|text| text.map_or(Value::Null, Value::Text));
    let [dataset, language, id] = [text("dataset")?, text("language")?, text("_id")?];
    let check = task.metric.check(&answers, classes.as_deref());
    check.map_err(|error| Error::reference(&row, faulty_field(&error), error))?;
    Ok(vec![
        Value::TextList(answers),
        classes.map_or(Value::Null, Value::TextList),
        Value::Integer(length),
        dataset,
        language,
        id,
    ])
}
