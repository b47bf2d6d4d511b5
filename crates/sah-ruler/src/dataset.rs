//! Rows of the data sets on the hub, of folders in their layouts, and of RULER's own files.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::Sample;
use sah_bench_core::data::{
    ConfigFiles, DataFolder, DataSource, PromptReader, PromptRow, ReadError, Row, fetch_configs, json_lines,
    read_text,
};

use crate::benchmark::extra;
use crate::error::Error;
use crate::predictions::expected_task;
use crate::tasks::{SUBSETS, Task};

/// The data set on the hub, made with the tokenizer of Llama 3.1 8B and no chat template: a config for each length.
pub const HUB_ID: &str = "simonjegou/ruler";

/// The length that is loaded from the hub where none is named.
pub const HUB_LENGTH: usize = 4096;

/// RULER's own files, `<task>/validation.jsonl`.
const OWN_FILE: &str = "validation.jsonl";
const OWN_FOLDER: &str = "data";

/// The rows of `tasks`, task by task; of each the first row of every length, then the second, and so on.
pub(crate) fn load(
    source: &DataSource,
    hub_id: &str,
    lengths: &[usize],
    tasks: &[&'static Task],
) -> Result<Vec<Sample>, Error> {
    let (place, mut samples) = match source {
        DataSource::Own | DataSource::Hub => (PathBuf::from(hub_id), from_hub(hub_id, lengths, tasks)?),
        DataSource::Folder(path) => (path.clone(), from_folder(path, lengths, tasks)?),
    };
    let mut ordered = Vec::new();
    for task in tasks {
        let of_lengths: Vec<Vec<Sample>> = samples
            .iter_mut()
            .map(|rows| rows.extract_if(.., |row| row.task == task.name).collect())
            .collect();
        if of_lengths.iter().all(Vec::is_empty) {
            return Err(Error::NoTask { place, task: task.name });
        }
        ordered.extend(interleave(of_lengths));
    }
    Ok(ordered)
}

/// The first of each list, then the second of each, and so on.
pub(crate) fn interleave<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

fn from_hub(id: &str, lengths: &[usize], tasks: &[&'static Task]) -> Result<Vec<Vec<Sample>>, Error> {
    let lengths = if lengths.is_empty() { &[HUB_LENGTH] } else { lengths };
    let configs: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    let configs: Vec<&str> = configs.iter().map(String::as_str).collect();
    let files = fetch_configs(id, &configs, "test")?;
    lengths.iter().zip(&files).map(|(&length, files)| read(files, Some(length), None, tasks)).collect()
}

/// A list of rows for each length.
fn from_folder(path: &Path, lengths: &[usize], tasks: &[&'static Task]) -> Result<Vec<Vec<Sample>>, Error> {
    // What is wrong with the folder itself.
    DataFolder::open(path, &SUBSETS, "test")?;
    if has_tasks(path) {
        let &[length] = lengths else { return Err(Error::WhichLength { folder: path.to_owned() }) };
        return Ok(vec![of_tasks(path, length, tasks)?]);
    }
    let available = lengths_in(path)?;
    if available.is_empty() {
        return Err(Error::NoRows { folder: path.to_owned() });
    }
    let lengths = if lengths.is_empty() { &available } else { lengths };
    let of_length = |&length: &usize| {
        if !available.contains(&length) {
            let available = available.clone();
            return Err(Error::NoLength { folder: path.to_owned(), length, available });
        }
        let config = length.to_string();
        let folder = path.join(&config);
        // RULER's own program has them beside its predictions.
        for folder in [folder.join(OWN_FOLDER), folder] {
            if has_tasks(&folder) {
                return of_tasks(&folder, length, tasks);
            }
        }
        let files = DataFolder::open(path, &[&config], "test")?.files(&config)?;
        read(&files, Some(length), None, tasks)
    };
    lengths.iter().map(of_length).collect()
}

/// Whether `folder` has a folder for each task, as RULER's own files and some copies on the hub do.
fn has_tasks(folder: &Path) -> bool {
    SUBSETS.iter().any(|task| folder.join(task).is_dir() || folder.join(format!("{task}.jsonl")).is_file())
}

/// The lengths that have a folder or a file, from the shortest on.
fn lengths_in(folder: &Path) -> Result<Vec<usize>, Error> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    let mut lengths: Vec<usize> = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy();
        lengths.extend(name.strip_suffix(".jsonl").unwrap_or(&name).parse::<usize>().ok());
    }
    lengths.sort_unstable();
    lengths.dedup();
    Ok(lengths)
}

fn of_tasks(folder: &Path, length: usize, tasks: &[&'static Task]) -> Result<Vec<Sample>, Error> {
    let mut rows = Vec::new();
    for &task in tasks {
        let own = folder.join(task.name).join(OWN_FILE);
        if own.is_file() {
            rows.append(&mut read_own(&own, length, task)?);
            continue;
        }
        // Copies on the hub whose split is called as the task.
        let is_split = DataFolder::open(folder, &SUBSETS, task.name)?.files(task.name);
        let files = match is_split {
            Err(ReadError::NoConfig { .. }) => {
                DataFolder::open(folder, &SUBSETS, "test")?.files(task.name)?
            }
            files => files?,
        };
        rows.append(&mut read(&files, Some(length), Some(task), tasks)?);
    }
    Ok(rows)
}

/// The rows of `tasks` with the columns of the hub. `of` is the task of rows that do not name theirs.
fn read(
    files: &ConfigFiles,
    length: Option<usize>,
    of: Option<&'static Task>,
    tasks: &[&'static Task],
) -> Result<Vec<Sample>, Error> {
    let rows = PromptReader::default().read(files, |prompt, row| sample(prompt, &row, length, of))?;
    let is_wanted = |row: &Sample| tasks.iter().any(|task| task.name == row.task);
    Ok(rows.into_iter().filter(is_wanted).collect())
}

fn sample(
    prompt: PromptRow,
    row: &Row<'_>,
    length: Option<usize>,
    of: Option<&'static Task>,
) -> Result<Sample, Error> {
    let PromptRow { context, question, answer_prefix, answers, task, max_new_tokens } = prompt;
    let wrong = |found| row.wrong("task", &expected_task(), found);
    let task = match (task, of) {
        (Some(name), _) => Task::find(&name).ok_or_else(|| wrong(format!("the text {name:?}")))?,
        (None, Some(task)) => task,
        (None, None) => return Err(wrong("nothing".to_owned()).into()),
    };
    check_answers(row, "answer", &answers)?;
    let extra = extra(answers, length, None);
    Ok(Sample { task: task.name.to_owned(), context, question, answer_prefix, max_new_tokens, extra })
}

/// The rows of one of RULER's own files: `input`, `outputs` and `answer_prefix`. The last line of the input is the question.
fn read_own(file: &Path, length: usize, task: &'static Task) -> Result<Vec<Sample>, Error> {
    let text = read_text(file)?;
    let mut rows = Vec::new();
    for line in json_lines(&text, file) {
        let mut row = line.parse()?;
        let answers = row.texts("outputs")?;
        check_answers(&row, "outputs", &answers)?;
        let mut context = row.take_text("input")?;
        // Files of 2024 have the prefix at the end of the input.
        let answer_prefix = row.take_optional_text("answer_prefix")?.unwrap_or_default();
        let question = context.split_off(context.trim_end().rfind('\n').map_or(0, |end| end + 1));
        rows.push(Sample {
            task: task.name.to_owned(),
            context,
            question,
            answer_prefix,
            max_new_tokens: task.max_new_tokens,
            extra: extra(answers, Some(length), None),
        });
    }
    if rows.is_empty() { Err(ReadError::NoRows { file: file.to_owned() }.into()) } else { Ok(rows) }
}

fn check_answers(row: &Row<'_>, field: &'static str, answers: &[String]) -> Result<(), ReadError> {
    match answers {
        [] => Err(row.wrong(field, "a list of one text or more", "an empty one".to_owned())),
        _ => Ok(()),
    }
}
