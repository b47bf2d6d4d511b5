//! Samples from the bundled sample, the copy on the hub, or the authors' files.

mod original;

use std::path::Path;

use sah_bench_core::data::{
    ConfigFiles, DataSource, PromptReader, PromptRow, ReadError, Row, TemplateError, TemplateFile,
};
use sah_bench_core::{Sample, Value};
use sah_metrics::literal::{Literal, parse};
use serde_json::Map;

use crate::{Error, HUB_ID, SUBSETS, TASKS, Task};

const READER: PromptReader<'_> = PromptReader { required: &[], optional: &[] };

/// The bundled sample, ours, by task.
const SAMPLE: [&str; 4] = [
    include_str!("../../data/sample/shortdep_qa.jsonl"),
    include_str!("../../data/sample/longdep_qa.jsonl"),
    include_str!("../../data/sample/shortdep_cloze.jsonl"),
    include_str!("../../data/sample/longdep_summarization.jsonl"),
];

/// All rows of `subsets`, in that order. Every sample's task is the config it came from.
pub(crate) fn load(
    source: &DataSource,
    prompts: Option<&Path>,
    subsets: &[&str],
) -> Result<Vec<Sample>, Error> {
    let tasks: Vec<&'static Task> = subsets.iter().filter_map(|&name| Task::find(name)).collect();
    let names: Vec<&str> = tasks.iter().map(|task| task.name).collect();
    let prompts = prompts.map(TemplateFile::open).transpose()?;
    let mut samples = Vec::new();
    match source.files(HUB_ID, &names, &SUBSETS, "test")? {
        None => {
            for (task, text) in TASKS.iter().zip(SAMPLE).filter(|(task, _)| names.contains(&task.name)) {
                let file = format!("bundled sample {}.jsonl", task.name);
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
    prompts: Option<&TemplateFile>,
) -> Result<Vec<Sample>, Error> {
    let of_hub = |prompt, row: Row<'_>| Ok(of_hub(prompt, &row, task)?);
    READER.read_either(files, of_hub, |first| {
        let (file, row) = (first.file().to_owned(), first.number());
        let needed = "LooGLE's config/task2prompt.json";
        let prompts = prompts.ok_or(TemplateError::Missing { file, row, needed })?;
        let template = prompts.template([task.name], &original::FIELDS)?;
        Ok(move |row: Row<'_>| original::samples(&row, task, &template))
    })
}

fn of_hub(prompt: PromptRow, row: &Row<'_>, task: &'static Task) -> Result<Sample, ReadError> {
    let PromptRow { context, question, answer_prefix, answers, max_new_tokens, .. } = prompt;
    let is_right = match answers.as_slice() {
        [answer] => !task.is_cloze || gaps(answer).is_some(),
        _ => false,
    };
    if !is_right {
        let expected = if task.is_cloze { "an object from gaps to texts" } else { "a text" };
        return Err(row.wrong("answer", expected, format!("{answers:?}")));
    }
    Ok(Sample {
        task: task.name.to_owned(),
        context,
        question,
        answer_prefix,
        max_new_tokens,
        extra: vec![Value::TextList(answers)],
    })
}

/// The gaps and their texts in the answer of a cloze: an object of JSON, or a dictionary as Python prints it. `None` where it is
/// anything else, or has no gap.
pub(crate) fn gaps(answer: &str) -> Option<Vec<(String, String)>> {
    if let Ok(object) = serde_json::from_str::<Map<String, serde_json::Value>>(answer) {
        return gaps_of_object(&object);
    }
    let Ok(Literal::Dict(entries)) = parse(answer) else { return None };
    let pair = |(gap, text): &(Literal, Literal)| Some((gap.text()?.to_owned(), text.text()?.to_owned()));
    entries.iter().map(pair).collect::<Option<Vec<_>>>().filter(|gaps| !gaps.is_empty())
}

/// The same of a JSON object that is read already.
pub(crate) fn gaps_of_object(object: &Map<String, serde_json::Value>) -> Option<Vec<(String, String)>> {
    let pair = |(gap, text): (&String, &serde_json::Value)| Some((gap.clone(), text.as_str()?.to_owned()));
    object.iter().map(pair).collect::<Option<Vec<_>>>().filter(|gaps| !gaps.is_empty())
}
