//! Rows of data sets that are cut into prompts already: the columns that copies of benchmarks on the hub share.

use std::path::Path;

use super::{Columns, ConfigFiles, ReadError, Row, json_lines, read_parquet, read_text};
use crate::{Column, ColumnKind, Value};

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

const REQUIRED: [Column; 4] = [
    column("context", ColumnKind::Text),
    column("question", ColumnKind::Text),
    column("answer_prefix", ColumnKind::Text),
    column("max_new_tokens", ColumnKind::Integer),
];
const TASK: Column = column("task", ColumnKind::Text);
const ANSWER: &str = "answer";

/// What a row with the columns `context`, `question`, `answer_prefix`, `answer`, `task` and `max_new_tokens` says.
///
/// Context, question and answer prefix are joined as they are: blanks and newlines at the seams are in the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptRow {
    /// The long text.
    pub context: String,
    /// The question about it.
    pub question: String,
    /// How the answer begins.
    pub answer_prefix: String,
    /// The right answers: those of a list, the only one, or none where the column is empty. An answer that is an object of JSON,
    /// or the text of one, is one text.
    pub answers: Vec<String>,
    /// The task; `None` where there is no such column.
    pub task: Option<String>,
    /// At most this many new tokens.
    pub max_new_tokens: usize,
}

/// Reads rows with the columns of [`PromptRow`] and further ones; what else is there is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct PromptReader<'a> {
    /// Further columns that must be there.
    pub required: &'a [Column],
    /// Further columns that may be missing.
    pub optional: &'a [Column],
}

impl PromptReader<'_> {
    /// The rows of `files`, in order. `convert` makes of each what a benchmark needs; the [`Row`] has the further columns, and
    /// names file and row in errors.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read or has no rows, the first column or field that is missing or of another kind, and the first
    /// error of `convert`.
    pub fn read<T, E: From<ReadError>>(
        &self,
        files: &ConfigFiles,
        mut convert: impl FnMut(PromptRow, Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        match files {
            ConfigFiles::Parquet(files) => {
                let required = [&REQUIRED[..], self.required].concat();
                let optional = [&[TASK], self.optional].concat();
                let columns = Columns { required: &required, optional: &optional, any_kind: &[ANSWER] };
                let mut rows = Vec::new();
                for file in files {
                    rows.append(&mut read_parquet(file, columns, |row| take(row, &mut convert))?);
                }
                Ok(rows)
            }
            ConfigFiles::JsonLines(file) => self.read_json_lines(&read_text(file)?, file, convert),
        }
    }

    /// The same of files that may have the authors' form, JSON Lines whose rows have no `answer_prefix`; the first row says which of
    /// the two it is. What makes samples of the authors' rows, `original` makes of the first one.
    ///
    /// # Errors
    ///
    /// As [`PromptReader::read`], and the first error of `original` and of what it makes.
    pub fn read_either<T, E: From<ReadError>, F: FnMut(Row<'_>) -> Result<Vec<T>, E>>(
        &self,
        files: &ConfigFiles,
        convert: impl FnMut(PromptRow, Row<'_>) -> Result<T, E>,
        original: impl FnOnce(&Row<'_>) -> Result<F, E>,
    ) -> Result<Vec<T>, E> {
        let ConfigFiles::JsonLines(file) = files else { return self.read(files, convert) };
        let text = read_text(file)?;
        let mut lines = json_lines(&text, file).peekable();
        let first = lines.peek().map(|line| line.parse()).transpose()?;
        let Some(first) = first.filter(|row| !row.has("answer_prefix")) else {
            return self.read_json_lines(&text, file, convert);
        };
        let mut samples = original(&first)?;
        let samples: Vec<Vec<T>> = lines.map(|line| samples(line.parse()?)).collect::<Result<_, E>>()?;
        Ok(samples.into_iter().flatten().collect())
    }

    /// The rows of `text`, which are JSON Lines and come from `file`.
    ///
    /// # Errors
    ///
    /// As [`PromptReader::read`].
    pub fn read_json_lines<T, E: From<ReadError>>(
        &self,
        text: &str,
        file: &Path,
        mut convert: impl FnMut(PromptRow, Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let rows: Vec<T> =
            json_lines(text, file).map(|line| take(line.parse()?, &mut convert)).collect::<Result<_, E>>()?;
        if rows.is_empty() { Err(ReadError::NoRows { file: file.to_owned() }.into()) } else { Ok(rows) }
    }
}

fn take<T, E: From<ReadError>>(
    mut row: Row<'_>,
    convert: &mut impl FnMut(PromptRow, Row<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let prompt = PromptRow {
        max_new_tokens: row.tokens("max_new_tokens")?,
        context: row.take_text("context")?,
        question: row.take_text("question")?,
        answer_prefix: row.take_text("answer_prefix")?,
        answers: answers(row.value(ANSWER)?),
        task: row.take_optional_text("task")?,
    };
    convert(prompt, row)
}

fn answers(value: Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Text(text) if text.is_empty() => Vec::new(),
        Value::Text(text) => vec![text],
        Value::Integer(number) => vec![number.to_string()],
        Value::TextList(texts) => texts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<(PromptRow, Option<String>)>, String> {
        let reader = PromptReader { required: &[], optional: &[column("id", ColumnKind::Text)] };
        let rows = reader.read_json_lines(line, Path::new("f.jsonl"), |prompt, mut row| {
            Ok((prompt, row.take_optional_text("id")?))
        });
        rows.map_err(|error: ReadError| error.to_string())
    }

    #[test]
    fn answers_have_four_types() {
        let rest =
            r#""context": "c", "question": "q ", "answer_prefix": "a", "max_new_tokens": 8, "other": 1.5"#;
        for (answer, expected) in [
            (r#"["a", "b"]"#, &["a", "b"][..]),
            (r#""a""#, &["a"]),
            (r#""{\"<mask-0>\": \"a\"}""#, &[r#"{"<mask-0>": "a"}"#]),
            (r#"{"<mask-0>": "a"}"#, &[r#"{"<mask-0>":"a"}"#]),
            ("7", &["7"]),
            (r#""""#, &[]),
            ("null", &[]),
            ("[]", &[]),
        ] {
            let rows = read(&format!(r#"{{{rest}, "answer": {answer}, "id": "x"}}"#)).unwrap();
            assert_eq!(rows[0].0.answers, expected, "{answer}");
            assert_eq!((rows[0].0.task.as_deref(), rows[0].1.as_deref()), (None, Some("x")));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rest = r#""context": "c", "question": "q", "answer_prefix": "a", "max_new_tokens": 8"#;
        for (line, message) in [
            (
                format!(r#"{{{rest}, "answer": [1]}}"#),
                "row 1, field answer: expected a list of texts, found a list with the number 1",
            ),
            (
                format!(r#"{{{rest}, "answer": "a", "task": 3}}"#),
                "row 1, field task: expected a text, found the number 3",
            ),
            (
                r#"{"context": "c"}"#.to_owned(),
                "row 1, field max_new_tokens: expected an integer, found nothing",
            ),
            ("\n".to_owned(), "the file has no rows"),
        ] {
            assert_eq!(read(&line).unwrap_err(), format!("f.jsonl: {message}"));
        }
    }
}
