//! Samples from the bundled sample, the copy on the hub, or the authors' files.

mod original;

use std::path::Path;

use sah_bench_core::data::{DEFAULT_CONFIG, DataSource, PromptReader, PromptRow, ReadError, Row};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use crate::{HUB_ID, SUBSETS, Split, Task};

/// The bundled sample, ours: a row for each task.
const SAMPLE: &str = include_str!("../../data/sample/sample.jsonl");

const READER: PromptReader<'_> = PromptReader {
    required: &[],
    optional: &[
        Column { name: "id", kind: ColumnKind::Text },
        Column { name: "pid", kind: ColumnKind::Text },
    ],
};

/// All rows of `subsets`, in that order.
pub(crate) fn load(
    source: &DataSource,
    split: Option<Split>,
    subsets: &[&str],
) -> Result<Vec<Sample>, ReadError> {
    if let Some(folder) = source.folder()
        && let Some(original) = original::Original::find(folder, split.unwrap_or(Split::Validation))
    {
        let tasks = subsets.iter().filter_map(|&name| Task::find(name));
        return tasks
            .map(|task| original.load(task))
            .collect::<Result<Vec<_>, _>>()
            .map(|tasks| tasks.concat());
    }
    let split = split.unwrap_or(Split::Test).name();
    let samples: Vec<Sample> = match source.files(HUB_ID, &[DEFAULT_CONFIG], &[DEFAULT_CONFIG], split)? {
        None => READER.read_json_lines(SAMPLE, Path::new("bundled sample"), of_hub)?,
        Some(files) => {
            let mut samples = Vec::new();
            for files in &files {
                samples.append(&mut READER.read(files, of_hub)?);
            }
            samples
        }
    };
    let of =
        |subset: &&str| samples.iter().filter(|sample| sample.task == *subset).cloned().collect::<Vec<_>>();
    Ok(subsets.iter().flat_map(of).collect())
}

fn of_hub(prompt: PromptRow, mut row: Row<'_>) -> Result<Sample, ReadError> {
    let PromptRow { context, question, answer_prefix, answers, task, max_new_tokens } = prompt;
    let task = task.filter(|task| Task::find(task).is_some()).ok_or_else(|| {
        let found = if row.has("task") { format!("{:?}", row.text("task")) } else { "nothing".to_owned() };
        row.wrong("task", &format!("one of {}", SUBSETS.join(", ")), found)
    })?;
    let mut text = |field| row.take_optional_text(field).map(|text| text.map_or(Value::Null, Value::Text));
    let [id, pid] = [text("id")?, text("pid")?];
    if answers.is_empty() && id == Value::Null {
        let expected = "a text, by which the leaderboard knows a row without an answer";
        return Err(row.wrong("id", expected, "nothing".to_owned()));
    }
    Ok(Sample {
        task,
        context,
        question,
        answer_prefix,
        max_new_tokens,
        extra: vec![Value::TextList(answers), id, pid],
    })
}
