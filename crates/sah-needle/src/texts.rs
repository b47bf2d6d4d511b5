//! Texts and needles of a data set: `alessiodevoto/paul_graham_essays`, which kvpress loads, or files with its columns.

use std::path::PathBuf;

use sah_bench_core::data::{
    Columns, ConfigFiles, DEFAULT_CONFIG, DataSource, ReadError, Row as DataRow, ends_sentence, json_lines,
    read_parquet, read_text,
};
use sah_bench_core::{Column, ColumnKind, TokenCount};

use crate::Error;
use crate::fit::most_units;
use crate::haystack::Row;

/// The data set that kvpress loads.
pub const HUB_ID: &str = "alessiodevoto/paul_graham_essays";

const COLUMNS: [Column; 5] = [
    Column { name: "context", kind: ColumnKind::Text },
    Column { name: "needle", kind: ColumnKind::Text },
    Column { name: "question", kind: ColumnKind::Text },
    Column { name: "answer_prefix", kind: ColumnKind::Text },
    Column { name: "max_new_tokens", kind: ColumnKind::Integer },
];

/// A long text, and a sentence to hide in it.
#[derive(Debug)]
pub(crate) struct Text {
    context: String,
    needle: String,
    question: String,
    answer_prefix: String,
    max_new_tokens: usize,
    /// What an answer must contain.
    value: String,
    /// Where the words of `context` end.
    ends: Vec<usize>,
    file: PathBuf,
    number: usize,
}

/// The texts of `source`; none where rows are made.
pub(crate) fn read(source: &DataSource) -> Result<Vec<Text>, ReadError> {
    let all = [DEFAULT_CONFIG];
    let Some(files) = source.files(HUB_ID, &all, &all, "test")? else { return Ok(Vec::new()) };
    let mut texts = Vec::new();
    for files in &files {
        match files {
            ConfigFiles::Parquet(files) => {
                let columns = Columns { required: &COLUMNS, optional: &[], any_kind: &[] };
                for file in files {
                    texts.append(&mut read_parquet(file, columns, Text::new)?);
                }
            }
            ConfigFiles::JsonLines(file) => {
                let content = read_text(file)?;
                let rows = json_lines(&content, file).map(|line| Text::new(line.parse()?));
                let rows: Vec<Text> = rows.collect::<Result<_, ReadError>>()?;
                if rows.is_empty() {
                    return Err(ReadError::NoRows { file: file.clone() });
                }
                texts.extend(rows);
            }
        }
    }
    Ok(texts)
}

impl Text {
    fn new(mut row: DataRow<'_>) -> Result<Self, ReadError> {
        let needle = row.take_text("needle")?;
        let answer_prefix = row.take_text("answer_prefix")?;
        let value = hidden(&needle, &answer_prefix);
        if value.is_empty() {
            return Err(row.wrong(
                "needle",
                "a sentence that says more than answer_prefix",
                format!("{needle:?}"),
            ));
        }
        let context = row.take_text("context")?;
        let start = context.as_ptr() as usize;
        let ends =
            context.split_whitespace().map(|word| word.as_ptr() as usize - start + word.len()).collect();
        Ok(Self {
            value: value.to_owned(),
            needle,
            answer_prefix,
            question: row.take_text("question")?,
            max_new_tokens: row.tokens("max_new_tokens")?,
            ends,
            context,
            file: row.file().to_owned(),
            number: row.number(),
        })
    }

    /// The row whose prompt and answer take at most `length` tokens, and would take more with another word of the text.
    pub(crate) fn row(&self, length: usize, depth: u8, tokens: &dyn TokenCount) -> Result<Row, Error> {
        let size = |words: usize| {
            let row = self.with_words(words, depth);
            let prompt = tokens.count_prompt(&row.context, &row.question, &row.answer_prefix)?;
            Ok::<_, Error>(prompt + tokens.answer_room(row.max_new_tokens))
        };
        let needed = size(0)?;
        if needed > length {
            return Err(Error::TooShort { length, needed });
        }
        let all = self.ends.len();
        let Some(fits) = most_units(length, all, size)? else {
            let (file, row) = (self.file.clone(), self.number);
            return Err(Error::TextTooShort { file, row, length, found: size(all)? });
        };
        Ok(self.with_words(fits, depth))
    }

    /// With the first `words` words of the text. The needle stands where a sentence ends, at `depth` or before it.
    fn with_words(&self, words: usize, depth: u8) -> Row {
        let text = &self.context[..self.ends[..words].last().copied().unwrap_or(0)];
        let before = words * usize::from(depth) / 100;
        let at = match depth {
            100 => text.len(),
            _ => (self.ends[..before].iter().rev().copied())
                .find(|&end| ends_sentence(&text[..end]))
                .unwrap_or(0),
        };
        let (before, after) = text.split_at(at);
        let parts = [before.trim(), self.needle.trim(), after.trim()];
        let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        // Nothing stands between the columns but what they bring along.
        let is_apart = self.question.ends_with(char::is_whitespace)
            || self.answer_prefix.starts_with(char::is_whitespace);
        let seam = if is_apart { "" } else { "\n" };
        Row {
            context: format!("Read this text.\n\n{text}\n\n"),
            question: format!("{}{seam}", self.question),
            answer_prefix: self.answer_prefix.clone(),
            needle: self.needle.clone(),
            value: self.value.clone(),
            max_new_tokens: self.max_new_tokens,
        }
    }
}

/// What `needle` says beyond `answer_prefix`, without a full stop; all of it where it begins otherwise.
fn hidden<'a>(needle: &'a str, answer_prefix: &str) -> &'a str {
    let rest = needle.trim().strip_prefix(answer_prefix.trim()).unwrap_or(needle);
    rest.trim().trim_end_matches(['.', '!']).trim()
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn what_is_hidden_is_what_the_prefix_does_not_say() {
        for (needle, prefix, expected) in [
            ("The key is in a pot.", "The key is", "in a pot"),
            ("The key is in a pot.", "Answer:", "The key is in a pot"),
            (" A. ", "A.", ""),
        ] {
            assert_eq!(hidden(needle, prefix), expected);
        }
    }
}
