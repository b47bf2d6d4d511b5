//! Samples from the bundled sample, a folder or the hub.

mod label;
mod original;
mod prompt_file;
mod sample;

use std::path::Path;

use sah_bench_core::data::{ConfigFiles, DataSource, PromptReader, PromptRow, ReadError, Row, TemplateError};
use sah_bench_core::{Sample, Value};

use crate::benchmark::PromptFiles;
use crate::metrics::check;
use crate::{Error, HUB_ID, SUBSETS, Task};
pub(crate) use label::{json_label, options_of_question, with_letter};
use original::Original;
use prompt_file::PromptFile;

const READER: PromptReader<'_> = PromptReader { required: &[], optional: &[] };

/// All rows of `subsets`, in that order. Every sample's task is the config it came from.
pub(crate) fn load(
    source: &DataSource,
    prompts: Option<&PromptFiles>,
    subsets: &[&str],
) -> Result<Vec<Sample>, Error> {
    let tasks: Vec<&'static Task> = subsets.iter().filter_map(|&name| Task::find(name)).collect();
    let names: Vec<&str> = tasks.iter().map(|task| task.name).collect();
    let prompts = prompts.map(PromptFile::open).transpose()?;
    let mut samples = Vec::new();
    match source.files(HUB_ID, &names, &SUBSETS, "test")? {
        None => {
            for task in &tasks {
                let file = format!("bundled sample {}.jsonl", task.name);
                let text = sample::jsonl(task.name);
                samples.extend(
                    READER
                        .read_json_lines(text, Path::new(&file), |prompt, row| of_hub(prompt, &row, task))?,
                );
            }
        }
        Some(files) => {
            for (task, files) in tasks.iter().zip(&files) {
                samples.append(&mut of_config(files, task, prompts.as_ref())?);
            }
        }
    }
    match prompts {
        Some(prompts) => Ok(prompts.check_used().map(|()| samples)?),
        None => Ok(samples),
    }
}

fn of_config(
    files: &ConfigFiles,
    task: &'static Task,
    prompts: Option<&PromptFile>,
) -> Result<Vec<Sample>, Error> {
    let of_hub = |prompt, row: Row<'_>| of_hub(prompt, &row, task);
    READER.read_either(files, of_hub, |first| {
        let (file, row) = (first.file().to_owned(), first.number());
        let missing = TemplateError::Missing { file, row, needed: "InfiniteBench's src/prompt.py" };
        let original = Original::new(task, prompts.ok_or(missing)?)?;
        Ok(move |row: Row<'_>| Ok(vec![original.sample(&row)?]))
    })
}

/// A row of the copy on the hub: of an option its letter is the answer, and the options stand in the question.
fn of_hub(prompt: PromptRow, row: &Row<'_>, task: &'static Task) -> Result<Sample, Error> {
    let PromptRow { context, question, answer_prefix, answers, max_new_tokens, .. } = prompt;
    let (label, options) = if task.metric.has_options() {
        let options = options_of_question(&question).ok_or_else(|| {
            let found = "none: without them an answer that names the option cannot be scored".to_owned();
            row.wrong("question", "four options at its end, a line with A. to D. each", found)
        })?;
        let label = match answers.as_slice() {
            [answer] => with_letter(answer, &options),
            _ => None,
        };
        let label =
            label.ok_or_else(|| row.wrong("answer", "an option or its letter", format!("{answers:?}")))?;
        (label, Value::TextList(options))
    } else {
        (answers, Value::Null)
    };
    check_label(row, task, &label)?;
    Ok(Sample {
        task: task.name.to_owned(),
        context,
        question,
        answer_prefix,
        max_new_tokens,
        extra: vec![Value::TextList(label), options],
    })
}

/// Whether answers to the row can be scored.
fn check_label(row: &Row<'_>, task: &Task, label: &[String]) -> Result<(), ReadError> {
    check(task.metric, label)
        .map_err(|error| row.wrong("answer", error.expected, format!("{:?}", error.found)))
}
