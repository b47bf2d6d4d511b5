//! Prompts in the form of the authors' files: a text with `$DOC$`, `$Q$` and `$C_A$` to `$C_D$` where a row's texts go, and `$COT$`
//! where the model's reasoning goes.

use std::path::Path;

use sah_bench_core::data::read_text;
use sah_metrics::python;

use crate::Error;

const TEXT: &str = "$DOC$";
const REASONING: &str = "$COT$";
/// The fields of a question, in the order of [`RowTexts`].
const QUESTION: [&str; 5] = ["$Q$", "$C_A$", "$C_B$", "$C_C$", "$C_D$"];

/// A prompt with the text that a question is about.
#[derive(Debug)]
pub(super) struct Prompt {
    /// Up to the text, which ends the context.
    before: String,
    /// What follows it.
    after: String,
}

/// A prompt that asks for the answer after a reasoning, without the text.
#[derive(Debug)]
pub(super) struct AnswerPrompt {
    /// What stands between the places of the reasoning.
    parts: Vec<String>,
}

/// A question and what may be chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowTexts<'a> {
    pub(super) question: &'a str,
    pub(super) choices: [&'a str; 4],
}

impl Prompt {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        Self::new(&read_text(file)?).map_err(|field| Error::Prompt { file: file.to_owned(), field })
    }

    /// The field that is missing, where one is.
    fn new(prompt: &str) -> Result<Self, &'static str> {
        let (before, after) = prompt.split_once(TEXT).ok_or(TEXT)?;
        check_question(after)?;
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// Context and question. White space at the ends of each text goes, as the authors do it; what looks like a field in a
    /// row's text stays as it is.
    pub(super) fn fill(&self, text: &str, row: &RowTexts<'_>) -> (String, String) {
        (format!("{}{}", self.before, stripped(text)), row.fill(&self.after))
    }

    /// What follows `context`, and the question in it, of a row that was cut into prompts of the same wording: `asked` is what
    /// follows its context up to the answer. `None` where it is worded otherwise.
    pub(super) fn find<'a>(&self, context: &str, asked: &'a str, choice_a: &str) -> Option<Found<'a, '_>> {
        let (lead, rest) = self.after.split_once(QUESTION[0])?;
        let (middle, _) = rest.split_once(QUESTION[1])?;
        let mut borders = (0..=lead.len()).filter(|at| lead.is_char_boundary(*at));
        let border = borders.find(|&at| context.ends_with(&lead[..at]) && asked.starts_with(&lead[at..]))?;
        let asked = &asked[lead.len() - border..];
        let end = asked.find(&format!("{middle}{}", stripped(choice_a)))?;
        Some(Found { question: &asked[..end], after: &self.after[border..] })
    }
}

/// What a row was made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a, 'b> {
    pub(super) question: &'a str,
    /// What follows its context, with the fields of a question.
    after: &'b str,
}

impl Found<'_, '_> {
    /// What follows the context, for a question.
    pub(super) fn fill(&self, row: &RowTexts<'_>) -> String {
        row.fill(self.after)
    }
}

impl AnswerPrompt {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let prompt = read_text(file)?;
        if prompt.contains(TEXT) {
            return Err(Error::TextInAnswerPrompt { file: file.to_owned(), field: TEXT });
        }
        Self::new(&prompt).map_err(|field| Error::Prompt { file: file.to_owned(), field })
    }

    /// The field that is missing, where one is.
    fn new(prompt: &str) -> Result<Self, &'static str> {
        check_question(prompt)?;
        let parts: Vec<String> = prompt.split(REASONING).map(str::to_owned).collect();
        if parts.len() == 1 { Err(REASONING) } else { Ok(Self { parts }) }
    }

    /// The parts between which the reasoning goes.
    pub(super) fn fill(&self, row: &RowTexts<'_>) -> Vec<String> {
        self.parts.iter().map(|part| row.fill(part)).collect()
    }
}

