//! The entry of InfiniteBench.

use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use sah_bench_core::data::TemplateError;
use sah_bench_core::{Benchmark, DataError, Error as BenchError, Warning, WarningKind};
use sah_infinitebench::{Error, Figures, HUB_ID, InfiniteBench, PromptFiles, figures, score_predictions};
use sah_request::ThoughtsInAnswers;
use serde_json::json;

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::prompts_flag::PromptsFlag;
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::usage::UsageError;

/// `bench infinitebench` and `score infinitebench`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where InfiniteBench's rows come from: `sample` (bundled, a demonstration and not InfiniteBench), `hub` \
           (MaxJeblick/InfiniteBench), or a folder with `<subset>/*.parquet` in the hub's layout or with the authors' \
           `<subset>.jsonl`",
};

/// Their prompt templates.
const PROMPTS: PromptsFlag = PromptsFlag {
    help: "The authors' src/prompt.py with their prompt templates; needed for `.jsonl` files in their form, which have no prompts. \
           For `math_find`, their `eval_utils.py` must lie beside it. The files are read, not run",
};

/// Flags that only InfiniteBench has, beside `--data` and `--prompts`.
#[derive(Debug, Args)]
struct Flags {
    /// Whose templates of that file: yarn-mistral, gpt4 or claude2
    #[arg(long, value_name = "NAME", default_value = "yarn-mistral")]
    prompt_family: String,
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "infinitebench"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["infinite_bench", "infinite-bench"]
    }

    fn about(&self) -> &'static str {
        "InfiniteBench: twelve tasks over contexts of 100 thousand tokens and more"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "exact match by the official rules, F1, ROUGE-Lsum, by task",
            source: "OpenBMB, arXiv 2402.13718",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(InfiniteBench::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command.arg(DATA.argument()).arg(PROMPTS.argument()))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { prompt_family } = Flags::from_arg_matches(flags).map_err(UsageError::from)?;
        let source = DATA.source(flags);
        let prompts = PromptsFlag::file(flags, &source)?;
        let note = DataFlag::demonstration(&source, "InfiniteBench");
        let warnings = prompts.iter().map(|_| limits_of_hub()).collect();
        let data = DATA.origin(&source, HUB_ID);
        let prompts = prompts.map(|file| PromptFiles { file, family: prompt_family });
        Ok(Opened { benchmark: Box::new(InfiniteBench::new(source, prompts)), data, note, warnings })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            Error::Templates(TemplateError::Template { .. }) => {
                Some("other templates are chosen with --prompt-family".to_owned())
            }
            Error::Templates(error) => PromptsFlag::remedy(error),
            Error::Read(error) => DataFlag::remedy(error),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With the official InfiniteBench rules, from 0 to 1",
            file: "JSON Lines, a prediction each: `task`, `prediction`, and the answer as `label`, `ground_truth` or `answer` (of \
                   longbook_choice_eng and code_debug the option's text and its letter, or one of them beside `options` or `question`)",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

/// Of rows that are made from the authors' files.
fn limits_of_hub() -> Warning {
    let message = "rows of .jsonl files that have no limit on new tokens get that of the hub's data, the authors' plus 20 (passkey \
                   26, not 6)";
    Warning::new(WarningKind::LimitsAboveAuthors, message)
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, BenchError> {
    let rows = score_predictions(file, thoughts).map_err(DataError::from)?;
    let Figures { tasks, overall } = figures(&rows);
    let tasks = tasks.iter().map(|(task, mean, rows)| (task.name, task.label, *mean, *rows));
    let aggregate = Aggregate::of_task_means("paper", 4, tasks, ("", Some(overall)));
    Ok(scored(&rows, |score| json!(score), aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{BenchmarkEntry as _, Entry, TemplateError, score};

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("infinitebench"));
        Entry.open(&command.try_get_matches_from([&["infinitebench"], arguments].concat())?)
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, has_note, warnings) in [
            (&[][..], "sample", true, 0),
            (&["--data", "hub"], "hub", false, 0),
            (&["--data", "my/folder"], "folder", false, 0),
            (&["--data", "my/folder", "--prompts", "prompt.py"], "folder", false, 1),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!(opened.data.source, source);
            assert_eq!((opened.note.is_some(), opened.warnings.len()), (has_note, warnings), "{arguments:?}");
        }
        let error = open(&["--prompts", "prompt.py"]).unwrap_err().to_string();
        assert!(error.contains("--prompts is for .jsonl files"), "{error}");
    }

    #[test]
    fn a_flag_that_helps_is_named() {
        let missing = TemplateError::Missing { file: "x.jsonl".into(), row: 1, needed: "y" };
        let error = sah_infinitebench::Error::from(missing);
        assert_eq!(Entry.remedy(&error).unwrap(), "name their file with --prompts");
        assert_eq!(Entry.remedy(&std::fmt::Error), None);
    }

    #[test]
    fn a_file_of_predictions_gets_means_and_scores_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let text = "{\"id\": \"a\", \"task\": \"passkey\", \"prediction\": \"12\", \"label\": \"12\"}\n{\"id\": \"b\", \"task\": \
                    \"code_run\", \"prediction\": \"12\", \"label\": 13}\n";
        std::fs::write(&file, text).unwrap();
        let scores = score(&file, None).unwrap();
        assert_eq!(scores.json["rows"], serde_json::json!({"a": 1.0, "b": 0.0}));
        assert_eq!(scores.json["overall_score"], 0.5);
        assert_eq!(scores.rows[0], ["passkey", "Retrieve.PassKey", "1.0000", "1"]);
    }
}
