//! Prompt templates in the form of LongBench's `dataset2prompt.json`.
//!
//! A template is the prompt of a task with `{context}` and `{input}` where a row's texts go; `{{` and `}}` stand
//! for braces. A request has three parts, which concatenated give exactly the filled template:
//!
//! - the context: everything up to the end of the last `{context}`;
//! - the answer prefix: of the text after the last placeholder the last line that is not blank, and what follows it;
//! - the question: what is between the two.
//!
//! So of `Read this.\n{context}\n\nQuestion: {input}\n\nAnswer:` the question is `\n\nQuestion: …\n\n` and the answer
//! prefix `Answer:`. Where nothing follows the last placeholder the answer prefix is empty; a template without `{input}`
//! has the same instruction as every row's question; an `{input}` ahead of `{context}` is a part of the context.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use sah_bench_core::data::read_text;

use crate::{Error, Task};

/// A file of templates.
#[derive(Debug)]
pub(super) struct Prompts {
    file: PathBuf,
    templates: HashMap<String, String>,
    /// Whether rows needed one.
    used: AtomicBool,
}

impl Prompts {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let templates = serde_json::from_str(&read_text(file)?)
            .map_err(|source| Error::PromptsFile { file: file.to_owned(), source })?;
        Ok(Self { file: file.to_owned(), templates, used: AtomicBool::new(false) })
    }

    /// Fails where no template was asked for.
    pub(super) fn check_used(&self) -> Result<(), Error> {
        if self.used.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(Error::PromptsUnused { file: self.file.clone() })
        }
    }

    /// The template of a task: under its own name or, for a LongBench-E config, that of its base task.
    pub(super) fn template(&self, task: &Task) -> Result<Template, Error> {
        self.used.store(true, Ordering::Relaxed);
        let error = |problem| Error::Template { file: self.file.clone(), task: task.base, problem };
        let text = self.templates.get(task.name).or_else(|| self.templates.get(task.base));
        Template::parse(text.ok_or_else(|| error("there is none".to_owned()))?).map_err(error)
    }
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    context: Vec<Piece>,
    question: Vec<Piece>,
    answer_prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Context,
    Input,
}

/// A row's texts in the three parts of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) context: String,
    pub(super) question: String,
    pub(super) answer_prefix: String,
}

impl Template {
    fn parse(template: &str) -> Result<Self, String> {
        let mut context = pieces(template)?;
        let end = context
            .iter()
            .rposition(|piece| *piece == Piece::Context)
            .ok_or("there is no {context} in it")?;
        let mut question = context.split_off(end + 1);
        let mut answer_prefix = String::new();
        if let Some(Piece::Text(text)) = question.last_mut() {
            answer_prefix = text.split_off(last_line(text));
        }
        Ok(Self { context, question, answer_prefix })
    }

    pub(super) fn fill(&self, context: &str, input: &str) -> Filled {
        Filled {
            context: fill(&self.context, context, input),
            question: fill(&self.question, context, input),
            answer_prefix: self.answer_prefix.clone(),
        }
    }
}

fn fill(pieces: &[Piece], context: &str, input: &str) -> String {
    let texts: Vec<&str> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Context => context,
            Piece::Input => input,
        })
        .collect();
    texts.concat()
}

/// Where the last line that is not blank begins; the end of a text that has none.
fn last_line(text: &str) -> usize {
    let end = text.trim_end().len();
    if end == 0 { text.len() } else { text[..end].rfind('\n').map_or(0, |line_feed| line_feed + 1) }
}

/// Texts and placeholders in turn; neighbouring texts are one.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            text.push_str(&rest[..1]);
            rest = after;
            continue;
        }
        let (placeholder, after) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .ok_or("a single brace in it; write {{ or }} for a brace of the text")?;
        let piece = match placeholder {
            "context" => Piece::Context,
            "input" => Piece::Input,
            _ => return Err(format!("expected {{context}} or {{input}}, found {{{placeholder}}}")),
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(piece);
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Context, question and answer prefix of a template filled with CCC and III.
    fn parts(template: &str) -> [String; 3] {
        let filled = Template::parse(template).unwrap().fill("CCC", "III");
        [filled.context, filled.question, filled.answer_prefix]
    }

    #[test]
    fn templates_fall_into_three_parts() {
        for (template, expected) in [
            ("Read.\n{context}\n\nQ: {input}\n\nA:", ["Read.\nCCC", "\n\nQ: III\n\n", "A:"]),
            ("{context}\n\n{input}", ["CCC", "\n\nIII", ""]),
            (
                "{context}\n{input}\n\nSay a number.\n\nIt is: ",
                ["CCC", "\nIII\n\nSay a number.\n\n", "It is: "],
            ),
            ("Code:\n{context}{input}Next line:\n", ["Code:\nCCC", "III", "Next line:\n"]),
            // No input.
            ("{context}\n\nSum it up.\n\nSummary:", ["CCC", "\n\nSum it up.\n\n", "Summary:"]),
            ("Code:\n{context}Next line:\n", ["Code:\nCCC", "", "Next line:\n"]),
            ("{context}", ["CCC", "", ""]),
            ("{context}\n\n", ["CCC", "\n\n", ""]),
            // Input ahead of the context, or on both sides, and a context that comes twice.
            ("Q: {input}\n{context}\nA:", ["Q: III\nCCC", "\n", "A:"]),
            ("{input}{context}{input}", ["IIICCC", "III", ""]),
            ("{context}\n{context}\n{input}?", ["CCC\nCCC", "\nIII", "?"]),
            ("{{x}} {context} }}{{{input}\n{{}}", ["{x} CCC", " }{III\n", "{}"]),
        ] {
            assert_eq!(parts(template), expected, "{template:?}");
        }
    }

    #[test]
    fn texts_of_a_row_are_no_templates() {
        let filled = Template::parse("{context}|{input}").unwrap().fill("{input}", "{{}}");
        assert_eq!((filled.context.as_str(), filled.question.as_str()), ("{input}", "|{{}}"));
    }

    #[test]
    fn faulty_templates_are_refused() {
        for (template, problem) in [
            ("{input}", "no {context}"),
            ("{context} {question}", "found {question}"),
            ("{context} {", "single brace"),
            ("{context} }", "single brace"),
            ("{context} {}", "found {}"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(problem), "{template:?}: {error}");
        }
    }
}
