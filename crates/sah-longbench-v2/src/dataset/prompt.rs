//! Prompts in the form of the authors' files: a text with `$DOC$`, `$Q$` and `$C_A$` to `$C_D$` where a row's texts go.

use std::path::Path;

use sah_bench_core::data::read_text;
use sah_metrics::python;

use crate::Error;

/// The fields of a prompt, in the order of [`RowTexts`]: the text comes first.
const FIELDS: [&str; 6] = ["$DOC$", "$Q$", "$C_A$", "$C_B$", "$C_C$", "$C_D$"];

/// A prompt of the authors.
#[derive(Debug)]
pub(super) struct Prompt {
    /// Up to the text, which ends the context.
    before: String,
    /// What follows it.
    after: String,
}

/// A row's texts.
#[derive(Debug)]
pub(super) struct RowTexts<'a> {
    pub(super) text: &'a str,
    pub(super) question: &'a str,
    pub(super) choices: [&'a str; 4],
}

impl Prompt {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        Self::new(&read_text(file)?).map_err(|field| Error::Prompt { file: file.to_owned(), field })
    }

    /// The field that is missing, where one is.
    fn new(prompt: &str) -> Result<Self, &'static str> {
        let (before, after) = prompt.split_once(FIELDS[0]).ok_or(FIELDS[0])?;
        match FIELDS[1..].iter().find(|field| !after.contains(**field)) {
            Some(field) => Err(field),
            None => Ok(Self { before: before.to_owned(), after: after.to_owned() }),
        }
    }

    /// Context and question. White space at the ends of each text goes, as the authors do it; what looks like a field in a
    /// row's text stays as it is.
    pub(super) fn fill(&self, row: &RowTexts<'_>) -> (String, String) {
        let RowTexts { text, question, choices: [a, b, c, d] } = *row;
        let values = [question, a, b, c, d];
        let mut filled = String::new();
        let mut rest = self.after.as_str();
        let next = |rest: &str| {
            let places = FIELDS[1..].iter().enumerate();
            places.filter_map(|(field, name)| Some((rest.find(name)?, field))).min()
        };
        while let Some((at, field)) = next(rest) {
            filled.push_str(&rest[..at]);
            filled.push_str(stripped(values[field]));
            rest = &rest[at + FIELDS[1 + field].len()..];
        }
        (format!("{}{}", self.before, stripped(text)), filled + rest)
    }
}

/// `text.strip()` of Python.
fn stripped(text: &str) -> &str {
    text.trim_matches(python::is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: RowTexts<'_> =
        RowTexts { text: " \n$Q$ and $DOC$\n", question: " why $C_A$?", choices: ["a\n", "b", "c", "$Q$"] };

    #[test]
    fn the_text_ends_the_context_and_fields_are_filled_once() {
        let prompt =
            Prompt::new("Read:\n$DOC$\n\n$Q$\n(A) $C_A$ (B) $C_B$ (C) $C_C$ (D) $C_D$\nSo?").unwrap();
        let (context, question) = prompt.fill(&ROW);
        assert_eq!(context, "Read:\n$Q$ and $DOC$");
        assert_eq!(question, "\n\nwhy $C_A$?\n(A) a (B) b (C) c (D) $Q$\nSo?");
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        assert_eq!(Prompt::new("$Q$ $C_A$ $C_B$ $C_C$ $C_D$").unwrap_err(), "$DOC$");
        assert_eq!(Prompt::new("$DOC$ $Q$ $C_A$ $C_B$ $C_D$").unwrap_err(), "$C_C$");
    }
}
