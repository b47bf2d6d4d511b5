//! The entry of data sets of the user.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use sah_bench_core::data::DEFAULT_CONFIG;
use sah_bench_core::{Benchmark, DataError, Error as BenchError};
use sah_custom::{Custom, Figures, Metric, Source, figures, score_predictions};
use sah_metrics::WordNet;
use sah_request::ThoughtsInAnswers;
use serde_json::json;

use super::predictions::{Aggregate, scored};
use super::wordnet_flag::WordNetFlag;
use super::{BenchmarkEntry, BenchmarkFacts, DataOrigin, Opened, PredictionScorer, ScoredPredictions};
use crate::usage::UsageError;

/// `bench custom` and `score custom`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Flags that only it has. They stand before those about rows that every benchmark has.
#[derive(Debug, Args)]
struct Flags {
    /// Where the rows come from: a file `.jsonl` or `.parquet`, a folder of such files, or a data set on the hub, `ORG/NAME`. Their
    /// columns are `context`, `question`, `answers` (or `answer`), `max_new_tokens`, and `answer_prefix` and `task` if there are any
    #[arg(long, value_name = "FILE|DIR|ORG/NAME")]
    data: Option<String>,

    #[command(flatten)]
    scores: ScoreFlags,

    /// Configs of a data set on the hub
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = DEFAULT_CONFIG)]
    data_configs: Vec<String>,

    /// Split of a data set on the hub
    #[arg(long, value_name = "NAME", default_value = "test")]
    split: String,
}

/// How answers are scored: flags of `bench` and `score`.
#[derive(Debug, Args)]
struct ScoreFlags {
    /// How answers are scored, from 0 to 100: the best over the references of a row; `meteor` needs --wordnet
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Metric::ALL.map(Metric::name)))]
    metric: Option<String>,

    #[command(flatten)]
    wordnet: WordNetFlag,
}

impl ScoreFlags {
    /// The metric, and the WordNet that it looks words up in.
    fn open(&self) -> Result<(Metric, Option<WordNet>), UsageError> {
        let none = || UsageError("say with --metric how answers are scored; see --help".to_owned());
        let name = self.metric.as_ref().ok_or_else(none)?;
        // The parser lets no other name pass.
        let unknown = || UsageError(format!("--metric {name}: no such metric; see --help"));
        let metric = Metric::find(name).ok_or_else(unknown)?;
        match (metric.needs_wordnet(), self.wordnet.open()?) {
            (true, None) => Err(UsageError(format!(
                "--metric {name} takes synonyms from a WordNet; name its folder with --wordnet DIR"
            ))),
            (false, Some(_)) => {
                Err(UsageError(format!("--wordnet has no effect: --metric {name} looks no words up")))
            }
            (_, wordnet) => Ok((metric, wordnet)),
        }
    }
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

    /// The only files are those of a WordNet.
    fn scorer_with(&self, metric_files: &[PathBuf]) -> anyhow::Result<Box<dyn Benchmark>> {
        let custom = Custom::default();
        Ok(match metric_files.first().and_then(|file| file.parent()) {
            Some(folder) => Box::new(custom.with_wordnet(WordNet::open(folder)?)),
            None => Box::new(custom),
        })
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { data, scores, data_configs, split } =
            Flags::from_arg_matches(flags).map_err(UsageError::from)?;
        let data =
            data.ok_or_else(|| UsageError("name your data with --data FILE|DIR|ORG/NAME".to_owned()))?;
        let (metric, wordnet) = scores.open()?;
        let source = source(&data, data_configs, split)?;
        let kind = if matches!(source, Source::Hub { .. }) { "hub" } else { "folder" };
        let origin = DataOrigin { source: kind.to_owned(), location: Some(data) };
        let mut custom = Custom::open(&source, metric)?;
        if let Some(wordnet) = wordnet {
            custom = custom.with_wordnet(wordnet);
        }
        let note = Some(format!("scores: {}, of the rows' own references", metric.name()));
        Ok(Opened { benchmark: Box::new(custom), data: origin, note, warnings: Vec::new() })
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With a metric of choice, from 0 to 100",
            file: "JSON Lines, a prediction each: `prediction`, the references as `answers` or `answer`, and `task` if there is one",
            score,
        })
    }

    fn add_score_flags(&self, command: Command) -> Command {
        ScoreFlags::augment_args(command).mut_arg("metric", |arg| arg.required(true))
    }
}

fn score(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    flags: &ArgMatches,
) -> anyhow::Result<ScoredPredictions> {
    let (metric, wordnet) = ScoreFlags::from_arg_matches(flags).map_err(UsageError::from)?.open()?;
    let rows = score_predictions(file, thoughts, metric, wordnet.as_ref())
        .map_err(DataError::from)
        .map_err(BenchError::from)?;
    let Figures { tasks, overall } = figures(&rows);
    let name = metric.name();
    let tasks = tasks.iter().map(|(task, (score, rows))| (task.as_str(), name, *score, *rows));
    let mut aggregate = Aggregate::of_task_means("metric", 2, tasks, (name, Some(overall)));
    aggregate.figures.insert("metric".to_owned(), json!(name));
    Ok(scored(&rows, |score| json!(score), aggregate))
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
    use sah_bench_core::{Benchmark, NoTokenizer};
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

    const WORDNET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sah-metrics/tests/reference/wordnet");

    #[test]
    fn meteor_needs_a_wordnet_and_no_other_metric_takes_one() {
        let folder = tempfile::tempdir().unwrap();
        let row = r#"{"context": "c", "question": "q", "answer": "the doctor", "max_new_tokens": 7}"#;
        std::fs::write(folder.path().join("qa.jsonl"), row).unwrap();
        let data = folder.path().to_str().unwrap();
        let error = open(&["--data", data, "--metric", "meteor"]).unwrap_err();
        assert!(error.contains("name its folder with --wordnet DIR"), "{error}");
        let error = open(&["--data", data, "--metric", "f1", "--wordnet", WORDNET]).unwrap_err();
        assert!(error.contains("--wordnet has no effect"), "{error}");
        let run = open(&["--data", data, "--metric", "meteor", "--wordnet", WORDNET]).unwrap().benchmark;
        let sample = &run.load(&["qa"], &NoTokenizer).unwrap()[0];
        let value = |benchmark: &dyn Benchmark| benchmark.score(sample, "the physician").unwrap().value;
        let scorer = Entry.scorer_with(&run.metric_files()).unwrap();
        assert_eq!((value(&*run), value(&*scorer)), (93.75, 93.75));
    }

    #[test]
    fn predictions_are_scored_by_any_metric() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        std::fs::write(&file, r#"{"id": "a", "prediction": "the physician", "answer": "the doctor"}"#)
            .unwrap();
        let flags = |arguments: &[&str]| {
            let command = Entry.add_score_flags(Command::new("custom"));
            command.try_get_matches_from([&["custom"], arguments].concat())
        };
        assert!(flags(&[]).unwrap_err().to_string().contains("--metric"));
        for (arguments, value) in
            [(&["--metric", "contains"][..], 0.0), (&["--metric", "meteor", "--wordnet", WORDNET], 93.75)]
        {
            let scores = super::score(&file, None, &flags(arguments).unwrap()).unwrap();
            assert_eq!(scores.json["rows"]["a"], value);
            assert_eq!(
                (&scores.json["task_scores"]["all"], &scores.json["metric"]),
                (&value.into(), &arguments[1].into())
            );
            assert_eq!(scores.rows[0], ["all", arguments[1], &format!("{value:.2}"), "1"]);
        }
    }
}
