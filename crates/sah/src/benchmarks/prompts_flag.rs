//! `--prompts`: the file of prompt templates that rows in the authors' form need.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, value_parser};
use sah_bench_core::data::{DataSource, TemplateError};

use crate::usage::UsageError;

const NAME: &str = "prompts";

/// The flag `--prompts FILE` of a benchmark whose authors' `.jsonl` files have no prompts.
#[derive(Clone, Copy, Debug)]
pub(super) struct PromptsFlag {
    /// Which file it is, for `--help`.
    pub(super) help: &'static str,
}

impl PromptsFlag {
    /// The argument, for [`BenchmarkEntry::add_flags`](super::BenchmarkEntry::add_flags).
    pub(super) fn argument(self) -> Arg {
        Arg::new(NAME).long(NAME).help(self.help).value_name("FILE").value_parser(value_parser!(PathBuf))
    }

    /// What the user gave, beside rows from `source`.
    pub(super) fn file(flags: &ArgMatches, source: &DataSource) -> Result<Option<PathBuf>, UsageError> {
        let file = flags.get_one::<PathBuf>(NAME).cloned();
        if file.is_some() && source.folder().is_none() {
            let text = "--prompts is for .jsonl files; name their folder with --data DIR";
            return Err(UsageError(text.to_owned()));
        }
        Ok(file)
    }

    /// What helps against an error of templates, if the flag does.
    pub(super) fn remedy(error: &TemplateError) -> Option<String> {
        match error {
            TemplateError::Missing { .. } => Some("name their file with --prompts".to_owned()),
            TemplateError::Unused { .. } => Some("leave out --prompts".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_for_the_files_of_a_folder() {
        let flag = PromptsFlag { help: "x" };
        let file = |arguments: &[&str], source: &DataSource| {
            let matches = clap::Command::new("x").arg(flag.argument()).get_matches_from(arguments);
            PromptsFlag::file(&matches, source).map_err(|error| error.to_string())
        };
        let folder = DataSource::Folder("d".into());
        assert_eq!(file(&["x", "--prompts", "p"], &folder).unwrap(), Some("p".into()));
        assert_eq!(file(&["x"], &DataSource::Hub).unwrap(), None);
        let error = file(&["x", "--prompts", "p"], &DataSource::Hub).unwrap_err();
        assert!(error.starts_with("--prompts is for .jsonl files"), "{error}");
    }

    #[test]
    fn a_flag_that_helps_is_named() {
        let missing = TemplateError::Missing { file: "x.jsonl".into(), row: 1, needed: "y" };
        assert_eq!(PromptsFlag::remedy(&missing).unwrap(), "name their file with --prompts");
        assert_eq!(
            PromptsFlag::remedy(&TemplateError::Unused { file: "y".into() }).unwrap(),
            "leave out --prompts"
        );
    }
}
