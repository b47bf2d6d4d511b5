//! The authors' files of prompts, which are Python: `prompt.py` with a dictionary of templates for each family of models, and
//! `eval_utils.py` with the phrase that `math_find` begins with. Both are read and never run.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use sah_bench_core::data::{Template, TemplateError, TemplateFile, read_text};
use sah_metrics::literal::{Literal, assignments, parse};

use super::original::{FIELDS, PREFIX};
use crate::Task;
use crate::benchmark::PromptFiles;

/// How the names of dictionaries end.
const ENDING: &str = "_templates";
/// The field of the phrase.
const TARGET: &str = "{target_number}";

/// The templates of a family.
pub(super) struct PromptFile(TemplateFile);

impl PromptFile {
    pub(super) fn open(files: &PromptFiles) -> Result<Self, TemplateError> {
        let PromptFiles { file, family } = files;
        let wrong = |problem: String| TemplateError::NoTemplates { file: file.clone(), problem };
        let mut found = assignments(&read_text(file)?).map_err(|error| wrong(error.to_string()))?;
        let name = format!("{}{ENDING}", family.replace('-', "_"));
        let place = found.iter().position(|(found, _)| *found == name).ok_or_else(|| {
            let families = found.iter().filter_map(|(name, _)| name.strip_suffix(ENDING));
            wrong(format!("no templates of {family}; there is {}", families.collect::<Vec<_>>().join(", ")))
        })?;
        let Literal::Dict(templates) = found.swap_remove(place).1 else {
            return Err(wrong(format!("{name} is no dictionary")));
        };
        let text = |(task, template): &(Literal, Literal)| {
            Some((task.text()?.to_owned(), template.text()?.to_owned()))
        };
        Ok(Self(TemplateFile::new(file, templates.iter().filter_map(text).collect())))
    }

    /// Fails where no template was asked for.
    pub(super) fn check_used(&self) -> Result<(), TemplateError> {
        self.0.check_used()
    }

    /// The template of a task.
    pub(super) fn template(&self, task: &'static Task) -> Result<Template, TemplateError> {
        let template = self.0.template([task.name], &FIELDS)?;
        if template.has(PREFIX) {
            // What is missing is found before thousands of rows are read.
            self.prefix_of_math_find("")?;
        }
        Ok(template)
    }

    /// What `math_find` begins with, of a row that asks for `target`: the text `prefix = f"...{target_number}..."` of
    /// `eval_utils.py`.
    pub(super) fn prefix_of_math_find(&self, target: &str) -> Result<String, TemplateError> {
        static PHRASE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r#"(?m)^\s*prefix = f(".*"|'.*')\s*$"#).expect("a constant pattern"));
        let file = self.0.file().parent().unwrap_or(Path::new("")).join("eval_utils.py");
        let text = read_text(&file)?;
        let phrase = PHRASE.captures(&text).and_then(|found| parse(found.get(1)?.as_str()).ok());
        let phrase = phrase.as_ref().and_then(Literal::text).filter(|phrase| phrase.contains(TARGET));
        let phrase = phrase.ok_or_else(|| TemplateError::NoTemplates {
            file,
            problem: format!("expected a line prefix = f\"...{TARGET}...\" for math_find, found none"),
        })?;
        Ok(phrase.replace(TARGET, target))
    }
}
