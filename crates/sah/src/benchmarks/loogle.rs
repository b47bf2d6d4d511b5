//! The entry of LooGLE.

use std::path::Path;

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use sah_bench_core::{Benchmark, DataError, Error as BenchError};
use sah_loogle::{Error, HUB_ID, Loogle, Score, ScoredTask, Task, score_predictions};
use sah_metrics::WordNet;
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, Value};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::prompts_flag::PromptsFlag;
use super::wordnet_flag::WordNetFlag;
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::terminal::figure;
use crate::usage::UsageError;

/// `bench loogle` and `score loogle`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where LooGLE's rows come from: `sample` (bundled, a demonstration and not LooGLE), `hub` (simonjegou/loogle), or a \
           folder with `<subset>/*.parquet` in the hub's layout or with the authors' `<subset>.jsonl`",
};

/// Their prompt templates.
const PROMPTS: PromptsFlag = PromptsFlag {
    help: "The authors' config/task2prompt.json with their prompt templates; needed for `.jsonl` files in their form, which have no prompts",
};

const NO_METEOR: &str = "METEOR is left out, since it takes synonyms from a WordNet (--wordnet DIR)";

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "loogle"
    }

    fn about(&self) -> &'static str {
        "LooGLE: questions, gaps and summaries of articles, scripts and papers"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "recall of ROUGE, BLEU, METEOR; exact and partial match of gaps",
            source: "BIGAI, arXiv 2311.04939",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Loogle::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        WordNetFlag::augment_args(command.arg(DATA.argument()).arg(PROMPTS.argument()))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let source = DATA.source(flags);
        let prompts = PromptsFlag::file(flags, &source)?;
        let of_data = DataFlag::demonstration(&source, "LooGLE");
        let subsets = flags.try_get_many::<String>("subsets").ok().flatten();
        let has_texts = subsets.is_none_or(|mut names| names.any(|name| !is_cloze(name)));
        let wordnet = WordNetFlag::from_arg_matches(flags).map_err(UsageError::from)?.open()?;
        let of_meteor = check(wordnet.as_ref(), has_texts)?;
        let notes: Vec<String> = of_data.into_iter().chain(of_meteor).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        let data = DATA.origin(&source, HUB_ID);
        let mut loogle = Loogle::new(source, prompts);
        if let Some(wordnet) = wordnet {
            loogle = loogle.with_wordnet(wordnet);
        }
        Ok(Opened { benchmark: Box::new(loogle), data, note, warnings: Vec::new() })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            Error::Templates(error) => PromptsFlag::remedy(error),
            Error::Read(error) => DataFlag::remedy(error),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With LooGLE's automatic metrics but BERTScore, from 0 to 1; METEOR with --wordnet",
            file: "JSON Lines, a prediction each: `task`, `prediction` and `answer`, of shortdep_cloze an object from gaps to texts",
            score,
        })
    }

    fn add_score_flags(&self, command: Command) -> Command {
        WordNetFlag::augment_args(command)
    }
}

fn is_cloze(task: &str) -> bool {
    Task::find(task).is_some_and(|task| task.is_cloze)
}

/// What is to be said of METEOR, where texts are compared with texts.
fn check(wordnet: Option<&WordNet>, has_texts: bool) -> Result<Option<String>, UsageError> {
    match wordnet {
        Some(_) if !has_texts => {
            let text = "--wordnet has no effect: METEOR is for questions and summaries, and these are gaps";
            Err(UsageError(text.to_owned()))
        }
        None if has_texts => Ok(Some(NO_METEOR.to_owned())),
        _ => Ok(None),
    }
}

fn score(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    flags: &ArgMatches,
) -> anyhow::Result<ScoredPredictions> {
    let wordnet = WordNetFlag::from_arg_matches(flags).map_err(UsageError::from)?.open()?;
    let (rows, tasks) = score_predictions(file, thoughts, wordnet.as_ref())
        .map_err(|error| BenchError::from(DataError::new(error.kind(), error)))?;
    let of_task = |scored: &ScoredTask| (scored.task.name.to_owned(), scored.figures.all.clone().into());
    let all: Map<String, Value> = tasks.iter().map(of_task).collect();
    let aggregate = Aggregate {
        header: ["task", "metric", "score", "rows"].map(str::to_owned).to_vec(),
        lines: tasks.iter().flat_map(lines).collect(),
        figures: [("scores".to_owned(), Value::Object(all))].into_iter().collect(),
        notes: check(wordnet.as_ref(), tasks.iter().any(|scored| !scored.task.is_cloze))?
            .into_iter()
            .collect(),
        ..Aggregate::default()
    };
    Ok(scored(&rows, |score: &Score| score.json(), aggregate))
}