impl RowTexts<'_> {
    /// `prompt` with these texts in the places of its fields.
    fn fill(&self, prompt: &str) -> String {
        let [a, b, c, d] = self.choices;
        let values = [self.question, a, b, c, d];
        let (mut filled, mut rest) = (String::new(), prompt);
        let next = |rest: &str| {
            let places = QUESTION.iter().enumerate();
            places.filter_map(|(field, name)| Some((rest.find(name)?, field))).min()
        };
        while let Some((at, field)) = next(rest) {
            filled.push_str(&rest[..at]);
            filled.push_str(stripped(values[field]));
            rest = &rest[at + QUESTION[field].len()..];
        }
        filled + rest
    }
}

/// The field of a question that is missing, where one is.
fn check_question(prompt: &str) -> Result<(), &'static str> {
    QUESTION.iter().find(|field| !prompt.contains(**field)).map_or(Ok(()), |field| Err(*field))
}

/// `text.strip()` of Python.
pub(crate) fn stripped(text: &str) -> &str {
    text.trim_matches(python::is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = " \n$Q$ and $DOC$\n";
    const ROW: RowTexts<'_> = RowTexts { question: " why $C_A$?", choices: ["a\n", "b", "c", "$Q$"] };
    const PROMPT: &str = "Read:\n$DOC$\n\n$Q$\n(A) $C_A$ (B) $C_B$ (C) $C_C$ (D) $C_D$\nSo?";

    #[test]
    fn the_text_ends_the_context_and_fields_are_filled_once() {
        let (context, question) = Prompt::new(PROMPT).unwrap().fill(TEXT, &ROW);
        assert_eq!(context, "Read:\n$Q$ and $DOC$");
        assert_eq!(question, "\n\nwhy $C_A$?\n(A) a (B) b (C) c (D) $Q$\nSo?");
    }

    #[test]
    fn the_reasoning_goes_between_the_parts_of_the_second_prompt() {
        let prompt = AnswerPrompt::new("$Q$ $C_A$ $C_B$ $C_C$ $C_D$: $COT$\nSo?").unwrap();
        assert_eq!(prompt.fill(&ROW).join("$Q$ $COT$"), "why $C_A$? a b c $Q$: $Q$ $COT$\nSo?");
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        assert_eq!(Prompt::new("$Q$ $C_A$ $C_B$ $C_C$ $C_D$").unwrap_err(), "$DOC$");
        assert_eq!(Prompt::new("$DOC$ $Q$ $C_A$ $C_B$ $C_D$").unwrap_err(), "$C_C$");
        assert_eq!(AnswerPrompt::new("$Q$ $C_A$ $C_B$ $C_C$ $C_D$").unwrap_err(), "$COT$");
        assert_eq!(AnswerPrompt::new("$COT$ $C_A$ $C_B$ $C_C$ $C_D$").unwrap_err(), "$Q$");
    }

    #[test]
    fn the_question_of_a_row_is_found_wherever_it_was_cut() {
        let prompt = Prompt::new(PROMPT).unwrap();
        for (context, asked) in [
            ("Other words:\nText", "\n\nWhy?\n(A) yes (B) no (C) d (D) e\nNow:"),
            ("Other words:\nText\n", "\nWhy?\n(A) yes (B) no (C) d (D) e\nNow:"),
            ("Other words:\nText\n\n", "Why?\n(A) yes (B) no (C) d (D) e\nNow:"),
        ] {
            let found = prompt.find(context, asked, " yes").unwrap();
            assert_eq!(found.question, "Why?");
            let whole = context.to_owned() + &found.fill(&ROW);
            assert_eq!(whole, "Other words:\nText\n\nwhy $C_A$?\n(A) a (B) b (C) c (D) $Q$\nSo?");
        }
        assert_eq!(prompt.find("Text", "Why?\n(A) yes", "yes"), None, "another border");
        assert_eq!(prompt.find("Text\n\n", "Why?\n(A) no", "yes"), None, "another option");
    }
}
