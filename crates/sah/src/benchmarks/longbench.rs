//! The entry of LongBench and LongBench-E.

use std::path::Path;

use clap::{ArgMatches, Command};
use sah_bench_core::data;
use sah_bench_core::{Benchmark, DataError, Error, Warning, WarningKind};
use sah_longbench::{BUCKETS, DataSource, HUB_ID, LongBench, PredictionScores, score_predictions};
use sah_request::ThoughtsInAnswers;

use super::data_flag::DataFlag;
use super::predictions::note_of_thoughts;
use super::prompts_flag::PromptsFlag;
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, PromptRule, ScoredPredictions};
use crate::terminal::figure;

/// `bench longbench` and `score longbench`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where LongBench's rows come from: `sample` (bundled, a demonstration and not LongBench), `hub` (Xnhyacinth/LongBench), \
           or a folder with `<subset>/*.parquet` in the hub's layout or with THUDM's `<subset>.jsonl`",
};

/// Their prompt templates.
const PROMPTS: PromptsFlag = PromptsFlag {
    help: "Prompt templates in the form of LongBench's dataset2prompt.json; needed for `.jsonl` files in THUDM's form, which have \
           no prompts of their own",
};

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "longbench"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["long_bench", "long-bench"]
    }

    fn about(&self) -> &'static str {
        "LongBench and LongBench-E: scores, time and memory, dense beside sparse"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "F1, ROUGE-L, accuracy, edit similarity, by task",
            source: "THUDM, arXiv 2308.14508",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(LongBench::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        command.arg(DATA.argument()).arg(PROMPTS.argument())
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let data = DATA.source(flags);
        let prompts = PromptsFlag::file(flags, &data)?;
        let warnings = prompts.iter().map(|_| limits_of_hub()).collect();
        let origin = DATA.origin(&data, HUB_ID);
        let note = DataFlag::demonstration(&data, "LongBench");
        let source = match data {
            data::DataSource::Folder(path) => DataSource::Directory { path, prompts },
            data::DataSource::Own => DataSource::Sample,
            data::DataSource::Hub => DataSource::Hub,
        };
        Ok(Opened { benchmark: Box::new(LongBench::new(source)), data: origin, note, warnings })
    }

    fn prompt_rule(&self) -> Option<PromptRule> {
        let about = "as the LongBench authors do, who leave out the few-shot and code tasks (trec, triviaqa, samsum, lsht, lcc, \
                     repobench-p)";
        Some(PromptRule { name: "longbench", about })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            sah_longbench::Error::Templates(error) => PromptsFlag::remedy(error),
            sah_longbench::Error::Read(error) => DataFlag::remedy(error),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With the official LongBench metrics",
            file: "Folder with `<task>.jsonl`, one prediction a line: `predicted_answer` (or `pred`), `answers`, `all_classes`, \
                     `length`",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

/// Of rows that are made from the authors' files.
fn limits_of_hub() -> Warning {
    let message = "rows of .jsonl files that have no limit on new tokens get that of the hub's data, the authors' plus 20 \
                   (hotpotqa 52, not 32)";
    Warning::new(WarningKind::LimitsAboveAuthors, message)
}

fn score(folder: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let scores = score_predictions(folder, thoughts).map_err(DataError::from)?;
    Ok(ScoredPredictions {
        header: ["task", "score"].into_iter().chain(BUCKETS).map(str::to_owned).collect(),
        rows: scores.standard.iter().map(|(task, score)| row(&scores, task, *score)).collect(),
        further: Vec::new(),
        json: serde_json::to_value(&scores).expect("scores are plain data"),
        count: scores.rows,
        notes: scores.thoughts.iter().map(note_of_thoughts).collect(),
    })
}

fn row(scores: &PredictionScores, task: &str, score: f64) -> Vec<String> {
    let buckets = scores.extended.get(&format!("{task}_e"));
    let cells = BUCKETS.iter().map(|&bucket| match buckets {
        Some(buckets) => figure(buckets.get(bucket).copied().flatten(), 2),
        None => String::new(),
    });
    [task.to_owned(), figure(Some(score), 2)].into_iter().chain(cells).collect()
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use sah_bench_core::data::TemplateError;

    use super::{BenchmarkEntry as _, Entry};
    use crate::args;
    use crate::benchmarks::Benchmarks;

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("longbench"));
        Entry.open(&command.try_get_matches_from([&["longbench"], arguments].concat())?)
    }

    #[test]
    fn help_has_its_flags_its_subsets_and_its_prompt_rule() {
        let line = ["sah", "bench", "longbench", "--help"];
        let help = args::command(&Benchmarks::standard()).try_get_matches_from(line).unwrap_err().to_string();
        let place = |word: &str| help.find(word).unwrap_or_else(|| panic!("{word}: {help}"));
        assert!(place("Data:") < place("--data ") && place("--data ") < place("--prompts "), "{help}");
        assert!(place("--prompts ") < place("--subsets "), "{help}");
        let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "all 34 by default",
            "as the LongBench authors do",
            "[possible values: always, never, longbench]",
        ] {
            assert!(one_line.contains(words), "{words} is not in\n{help}");
        }
    }

    #[test]
    fn a_flag_that_helps_is_named() {
        let missing = TemplateError::Missing { file: "x.jsonl".into(), row: 1, needed: "y" };
        let error = sah_longbench::Error::from(missing);
        assert_eq!(Entry.remedy(&error).unwrap(), "name their file with --prompts");
        assert_eq!(Entry.remedy(&std::fmt::Error), None);
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, location, has_note) in [
            (&[][..], "sample", None, true),
            (&["--data", "hub"], "hub", Some("Xnhyacinth/LongBench"), false),
            (&["--data", "my/folder", "--prompts", "p.json"], "folder", Some("my/folder"), false),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!((&*opened.data.source, opened.data.location.as_deref()), (source, location));
            assert_eq!(opened.note.is_some(), has_note, "{arguments:?}");
            assert_eq!(opened.warnings.len(), usize::from(arguments.contains(&"--prompts")), "{arguments:?}");
        }
        let error = open(&["--data", "hub", "--prompts", "p.json"]).unwrap_err().to_string();
        assert!(error.contains("--prompts is for .jsonl files"), "{error}");
    }
}
