//! JSON Lines: a JSON object on each line.

use std::fs;
use std::path::Path;

use super::{ReadError, Row};

/// The text of a file.
///
/// # Errors
///
/// [`ReadError::Io`].
pub fn read_text(file: &Path) -> Result<String, ReadError> {
    fs::read_to_string(file).map_err(|source| ReadError::Io { path: file.to_owned(), source })
}

/// The lines of `text`, which comes from `file`, without the blank ones. They are parsed one by one, on as many threads as the
/// caller likes.
pub fn json_lines<'a>(text: &'a str, file: &'a Path) -> impl Iterator<Item = JsonLine<'a>> {
    let lines = text.split('\n').enumerate();
    lines.filter(|(_, text)| !text.trim().is_empty()).map(move |(i, text)| JsonLine {
        text,
        file,
        number: i + 1,
    })
}

/// A line that is not parsed yet.
#[derive(Clone, Copy, Debug)]
pub struct JsonLine<'a> {
    text: &'a str,
    file: &'a Path,
    number: usize,
}

impl<'a> JsonLine<'a> {
    /// The object on the line.
    ///
    /// # Errors
    ///
    /// [`ReadError::Json`] where there is none.
    pub fn parse(self) -> Result<Row<'a>, ReadError> {
        let fields = serde_json::from_str(self.text).map_err(|source| ReadError::Json {
            file: self.file.to_owned(),
            row: self.number,
            source,
        })?;
        Ok(Row::from_json(fields, self.file, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_skipped_but_counted() {
        let lines = json_lines("{}\n\n  \r\n{\"a\": 1}\r\n", Path::new("f"));
        assert_eq!(lines.map(|line| line.number).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn a_line_that_is_no_object_is_named() {
        for text in ["[1]", "{\"a\": ", "{\"a\": NaN}"] {
            let line = JsonLine { text, file: Path::new("f.jsonl"), number: 3 };
            let message = line.parse().unwrap_err().to_string();
            assert!(message.starts_with("f.jsonl: line 3: expected a JSON object"), "{message}");
        }
    }
}
