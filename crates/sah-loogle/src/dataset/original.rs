//! Rows of the authors' files: a document with its questions, or with its summary, and prompts made by their templates.

use sah_bench_core::data::{FilledTemplate, ReadError, Row, Template};
use sah_bench_core::{Sample, Value};
use sah_metrics::literal::{Literal, parse};

use crate::{Error, Task};

/// The fields of the authors' templates, `config/task2prompt.json`.
pub(super) const FIELDS: [&str; 2] = ["input", "Q"];

/// The samples of a row: one for each question about its document, or the one that asks for its summary.
///
/// Questions are the text of a Python list of dictionaries with Q and A, which is read and never run; or the row is one question of
/// later revisions of the data, `context`, `question` and `answer`.
pub(super) fn samples(row: &Row<'_>, task: &'static Task, template: &Template) -> Result<Vec<Sample>, Error> {
    if row.has("question") {
        let answer = match row.value("answer")? {
            Value::Text(text) => Some(text),
            _ => None,
        };
        let answer =
            answer.ok_or_else(|| row.wrong("answer", "a text or an object", "another type".to_owned()))?;
        return Ok(vec![sample(
            row,
            task,
            template,
            ["context", "question"],
            row.text("question")?,
            answer,
        )?]);
    }
    let pairs = if row.has("qa_pairs") { row.text("qa_pairs")? } else { "none" };
    if pairs == "none" {
        let summary = row.text("output")?.to_owned();
        return Ok(vec![sample(row, task, template, ["input", "output"], "", summary)?]);
    }
    let wrong = |found: String| row.wrong("qa_pairs", "a list of dictionaries with Q and A", found);
    let pairs = match parse(pairs) {
        Ok(Literal::List(pairs)) => pairs,
        Ok(_) => return Err(wrong("no list".to_owned()).into()),
        Err(error) => return Err(wrong(error.to_string()).into()),
    };
    let mut samples = Vec::with_capacity(pairs.len());
    for (number, pair) in pairs.iter().enumerate() {
        let question = pair.get("Q").and_then(Literal::text);
        let answer = pair.get("A").and_then(text_of);
        let (Some(question), Some(answer)) = (question, answer) else {
            return Err(wrong(format!("question {} without them", number + 1)).into());
        };
        samples.push(sample(row, task, template, ["input", "qa_pairs"], question, answer)?);
    }
    Ok(samples)
}

/// An answer as the copy on the hub has it: a text as it is, a number by its digits, the gaps of a cloze as an object of JSON.
fn text_of(answer: &Literal) -> Option<String> {
    match answer {
        Literal::Text(text) => Some(text.clone()),
        Literal::Integer(digits) => Some(digits.clone()),
        Literal::Float(number) => Some(number.to_string()),
        Literal::Dict(entries) => {
            let pair = |(gap, text): &(Literal, Literal)| Some((gap.text()?.to_owned(), text.text()?.into()));
            let object: Option<serde_json::Map<String, serde_json::Value>> =
                entries.iter().map(pair).collect();
            object.map(|object| serde_json::Value::Object(object).to_string())
        }
        _ => None,
    }
}

/// `fields` are those of the document and of the answer.
fn sample(
    row: &Row<'_>,
    task: &'static Task,
    template: &Template,
    fields: [&'static str; 2],
    question: &str,
    answer: String,
) -> Result<Sample, ReadError> {
    if task.is_cloze && super::gaps(&answer).is_none() {
        return Err(row.wrong(fields[1], "an object from gaps to texts", answer));
    }
    let FilledTemplate { context, question, answer_prefix } =
        template.fill(&[row.text(fields[0])?, question]);
    Ok(Sample {
        task: task.name.to_owned(),
        context,
        question,
        answer_prefix,
        max_new_tokens: task.max_new_tokens,
        extra: vec![Value::TextList(vec![answer])],
    })
}
