//! The prompt templates of a benchmark's authors, for rows that have no prompts of their own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ReadError, Template, read_text};
use crate::DataErrorKind;

/// Templates by the names of their tasks.
#[derive(Debug)]
pub struct TemplateFile {
    file: PathBuf,
    templates: HashMap<String, String>,
    /// Whether rows needed one.
    used: AtomicBool,
}

/// What can go wrong with prompt templates. Each error names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A file that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Rows of the authors' form, and no templates to make prompts of them.
    #[error("{}: row {row} has no prompt of its own; the authors' prompt templates are needed, {needed}", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// The row, from 1; in a JSON Lines file the line.
        row: usize,
        /// The file of templates, by its name among the authors' files.
        needed: &'static str,
    },
    /// Templates that no row needs.
    #[error("{}: no row needs a template: all rows have a prompt of their own", file.display())]
    Unused {
        /// The file of templates.
        file: PathBuf,
    },
    /// A file of templates that is none.
    #[error("{}: {problem}", file.display())]
    NoTemplates {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A task without a template, or one that cannot be used.
    #[error("{}: template of {task}: {problem}", file.display())]
    Template {
        /// The file of templates.
        file: PathBuf,
        /// The task.
        task: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl TemplateError {
    /// The kind of the error, for the library's own.
    #[must_use]
    pub fn kind(&self) -> DataErrorKind {
        match self {
            Self::Read(error) => error.kind(),
            _ => DataErrorKind::Invalid,
        }
    }
}

impl TemplateFile {
    /// The templates in `file`, a JSON object of texts by task.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that holds something else.
    pub fn open(file: &Path) -> Result<Self, TemplateError> {
        let templates = serde_json::from_str(&read_text(file)?).map_err(|error| {
            let problem = format!("expected a JSON object of texts, {{task: template}}: {error}");
            TemplateError::NoTemplates { file: file.to_owned(), problem }
        })?;
        Ok(Self::new(file, templates))
    }

    /// Templates that were read from `file`.
    #[must_use]
    pub fn new(file: &Path, templates: HashMap<String, String>) -> Self {
        Self { file: file.to_owned(), templates, used: AtomicBool::new(false) }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The template of the first of `names` that there is, with some of `fields`.
    ///
    /// # Errors
    ///
    /// Where there is none, and where it cannot be parsed: [`TemplateError::Template`] with the first of the names.
    pub fn template<const N: usize>(
        &self,
        names: [&'static str; N],
        fields: &[&str],
    ) -> Result<Template, TemplateError> {
        self.used.store(true, Ordering::Relaxed);
        let task = names.first().copied().unwrap_or_default();
        let error = |problem| TemplateError::Template { file: self.file.clone(), task, problem };
        let text = names.iter().find_map(|&name| self.templates.get(name));
        Template::parse(text.ok_or_else(|| error("there is none".to_owned()))?, fields).map_err(error)
    }

    /// Fails where no template was asked for: they would have no effect.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unused`].
    pub fn check_used(&self) -> Result<(), TemplateError> {
        if self.used.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(TemplateError::Unused { file: self.file.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_by_the_first_name_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.json");
        std::fs::write(&file, r#"{"qasper": "{context}\n{input}", "broken": "{input}"}"#).unwrap();
        let templates = TemplateFile::open(&file).unwrap();
        assert!(templates.check_used().unwrap_err().to_string().contains("no row needs a template"));
        let fields = ["context", "input"];
        let template = templates.template(["qasper_e", "qasper"], &fields).unwrap();
        assert_eq!(template.fill(&["a", "b"]).question, "\nb");
        templates.check_used().unwrap();
        for (name, problem) in [("trec", "there is none"), ("broken", "there is no {context} in it")] {
            let error = templates.template([name], &fields).unwrap_err().to_string();
            assert!(error.ends_with(&format!("t.json: template of {name}: {problem}")), "{error}");
        }
        std::fs::write(&file, "[1]").unwrap();
        let error = TemplateFile::open(&file).unwrap_err().to_string();
        assert!(error.contains("t.json: expected a JSON object of texts, {task: template}: "), "{error}");
    }
}
