//! Samples from rows of JSON Lines.

use std::path::Path;

use rayon::prelude::*;
use sah_bench_core::{Sample, Value};

use super::{
    jsonl::{self, Row},
    prompts::{Prompts, Template},
};
use crate::{Error, MetricError, Task, evaluate::faulty_field};

/// The columns of a row beside those that make up its request.
pub(super) struct Extra {
    pub(super) answers: Vec<String>,
    pub(super) all_classes: Option<Vec<String>>,
    pub(super) length: i64,
    pub(super) dataset: Option<String>,
    pub(super) language: Option<String>,
    pub(super) id: Option<String>,
}

impl Extra {
    /// Whether the row can be scored.
    pub(super) fn check(&self, task: &Task) -> Result<(), MetricError> {
        task.metric.check(&self.answers, self.all_classes.as_deref())
    }

    /// In the order of the benchmark's columns.
    pub(super) fn into_values(self) -> Vec<Value> {
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        vec![
            Value::TextList(self.answers),
            self.all_classes.map_or(Value::Null, Value::TextList),
            Value::Integer(self.length),
            text(self.dataset),
            text(self.language),
            text(self.id),
        ]
    }
}

/// The samples in `text`, which comes from `file`.
///
/// A row with a `question` has the columns of the hub: `context`, `question`, `answer_prefix`, `max_new_tokens`. Any
/// other has the LongBench authors' `context` and `input`, of which a template from `prompts` makes these. Both have
/// `answers`, `length` and, where they apply, `all_classes`, `dataset`, `language` and `_id`.
pub(super) fn samples(
    text: &str,
    file: &Path,
    task: &'static Task,
    prompts: Option<&Prompts>,
) -> Result<Vec<Sample>, Error> {
    let lines: Vec<_> = jsonl::rows(text, file).collect();
    let rows: Vec<Row<'_>> = lines.into_par_iter().map(jsonl::Line::parse).collect::<Result<_, _>>()?;
    let template = match rows.iter().find(|row| !row.has("question")) {
        None => None,
        Some(row) => Some(prompts.ok_or_else(|| row.no_prompts())?.template(task)?),
    };
    rows.into_par_iter()
        .map(|row| match &template {
            Some(template) if !row.has("question") => from_input(row, task, template),
            _ => from_hub_columns(row, task),
        })
        .collect()
}

fn from_hub_columns(mut row: Row<'_>, task: &'static Task) -> Result<Sample, Error> {
    let limit = row.integer("max_new_tokens")?;
    Ok(Sample {
        task: task.name.to_owned(),
        max_new_tokens: usize::try_from(limit).map_err(|_| {
            row.field_error("max_new_tokens", "a number of tokens", format!("the number {limit}"))
        })?,
        context: row.take_text("context")?,
        question: row.take_text("question")?,
        answer_prefix: row.take_text("answer_prefix")?,
        extra: extra(row, task)?,
    })
}

fn from_input(row: Row<'_>, task: &'static Task, template: &Template) -> Result<Sample, Error> {
    let filled = template.fill(row.text("context")?, row.text("input")?);
    Ok(Sample {
        task: task.name.to_owned(),
        max_new_tokens: task.max_new_tokens,
        context: filled.context,
        question: filled.question,
        answer_prefix: filled.answer_prefix,
        extra: extra(row, task)?,
    })
}

fn extra(mut row: Row<'_>, task: &Task) -> Result<Vec<Value>, Error> {
    let extra = Extra {
        answers: row.texts("answers")?,
        all_classes: row.optional_texts("all_classes")?,
        length: row.integer("length")?,
        dataset: row.take_optional_text("dataset")?,
        language: row.take_optional_text("language")?,
        id: row.take_optional_text("_id")?,
    };
    extra.check(task).map_err(|error| row.reference_error(faulty_field(&error), error))?;
    Ok(extra.into_values())
}
