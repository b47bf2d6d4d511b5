//! Data sets of problems and answers, without prompts.
//!
//! `Maxwell-Jia/AIME_2024` has the columns ID, Problem and Answer, `HuggingFaceH4/aime_2024`, `yentinglin/aime_2025`,
//! `math-ai/aime25` and `MathArena/aime_2025` have problem and answer, `opencompass/AIME2025` question and answer.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::data::{Columns, ReadError, Row, json_lines, read_parquet, read_text};
use sah_bench_core::{Column, ColumnKind, Sample, Value};

use super::copy::check;
use crate::{Edition, Error};

/// The folders in a folder that data sets keep their files in.
const FOLDERS: [&str; 3] = ["", "data", "default"];
/// What is asked of a problem. It is this project's own: no data set has a prompt.
const INSTRUCTION: &str = "\n\nSolve this problem step by step. Its answer is an integer from 0 to 999. End with the answer in a \
                           box: \\boxed{...}";
/// New tokens, as in the hub's copies.
const MAX_NEW_TOKENS: usize = 32_000;

/// What the columns of a data set are called.
#[derive(Clone, Copy, Debug)]
struct Names {
    problem: &'static str,
    answer: &'static str,
    /// A text; where it is an integer it only numbers the rows.
    id: Option<&'static str>,
}

const CAPITALS: Names = Names { problem: "Problem", answer: "Answer", id: Some("ID") };
const QUESTION: Names = Names { problem: "question", answer: "answer", id: None };
const PROBLEM: Names = Names { problem: "problem", answer: "answer", id: None };

/// All rows of the data set in `folder`.
pub(super) fn load(folder: &Path, edition: Edition) -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for file in files(folder)? {
        samples.append(&mut read(&file, edition)?);
    }
    let none = || Error::NoProblems { folder: folder.to_owned(), edition: edition.name() };
    if samples.is_empty() { Err(none()) } else { Ok(samples) }
}

/// The files of the first place that has any, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    for place in FOLDERS.map(|name| folder.join(name)) {
        if !place.is_dir() {
            continue;
        }
        let io = |source| ReadError::Io { path: place.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&place).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|extension| extension == "parquet" || extension == "jsonl") {
                files.push(path);
            }
        }
        if !files.is_empty() {
            files.sort();
            return Ok(files);
        }
    }
    Ok(Vec::new())
}

fn read(file: &Path, edition: Edition) -> Result<Vec<Sample>, Error> {
    if file.extension().is_some_and(|extension| extension == "jsonl") {
        let text = read_text(file)?;
        let sample = |row: Row<'_>| {
            let names = [CAPITALS, QUESTION].into_iter().find(|names| row.has(names.problem));
            sample(row, names.unwrap_or(PROBLEM), edition)
        };
        return json_lines(&text, file).map(|line| sample(line.parse()?)).collect();
    }
    let read = |names: Names| {
        let text = |name| Column { name, kind: ColumnKind::Text };
        let id: Vec<Column> = names.id.map(text).into_iter().collect();
        let columns = Columns { required: &[text(names.problem)], optional: &id, any_kind: &[names.answer] };
        read_parquet(file, columns, |row| sample(row, names, edition))
    };
    for names in [CAPITALS, QUESTION] {
        match read(names) {
            Err(Error::Read(ReadError::NoColumn { .. })) => {}
            read => return read,
        }
    }
    read(PROBLEM)
}

fn sample(mut row: Row<'_>, names: Names, edition: Edition) -> Result<Sample, Error> {
    let answers = match row.value(names.answer)? {
        Value::Text(text) => vec![text],
        Value::Integer(number) => vec![number.to_string()],
        Value::TextList(texts) => texts,
        Value::Null => Vec::new(),
    };
    check(names.answer, &answers, &row)?;
    let context = row.take_text(names.problem)?;
    let id = names.id.map(|id| row.take_optional_text(id)).transpose()?.flatten();
    Ok(Sample {
        task: edition.name().to_owned(),
        context,
        question: INSTRUCTION.to_owned(),
        answer_prefix: String::new(),
        max_new_tokens: MAX_NEW_TOKENS,
        extra: vec![Value::TextList(answers), id.map_or(Value::Null, Value::Text)],
    })
}
