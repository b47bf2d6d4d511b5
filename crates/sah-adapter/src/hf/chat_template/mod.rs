//! Chat templates: how a model wants a conversation written.

mod arguments;
mod checks;
mod filters;
mod generation;
mod literals;
mod operations;
mod options;
mod pieces;
mod program;
mod python;
mod rewrite;
mod source;
mod strftime;
mod thinking;
mod tojson;
mod variables;

use std::path::{Path, PathBuf};

use minijinja::{ErrorKind, Value, context};

use super::identity::{TemplateIdentity, digest_text};
use super::tokenizer::SpecialTokens;
use crate::Error;
use program::Program;
use python::{Dict, from_json, list};

pub use options::ChatTemplateOptions;
pub(crate) use thinking::ModelThinking;
pub use thinking::{Thinking, ThinkingMode, ThinkingSwitch};

/// Work that a template may do whatever the message: 100 000 instructions, 6 MB of text. Real ones need some hundreds.
const FUEL: u64 = 100_000;
/// Work that it may do for each byte of the message. Going over the message once costs a 64th.
const FUEL_PER_BYTE: u64 = 2;
/// Bytes of stack for each unit of work. A template can nest a list one level deeper with each; writing, comparing and
/// dropping a level took less than 512 bytes of stack in every way that was tried.
const STACK_PER_FUEL: u64 = 512;
/// Stack for everything else.
const STACK: u64 = 8 << 20;

/// Values for variables of a template by name.
type Arguments = serde_json::Map<String, serde_json::Value>;

/// A model's chat template, ready to render.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    program: Program,
    special: SpecialTokens,
    /// Where it came from, for errors.
    path: PathBuf,
    pub(crate) identity: TemplateIdentity,
}

impl ChatTemplate {
    /// Parses a template.
    pub(crate) fn new(path: &Path, source: &str, special: SpecialTokens) -> Result<Self, Error> {
        let program = Program::new(source)
            .map_err(|error| failed(path, format!("cannot be parsed: {}", chain(&error))))?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let identity = TemplateIdentity {
            file: file.unwrap_or_default(),
            sha256: digest_text(source),
            arguments: serde_json::Map::new(),
        };
        Ok(Self { program, special, path: path.to_owned(), identity })
    }

    /// The text of the template.
    fn source(&self) -> String {
        self.program.source().to_owned()
    }

    /// Whether `text` stands in it.
    pub(crate) fn writes(&self, text: &str) -> bool {
        self.program.source().contains(text)
    }

    /// One user message, and the header of the answer that is to follow.
    pub(crate) fn render(&self, user: &str) -> Result<String, Error> {
        self.render_given(user, &self.identity.arguments)
    }

    /// The same with other values for its variables.
    fn render_given(&self, user: &str, arguments: &Arguments) -> Result<String, Error> {
        let values = self.values(user, arguments);
        let fuel = FUEL + FUEL_PER_BYTE * user.len() as u64;
        let render = || {
            self.program.render(values, fuel).map_err(|error| match error.kind() {
                ErrorKind::OutOfFuel => "does not come to an end".into(),
                _ => format!("cannot be rendered: {}", chain(&error)),
            })
        };
        // Memory for the stack is taken only as far as it is used.
        let stack = (STACK + STACK_PER_FUEL * fuel) as usize;
        let rendered = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, render);
            let thread = thread.map_err(|error| format!("cannot be rendered: no thread for it: {error}"))?;
            thread.join().unwrap_or_else(|_| Err("cannot be rendered: its interpreter panicked".into()))
        });
        rendered.map_err(|problem| failed(&self.path, problem))
    }

    /// What the template sees: the message, and what is known of the model and from the user.
    fn values(&self, user: &str, arguments: &Arguments) -> Value {
        let named =
            self.special.by_name.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str())));
        // Like the others, it is defined only where the tokenizer has some.
        let additional = Some(&self.special.additional).filter(|tokens| !tokens.is_empty());
        let additional = additional.map(|tokens| {
            (
                "additional_special_tokens",
                list(tokens.iter().map(|token| Value::from(token.as_str())).collect()),
            )
        });
        let arguments = arguments.iter().map(|(name, value)| (name.as_str(), from_json(value)));
        let nothing = ["tools", "documents"].map(|name| (name, Value::from(())));
        let given = nothing.into_iter().chain(named).chain(additional).chain(arguments);
        let message =
            [("role", "user"), ("content", user)].map(|(key, text)| (Value::from(key), Value::from(text)));
        context! {
            messages => list(vec![Dict::from_pairs(message)]),
            add_generation_prompt => true,
            ..Value::from_pairs(given),
        }
    }

    /// Renders one user message of `context` followed by `question` and cuts the text where the context ends:
    /// what comes before the context with the context, and the question with what comes after it.
    ///
    /// The cut is found by rendering a second time with a marker between the two. It counts only if the marker
    /// comes out exactly once and the text around it is the one rendered without it. White space at the ends of the
    /// message may be trimmed by the template.
    ///
    /// # Errors
    ///
    /// [`Error::ChatTemplate`] where the template fails, or leaves out, repeats or changes the message.
    pub(crate) fn split(&self, context: &str, question: &str) -> Result<(String, String), Error> {
        let whole = self.render(&format!("{context}{question}"))?;
        let marker = marker(context, question);
        let cut = |context: &str, question: &str| -> Result<Option<(String, String)>, Error> {
            let rendered = self.render(&format!("{context}{marker}{question}"))?;
            let parts: Vec<&str> = rendered.split(&marker).collect();
            match parts[..] {
                [before, after] => {
                    let same = whole.strip_prefix(before) == Some(after);
                    Ok(same.then(|| (before.to_owned(), after.to_owned())))
                }
                [_] => Err(failed(&self.path, "leaves the user's message out or changes it".into())),
                _ => Err(failed(&self.path, format!("repeats the user's message {} times", parts.len() - 1))),
            }
        };
        if let Some(parts) = cut(context, question)? {
            return Ok(parts);
        }
        // With nothing on one side of the marker, the marker keeps white space from being at the end of the message.
        let (context, question) = if question.trim().is_empty() {
            (context.trim_end(), "")
        } else if context.trim().is_empty() {
            ("", question.trim_start())
        } else {
            (context, question)
        };
        cut(context, question)?
            .ok_or_else(|| failed(&self.path, "changes the user's message depending on what is in it".into()))
    }
}

/// A text that is in neither part, and that a template has no reason to change.
fn marker(context: &str, question: &str) -> String {
    let joined = format!("{context}{question}");
    let mut marker = String::from("contextEndsHere");
    // Each round makes it longer than the round before, so that the text runs out of it.
    while joined.contains(&marker) {
        marker.push_str("Here");
    }
    marker
}

fn failed(path: &Path, problem: String) -> Error {
    Error::ChatTemplate {
        path: path.to_owned(),
        problem,
        remedy: "run without a chat template, or give the model another one".into(),
    }
}

/// The messages of an error and of what caused it.
fn chain(error: &minijinja::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
