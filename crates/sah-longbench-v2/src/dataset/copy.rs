//! Rows of the hub's copies, which are cut into prompts.

use std::path::Path;

use sah_bench_core::data::{ConfigFiles, PromptReader, PromptRow, ReadError, Row};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use super::prompt::RowTexts;
use super::prompts::Prompts;
use crate::benchmark::is_letter;
use crate::category::known;
use crate::{Difficulty, Error, Length, Subset};

const fn column(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

const READER: PromptReader<'_> = PromptReader {
    required: &[column("difficulty"), column("length")],
    optional: &[
        column("domain"),
        column("sub_domain"),
        column("_id"),
        column("choice_A"),
        column("choice_B"),
        column("choice_C"),
        column("choice_D"),
        Column { name: "answer_prompt", kind: ColumnKind::TextList },
    ],
};

/// With `prompts` the questions are asked as these have it.
pub(super) fn from_files(
    files: &ConfigFiles,
    subset: Subset,
    prompts: Option<&Prompts>,
) -> Result<Vec<Sample>, Error> {
    READER.read(files, |prompt, row| match prompts {
        None => sample(prompt, row, subset),
        Some(prompts) => reworded(prompt, row, subset, prompts),
    })
}

/// The rows in `text`, which comes from `file`.
pub(super) fn from_text(text: &str, file: &Path, subset: Subset) -> Result<Vec<Sample>, Error> {
    READER.read_json_lines(text, file, |prompt, row| sample(prompt, row, subset))
}

fn sample(prompt: PromptRow, row: Row<'_>, subset: Subset) -> Result<Sample, Error> {
    let PromptRow { context, question, answer_prefix, answers, max_new_tokens, .. } = prompt;
    let answer_prompt = row.optional_texts("answer_prompt")?;
    let extra = extra(row, answers, answer_prompt)?;
    Ok(Sample { task: subset.name().to_owned(), context, question, answer_prefix, max_new_tokens, extra })
}

/// The row with the authors' prompts: its context stays, with what the copy begins it with.
fn reworded(prompt: PromptRow, row: Row<'_>, subset: Subset, prompts: &Prompts) -> Result<Sample, Error> {
    let PromptRow { context, question: asked, answers, .. } = prompt;
    let choices = choices(&row)?;
    let found = prompts.first.find(&context, &asked, choices[0]).ok_or_else(|| {
        let expected = format!("the wording of {} around question and options", prompts.first_file.display());
        row.wrong("question", &expected, "another".to_owned())
    })?;
    let texts = RowTexts { question: found.question, choices };
    let question = found.fill(&texts);
    let answer_prompt = prompts.answer.as_ref().map(|prompt| prompt.fill(&texts));
    Ok(as_authors(subset, (context, question), extra(row, answers, answer_prompt)?))
}

/// A row in the authors' prompt: context and question, no answer prefix, and their limit on new tokens.
pub(super) fn as_authors(subset: Subset, (context, question): (String, String), extra: Vec<Value>) -> Sample {
    Sample {
        task: subset.name().to_owned(),
        context,
        question,
        answer_prefix: String::new(),
        max_new_tokens: subset.authors_limit(),
        extra,
    }
}

/// What may be chosen.
pub(super) fn choices<'a>(row: &'a Row<'_>) -> Result<[&'a str; 4], ReadError> {
    Ok([row.text("choice_A")?, row.text("choice_B")?, row.text("choice_C")?, row.text("choice_D")?])
}

/// The benchmark's own columns of a row that can be scored.
pub(super) fn extra(
    mut row: Row<'_>,
    answers: Vec<String>,
    answer_prompt: Option<Vec<String>>,
) -> Result<Vec<Value>, ReadError> {
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
        answer_prompt.map_or(Value::Null, Value::TextList),
    ])
}
