//! The authors' files: `<task>/<split>.jsonl`, or `<task>.zip` with these in it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use sah_bench_core::data::{ReadError, Row, json_lines, read_text, text};
use sah_bench_core::{Sample, Value};
use sah_metrics::python::strip;

use crate::{Split, Task};

/// A folder of the authors' files.
pub(super) struct Original<'a> {
    folder: &'a Path,
    split: Split,
}

impl<'a> Original<'a> {
    /// `folder`, if it has files of any task.
    pub(super) fn find(folder: &'a Path, split: Split) -> Option<Self> {
        let new = Self { folder, split };
        let has = |task: &Task| {
            new.file(task).is_file() || new.archive(task).is_file() || folder.join(task.name).is_dir()
        };
        crate::TASKS.iter().any(has).then_some(new)
    }

    fn file(&self, task: &Task) -> PathBuf {
        self.folder.join(task.name).join(format!("{}.jsonl", self.split.name()))
    }

    fn archive(&self, task: &Task) -> PathBuf {
        self.folder.join(format!("{}.zip", task.name))
    }

    /// The rows of a task. Lines with the same id are one row, with the answers of all of them.
    pub(super) fn load(&self, task: &Task) -> Result<Vec<Sample>, ReadError> {
        let file = self.file(task);
        let archive = self.archive(task);
        let (text, file) = if file.is_file() || !archive.is_file() {
            (read_text(&file)?, file)
        } else {
            unpack(&archive, self.split)?
        };
        let mut samples: IndexMap<String, Sample> = IndexMap::new();
        for line in json_lines(&text, &file) {
            let row = line.parse()?;
            let answer = if row.has("output") { Some(row.text("output")?.to_owned()) } else { None };
            let sample = samples.entry(row.text("id")?.to_owned());
            let sample = match sample {
                indexmap::map::Entry::Occupied(known) => known.into_mut(),
                indexmap::map::Entry::Vacant(free) => free.insert(sample_of(&row, task)?),
            };
            if let (Value::TextList(answers), Some(answer)) = (&mut sample.extra[0], answer) {
                answers.push(answer);
            }
        }
        if samples.is_empty() {
            return Err(ReadError::NoRows { file });
        }
        Ok(samples.into_values().collect())
    }
}

/// The text of `<split>.jsonl` in an archive, wherever it lies there, and what errors call it.
fn unpack(archive: &Path, split: Split) -> Result<(String, PathBuf), ReadError> {
    let io = |source| ReadError::Io { path: archive.to_owned(), source };
    let name = format!("{}.jsonl", split.name());
    let mut zip = zip::ZipArchive::new(File::open(archive).map_err(io)?).map_err(|error| io(error.into()))?;
    let is_wanted = |entry: &String| {
        Path::new(entry).file_name().is_some_and(|file| file == name.as_str())
            && !entry.starts_with("__MACOSX/")
    };
    let entry = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).find(is_wanted);
    let entry = entry.ok_or_else(|| io(std::io::Error::other(format!("no {name} in the archive"))))?;
    let mut bytes = Vec::new();
    zip.by_name(&entry).map_err(|error| io(error.into()))?.read_to_end(&mut bytes).map_err(io)?;
    let file = archive.join(entry);
    text(bytes, &file).map(|text| (text, file))
}

/// A row with its prompt, which the data cuts: positions count characters. Context, question and answer prefix are those of the
/// copy on the hub, which takes the white space around the answer prefix off.
fn sample_of(row: &Row<'_>, task: &Task) -> Result<Sample, ReadError> {
    let input = row.text("input")?;
    let document = place(row, input, "document_end_index")?;
    let query = place(row, input, "query_end_index")?;
    if query < document {
        let found = format!("{}, before it", row.integer("query_end_index")?);
        return Err(row.wrong("query_end_index", "a place after the document's end", found));
    }
    let id = |field| {
        Ok::<_, ReadError>(if row.has(field) {
            Value::Text(row.text(field)?.to_owned())
        } else {
            Value::Null
        })
    };
    Ok(Sample {
        task: task.name.to_owned(),
        context: input[..document].to_owned(),
        question: input[document..query].to_owned(),
        answer_prefix: strip(&input[query..]).to_owned(),
        max_new_tokens: task.max_new_tokens,
        extra: vec![Value::TextList(Vec::new()), id("id")?, id("pid")?],
    })
}

/// The byte where the character of a field's number begins.
fn place(row: &Row<'_>, input: &str, field: &'static str) -> Result<usize, ReadError> {
    let number = row.integer(field)?;
    let outside = || {
        row.wrong(
            field,
            &format!("a place in the {} characters of input", input.chars().count()),
            number.to_string(),
        )
    };
    let number = usize::try_from(number).map_err(|_| outside())?;
    let mut places = input.char_indices().map(|(byte, _)| byte).chain([input.len()]);
    places.nth(number).ok_or_else(outside)
}
