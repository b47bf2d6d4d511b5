//! Rows of the authors' files: `id`, `context`, `input`, `answer`, `options`, and prompts made by their templates.

use std::sync::LazyLock;

use regex::Regex;
use sah_bench_core::data::{FilledTemplate, ReadError, Row, Template};
use sah_bench_core::{Sample, Value};

use super::check_label;
use super::label::{json_label, with_letter};
use super::prompt_file::PromptFile;
use crate::{Error, Task};

/// The fields of the authors' templates, in the order of the texts of [`Original::texts`].
pub(super) const FIELDS: [&str; 10] = [
    "context",
    "input",
    "question",
    "prefix",
    "func",
    "func_call",
    "OPTION_A",
    "OPTION_B",
    "OPTION_C",
    "OPTION_D",
];
pub(super) const PREFIX: usize = 3;
const CALLED: std::ops::RangeInclusive<usize> = 4..=5;
const OPTIONS: std::ops::RangeInclusive<usize> = 6..=9;

/// How rows of a task become samples.
pub(super) struct Original<'a> {
    task: &'static Task,
    template: Template,
    prompts: &'a PromptFile,
}

impl<'a> Original<'a> {
    pub(super) fn new(task: &'static Task, prompts: &'a PromptFile) -> Result<Self, Error> {
        Ok(Self { task, template: prompts.template(task)?, prompts })
    }

    pub(super) fn sample(&self, row: &Row<'_>) -> Result<Sample, Error> {
        let mut label = json_label(row, "answer")?;
        let options = row.optional_texts("options")?.filter(|options| !options.is_empty());
        if self.task.metric.has_options() {
            let all = options.as_deref().unwrap_or_default();
            label = match label.as_slice() {
                [answer] => with_letter(answer, all),
                _ => None,
            }
            .ok_or_else(|| {
                row.wrong("answer", "one of four options", format!("{label:?} and the options {all:?}"))
            })?;
        }
        check_label(row, self.task, &label)?;
        let FilledTemplate { context, question, answer_prefix } = self.fill(row, options.as_deref())?;
        Ok(Sample {
            task: self.task.name.to_owned(),
            context,
            question,
            answer_prefix,
            max_new_tokens: self.task.max_new_tokens(),
            extra: vec![Value::TextList(label), options.map_or(Value::Null, Value::TextList)],
        })
    }

    fn fill(&self, row: &Row<'_>, options: Option<&[String]>) -> Result<FilledTemplate, Error> {
        let input = row.text("input")?;
        let needs = |fields: std::ops::RangeInclusive<usize>| {
            fields.into_iter().any(|field| self.template.has(field))
        };
        let (func, func_call) = if needs(CALLED) { call(row, input)? } else { ("", "") };
        let prefix = if needs(PREFIX..=PREFIX) {
            self.prompts.prefix_of_math_find(&target(row, input)?)?
        } else {
            String::new()
        };
        let option = |place: usize| options.and_then(|options| options.get(place)).map_or("", String::as_str);
        if needs(OPTIONS) && options.is_none_or(|options| options.len() != 4) {
            return Err(row.wrong("options", "four texts", format!("{options:?}")).into());
        }
        let texts = [
            row.text("context")?,
            input,
            input,
            &prefix,
            func,
            func_call,
            option(0),
            option(1),
            option(2),
            option(3),
        ];
        Ok(self.template.fill(&texts))
    }
}

/// The function that `input` asks about, and the call: `f` and `f(-2)`.
fn call<'a>(row: &Row<'_>, input: &'a str) -> Result<(&'a str, &'a str), ReadError> {
    static CALL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(\w+)\([^()]*\)").expect("a constant pattern"));
    let found = CALL.captures(input).and_then(|found| Some((found.get(1)?.as_str(), found.get(0)?.as_str())));
    found.ok_or_else(|| row.wrong("input", "the call of a function, such as f(-2)", format!("{input:?}")))
}

/// What `input` asks for: `the largest number`, `the median`. The authors' code knows `The ... number` with one word between, and
/// stops at any other.
fn target(row: &Row<'_>, input: &str) -> Result<String, ReadError> {
    static TARGETS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [r"The \w+ number", r"The (?:\w+ )*?(?:number|median)\b"]
            .map(|pattern| Regex::new(pattern).expect("a constant pattern"))
    });
    let found = TARGETS.iter().find_map(|target| target.find(input));
    let found = found.map(|found| found.as_str().to_lowercase());
    found
        .ok_or_else(|| row.wrong("input", "what to find, The ... number or The median", format!("{input:?}")))
}