/// A line for each figure of a task.
fn lines(ScoredTask { task, figures, rows }: &ScoredTask) -> Vec<Vec<String>> {
    let line = |(metric, value): (&String, &Value)| {
        vec![task.name.to_owned(), metric.clone(), figure(value.as_f64(), 4), rows.to_string()]
    };
    figures.all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{BenchmarkEntry as _, Entry, score};

    const WORDNET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sah-metrics/tests/reference/wordnet");

    fn flags(arguments: &[&str]) -> clap::ArgMatches {
        let command = Entry.add_score_flags(Command::new("loogle"));
        command.try_get_matches_from([&["loogle"], arguments].concat()).unwrap()
    }

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("loogle"));
        Entry.open(&command.try_get_matches_from([&["loogle"], arguments].concat())?)
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, is_sample) in [
            (&[][..], "sample", true),
            (&["--data", "hub"], "hub", false),
            (&["--data", "my/folder", "--prompts", "p.json"], "folder", false),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!(opened.data.source, source);
            let note = opened.note.unwrap();
            assert_eq!(note.contains("demonstration"), is_sample, "{note}");
            assert!(note.ends_with(super::NO_METEOR), "{note}");
        }
        let error = open(&["--prompts", "p.json"]).unwrap_err().to_string();
        assert!(error.contains("--prompts is for .jsonl files"), "{error}");
    }

    #[test]
    fn a_file_of_predictions_gets_figures_and_scores_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let text = "{\"id\": \"a\", \"task\": \"shortdep_cloze\", \"prediction\": \"{'x': 'y'}\", \"answer\": {\"x\": \"y\"}}\n";
        std::fs::write(&file, text).unwrap();
        let scores = score(&file, None, &flags(&[])).unwrap();
        assert_eq!(scores.json["rows"]["a"]["exact_match"], serde_json::json!([1, 1]));
        assert_eq!(scores.json["scores"]["shortdep_cloze"]["exact_match"], 1.0);
        assert_eq!(scores.rows[0], ["shortdep_cloze", "exact_match", "1.0000", "1"]);
    }

    #[test]
    fn meteor_needs_a_wordnet_and_a_wordnet_something_to_compare() {
        let opened = open(&["--wordnet", WORDNET, "--data", "hub"]).unwrap();
        assert_eq!((opened.note, opened.benchmark.metric_files().len()), (None, 12));
        assert!(opened.benchmark.metric_files().iter().all(|file| file.is_absolute() && file.is_file()));
        let error = open(&["--wordnet", "/no/such"]).unwrap_err().to_string();
        assert!(error.starts_with("--wordnet /no/such: /no/such/data.noun: "), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let line =
            r#"{"id": "a", "task": "longdep_qa", "prediction": "the physician", "answer": "the doctor"}"#;
        std::fs::write(&file, line).unwrap();
        let scores = score(&file, None, &flags(&["--wordnet", WORDNET])).unwrap();
        assert_eq!(
            (&scores.json["rows"]["a"]["meteor"], scores.notes.len()),
            (&serde_json::json!(0.9375), 0)
        );
        let scores = score(&file, None, &flags(&[])).unwrap();
        assert_eq!((scores.json["rows"]["a"].get("meteor"), &*scores.notes[0]), (None, super::NO_METEOR));
        let line = r#"{"task": "shortdep_cloze", "prediction": "", "answer": {"x": "y"}}"#;
        std::fs::write(&file, line).unwrap();
        let error = score(&file, None, &flags(&["--wordnet", WORDNET])).unwrap_err().to_string();
        assert!(error.starts_with("--wordnet has no effect"), "{error}");
    }
}
