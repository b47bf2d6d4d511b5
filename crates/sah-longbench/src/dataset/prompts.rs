//! The LongBench authors' prompt templates, `dataset2prompt.json`: a template for each task, with `{context}` and `{input}`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use sah_bench_core::data::{Template, read_text};

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
        Template::parse(text.ok_or_else(|| error("there is none".to_owned()))?, &["context", "input"])
            .map_err(error)
    }
}
