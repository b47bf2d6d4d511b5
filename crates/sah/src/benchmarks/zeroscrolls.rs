//! The entry of ZeroSCROLLS.

use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches as _, ValueEnum};
use sah_bench_core::data::{DataSource, ReadError};
use sah_bench_core::{Benchmark, DataError, Error};
use sah_request::ThoughtsInAnswers;
use sah_zeroscrolls::{
    Figures, HUB_ID, Score, Split, Task, ZeroScrolls, figures, rouge_table, score_predictions,
};
use serde_json::{Value, json};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::usage::UsageError;

/// `bench zeroscrolls` and `score zeroscrolls`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where ZeroSCROLLS' rows come from: `sample` (bundled, a demonstration and not ZeroSCROLLS), `hub` \
           (simonjegou/zero_scrolls, without answers, so without scores), or a folder in the hub's layout or with the authors' \
           `<subset>.zip` or `<subset>/<split>.jsonl`",
};

/// What a run over it says of itself.
const TEST_SPLIT: &str = "data: the test split, whose answers only the leaderboard has; this run gets no scores, and a leaderboard.csv beside \
                          the results of each attention";

/// Flags that only ZeroSCROLLS has, beside `--data`.
#[derive(Debug, Args)]
struct Flags {
    /// The split: `validation` has answers and is what the authors' files are read for, `test` has none and is all that the copy on
    /// the hub has
    #[arg(long, value_enum)]
    split: Option<SplitArg>,
}

/// `--split`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Validation,
    Test,
}

impl From<SplitArg> for Split {
    fn from(split: SplitArg) -> Self {
        match split {
            SplitArg::Validation => Self::Validation,
            SplitArg::Test => Self::Test,
        }
    }
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "zeroscrolls"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["zero_scrolls", "zero-scrolls"]
    }

    fn about(&self) -> &'static str {
        "ZeroSCROLLS: summaries, questions and aggregation over long documents"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "geometric mean of ROUGE, F1, accuracy, exponential similarity, concordance, by task",
            source: "Tel Aviv University, arXiv 2305.14196",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(ZeroScrolls::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command.arg(DATA.argument()))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { split } = Flags::from_arg_matches(flags).map_err(UsageError::from)?;
        let source = DATA.source(flags);
        if split.is_some() && source.folder().is_none() {
            let text = "--split is for a folder of the authors' files; name it with --data DIR";
            return Err(UsageError(text.to_owned()).into());
        }
        let note = match source {
            DataSource::Hub => Some(TEST_SPLIT.to_owned()),
            DataSource::Folder(_) if matches!(split, Some(SplitArg::Test)) => Some(TEST_SPLIT.to_owned()),
            DataSource::Own | DataSource::Folder(_) => DataFlag::demonstration(&source, "ZeroSCROLLS"),
        };
        let data = DATA.origin(&source, HUB_ID);
        let benchmark = Box::new(ZeroScrolls::new(source, split.map(Split::from)));
        Ok(Opened { benchmark, data, note, warnings: Vec::new() })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        DataFlag::remedy(error.downcast_ref::<ReadError>()?)
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With the official ZeroSCROLLS metrics, from 0 to 100",
            file: "JSON Lines, a prediction each: `task`, `prediction`, and the references as `answers` or `answer`",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let rows = score_predictions(file, thoughts).map_err(|error| DataError::new(error.kind(), error))?;
    let Figures { tasks, rouge, overall } = figures(&rows);
    let metric = |name: &str| Task::find(name).map_or("", |task| task.metric.name());
    let tasks = tasks.iter().map(|(name, (score, rows))| (*name, metric(name), *score, *rows));
    let mut aggregate = Aggregate::of_task_means("metric", 4, tasks, ("", overall));
    let rouge = Value::Object(rouge);
    aggregate.further = rouge_table(Some(&rouge)).into_iter().collect();
    aggregate.figures.insert("rouge".to_owned(), rouge);
    Ok(scored(&rows, |score: &Score| json!(score.value()), aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{BenchmarkEntry as _, Entry, score};

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("zeroscrolls"));
        Entry.open(&command.try_get_matches_from([&["zeroscrolls"], arguments].concat())?)
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, has_note) in [
            (&[][..], "sample", true),
            (&["--data", "hub"], "hub", true),
            (&["--data", "my/folder", "--split", "test"], "folder", true),
            (&["--data", "my/folder"], "folder", false),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!((opened.data.source.as_str(), opened.note.is_some()), (source, has_note));
        }
        let error = open(&["--split", "test"]).unwrap_err().to_string();
        assert!(error.contains("--split is for a folder"), "{error}");
    }

    #[test]
    fn a_file_of_predictions_gets_figures_and_scores_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let text = "{\"id\": \"a\", \"task\": \"quality\", \"prediction\": \"B\", \"answers\": [\"B\"]}\n{\"id\": \"b\", \"task\": \
                    \"qmsum\", \"prediction\": \"a b c\", \"answers\": [\"x\"]}\n";
        std::fs::write(&file, text).unwrap();
        let scores = score(&file, None).unwrap();
        assert_eq!(scores.json["rows"], serde_json::json!({"a": 100.0, "b": 0.0}));
        assert_eq!(scores.json["overall_score"], 50.0);
        assert_eq!(scores.rows[1], ["quality", "accuracy", "100.0000", "1"]);
    }
}
