//! The entry of LooGLE.

use std::path::Path;

use clap::{ArgMatches, Command};
use sah_bench_core::{Benchmark, DataError, Error as BenchError};
use sah_loogle::{Error, HUB_ID, Loogle, Score, ScoredTask, score_predictions};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, Value};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::prompts_flag::PromptsFlag;
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::terminal::figure;

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
            metric: "recall of ROUGE, BLEU; exact and partial match of gaps",
            source: "BIGAI, arXiv 2311.04939",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Loogle::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        command.arg(DATA.argument()).arg(PROMPTS.argument())
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let source = DATA.source(flags);
        let prompts = PROMPTS.file(flags, &source)?;
        let note = DataFlag::demonstration(&source, "LooGLE");
        let data = DATA.origin(&source, HUB_ID);
        Ok(Opened { benchmark: Box::new(Loogle::new(source, prompts)), data, note, warnings: Vec::new() })
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
            about: "With LooGLE's automatic metrics but METEOR and BERTScore, from 0 to 1",
            file: "JSON Lines, a prediction each: `task`, `prediction` and `answer`, of shortdep_cloze an object from gaps to texts",
            score,
        })
    }
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, BenchError> {
    let (rows, tasks) =
        score_predictions(file, thoughts).map_err(|error| DataError::new(error.kind(), error))?;
    let of_task = |scored: &ScoredTask| (scored.task.name.to_owned(), scored.figures.all.clone().into());
    let all: Map<String, Value> = tasks.iter().map(of_task).collect();
    let aggregate = Aggregate {
        header: ["task", "metric", "score", "rows"].map(str::to_owned).to_vec(),
        lines: tasks.iter().flat_map(lines).collect(),
        figures: [("scores".to_owned(), Value::Object(all))].into_iter().collect(),
        notes: Vec::new(),
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

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("loogle"));
        Entry.open(&command.try_get_matches_from([&["loogle"], arguments].concat())?)
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, has_note) in [
            (&[][..], "sample", true),
            (&["--data", "hub"], "hub", false),
            (&["--data", "my/folder", "--prompts", "p.json"], "folder", false),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!((opened.data.source.as_str(), opened.note.is_some()), (source, has_note));
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
        let scores = score(&file, None).unwrap();
        assert_eq!(scores.json["rows"]["a"]["exact_match"], serde_json::json!([1, 1]));
        assert_eq!(scores.json["scores"]["shortdep_cloze"]["exact_match"], 1.0);
        assert_eq!(scores.rows[0], ["shortdep_cloze", "exact_match", "1.0000", "1"]);
    }
}
