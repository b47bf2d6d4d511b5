//! JSON Lines: a JSON object on each line.

use std::path::Path;

use super::{ReadError, Row};
use crate::error::line_problem;

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
        let fields = serde_json::from_str(self.text).map_err(|error| ReadError::Json {
            file: self.file.to_owned(),
            row: self.number,
            problem: self.problem(&error),
        })?;
        Ok(Row::from_json(fields, self.file, self.number))
    }

    /// What is wrong with the line. For the parser each is the first one.
    fn problem(self, error: &serde_json::Error) -> String {
        if self.text.starts_with('\u{feff}') {
            return "a byte order mark inside the file; remove it".to_owned();
        }
        line_problem(error)
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
            assert!(message.contains(" at column ") && !message.contains("line 1"), "{message}");
        }
        // Two files put together, each with its mark.
        let line = JsonLine { text: "\u{feff}{}", file: Path::new("f.jsonl"), number: 3 };
        let message = line.parse().unwrap_err().to_string();
        assert!(message.ends_with("a byte order mark inside the file; remove it"), "{message}");
    }
}
