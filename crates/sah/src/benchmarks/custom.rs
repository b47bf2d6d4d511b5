//! The entry of data sets of the user.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use sah_bench_core::Benchmark;
use sah_bench_core::data::DEFAULT_CONFIG;
use sah_custom::{Custom, Metric, Source};

use super::{BenchmarkEntry, BenchmarkFacts, DataOrigin, Opened};
use crate::usage::UsageError;

/// `bench custom`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Flags that only it has. They stand before those about rows that every benchmark has.
#[derive(Debug, Args)]
struct Flags {
    /// Where the rows come from: a file `.jsonl` or `.parquet`, a folder of such files, or a data set on the hub, `ORG/NAME`. Their
    /// columns are `context`, `question`, `answers` (or `answer`), `max_new_tokens`, and `answer_prefix` and `task` if there are any
    #[arg(long, value_name = "FILE|DIR|ORG/NAME")]
    data: Option<String>,

    /// How answers are scored, from 0 to 100: the best over the references of a row
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Metric::ALL.map(Metric::name)))]
    metric: Option<String>,

    /// Configs of a data set on the hub
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = DEFAULT_CONFIG)]
    data_configs: Vec<String>,

    /// Split of a data set on the hub
    #[arg(long, value_name = "NAME", default_value = "test")]
    split: String,
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn about(&self) -> &'static str {
        "A data set of yours, from files or the hub, with a metric of choice"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: "FILE, DIR, ORG/NAME on the hub".to_owned(),
            metric: "any of --metric, the best over the references of a row",
            source: "yours",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Custom::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { data, metric, data_configs, split } =
            Flags::from_arg_matches(flags).map_err(UsageError::from)?;
        let data =
            data.ok_or_else(|| UsageError("name your data with --data FILE|DIR|ORG/NAME".to_owned()))?;
        let metric = metric
            .ok_or_else(|| UsageError("say with --metric how answers are scored; see --help".to_owned()))?;
        // The parser lets no other name pass.
        let metric = Metric::find(&metric)
            .ok_or_else(|| UsageError(format!("--metric {metric}: no such metric; see --help")))?;
        let source = source(&data, data_configs, split)?;
        let kind = if matches!(source, Source::Hub { .. }) { "hub" } else { "folder" };
        let origin = DataOrigin { source: kind.to_owned(), location: Some(data) };
        let benchmark = Box::new(Custom::open(&source, metric)?);
        let note = Some(format!("scores: {}, of the rows' own references", metric.name()));
        Ok(Opened { benchmark, data: origin, note, warnings: Vec::new() })
    }
}

/// What is there counts, before the hub is asked.
fn source(data: &str, configs: Vec<String>, split: String) -> Result<Source, UsageError> {
    let path = Path::new(data);
    if path.exists() {
        return Ok(Source::Path(path.to_owned()));
    }
    let is_word = |text: &str| {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !text.is_empty() && !text.starts_with('.') && text.chars().all(is_fit)
    };
    match data.split_once('/') {
        Some((org, name)) if is_word(org) && is_word(name) => {
            Ok(Source::Hub { id: data.to_owned(), configs, split })
        }
        _ => Err(UsageError(format!(
            "--data {data}: no such file or folder, and no name of a data set on the hub"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use sah_custom::Metric;

    use super::{BenchmarkEntry as _, Entry, Source, source};

    fn open(arguments: &[&str]) -> Result<super::Opened, String> {
        let command = Entry.add_flags(Command::new("custom"));
        let flags = command.try_get_matches_from([&["custom"], arguments].concat()).unwrap();
        Entry.open(&flags).map_err(|error| error.to_string())
    }

    #[test]
    fn help_names_every_metric() {
        let help = Entry.add_flags(Command::new("custom")).render_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let names = Metric::ALL.map(Metric::name).join(", ");
        assert!(help.contains(&format!("[possible values: {names}]")), "{help}");
    }

    #[test]
    fn rows_come_from_what_is_there_or_the_hub() {
        let folder = tempfile::tempdir().unwrap();
        let row = r#"{"context": "c", "question": "q", "answer": "a", "max_new_tokens": 7}"#;
        std::fs::write(folder.path().join("qa.jsonl"), row).unwrap();
        let data = folder.path().to_str().unwrap();
        let opened = open(&["--data", data, "--metric", "rouge_l"]).unwrap();
        assert_eq!(opened.benchmark.subsets(), ["qa"]);
        assert_eq!((&*opened.data.source, opened.data.location.as_deref()), ("folder", Some(data)));
        let hub = source("me/my-data", vec!["default".to_owned()], "test".to_owned()).unwrap();
        let expected = Source::Hub {
            id: "me/my-data".to_owned(),
            configs: vec!["default".to_owned()],
            split: "test".to_owned(),
        };
        assert_eq!(hub, expected);
        let error = open(&["--data", "/no/such/folder", "--metric", "f1"]).unwrap_err();
        assert!(error.contains("no such file or folder"), "{error}");
    }

    #[test]
    fn a_flag_that_is_missing_or_misspelt_is_named() {
        assert!(open(&[]).unwrap_err().contains("--data FILE|DIR|ORG/NAME"));
        assert!(open(&["--data", "x"]).unwrap_err().contains("--metric"));
        let command = Entry.add_flags(Command::new("custom"));
        let error = command.try_get_matches_from(["custom", "--metric", "rougel"]).unwrap_err().to_string();
        assert!(error.contains("rouge_l"), "{error}");
    }
}
