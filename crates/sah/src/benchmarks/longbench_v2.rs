//! The entry of LongBench-v2.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, DataError, Error, Warning, WarningKind};
use sah_longbench_v2::{Accuracy, HUB_ID, LongBenchV2, Source, score_predictions};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, json};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, repeat_columns, scored};
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::terminal::figure;
use crate::usage::UsageError;

/// `bench longbench-v2` and `score longbench-v2`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where LongBench-v2's rows come from: `sample` (bundled, a demonstration and not LongBench-v2), `hub` \
           (Xnhyacinth/LongBench-v2), or a folder with `<subset>/*.parquet` in the hub's layout or with THUDM's `data.json`",
};

/// Flags that only LongBench-v2 has, beside `--data`.
#[derive(Debug, Args)]
struct Flags {
    /// Folder with THUDM's prompt files: `0shot.txt`, and for `cot` `0shot_cot.txt` and `0shot_cot_ans.txt`. Its `data.json` has no
    /// prompts of its own. With them `cot` is two requests, as its authors do it: one for the reasoning, and one without the text
    /// for the answer. Without them the hub's `cot` is one request for both
    #[arg(long, value_name = "DIR")]
    prompts: Option<PathBuf>,
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "longbench-v2"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["longbench_v2", "longbenchv2"]
    }

    fn about(&self) -> &'static str {
        "LongBench-v2: questions with four options about long texts, accuracy by difficulty and length"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "accuracy of the option that the answer states",
            source: "THUDM, arXiv 2412.15204",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(LongBenchV2::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command.arg(DATA.argument()))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { prompts } = Flags::from_arg_matches(flags).map_err(UsageError::from)?;
        let data = DATA.source(flags);
        let origin = DATA.origin(&data, HUB_ID);
        let note = DataFlag::demonstration(&data, "LongBench-v2");
        let is_one_request = data != DataSource::Own && prompts.is_none() && DataFlag::runs(flags, "cot");
        let source = match (data, prompts) {
            (DataSource::Folder(path), prompts) => Source::Folder { path, prompts },
            (DataSource::Hub, prompts) => Source::Hub { prompts },
            (DataSource::Own, None) => Source::Sample,
            (DataSource::Own, Some(_)) => {
                let text = "--prompts has no effect: the bundled sample has prompts of its own; name other data with --data";
                return Err(UsageError(text.to_owned()).into());
            }
        };
        let warnings = is_one_request.then(one_request).into_iter().collect();
        Ok(Opened { benchmark: Box::new(LongBenchV2::new(source)), data: origin, note, warnings })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            sah_longbench_v2::Error::NoPrompts { .. } => Some("name their folder with --prompts".to_owned()),
            sah_longbench_v2::Error::PromptsUnused { .. } => Some("leave out --prompts".to_owned()),
            sah_longbench_v2::Error::Read(error) => DataFlag::remedy(error),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With LongBench-v2's official accuracy",
            file: "File with a prediction a line: `prediction` (or THUDM's `response`), `answer`, `difficulty`, `length`, and `task` \
                   where there is one; several with the same `id` are answers to one question and have avg@K and pass@k, too",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

/// Of `cot` without the authors' prompts.
fn one_request() -> Warning {
    let message = "cot is one request, in whose answer reasoning and letter are; its authors ask for the letter in a second one, \
                   without the text";
    Warning::new(WarningKind::ReasoningWithAnswer, message)
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let scores =
        score_predictions(file, thoughts).map_err(sah_longbench_v2::Error::from).map_err(DataError::from)?;
    let kinds = Accuracy::default().figures().into_keys().map(str::to_owned);
    let line = |(task, accuracy): (&String, &Accuracy)| {
        let figures = accuracy.figures().into_values().map(|value| figure(value, 1));
        let several = repeat_columns(scores.repeats.as_ref(), task, 1).into_iter().map(|(_, value)| value);
        [task.clone(), accuracy.rows().to_string()].into_iter().chain(figures).chain(several).collect()
    };
    // The same for each task.
    let several = scores.accuracy.keys().next().map(|task| repeat_columns(scores.repeats.as_ref(), task, 1));
    let several = several.into_iter().flatten().map(|(name, _)| name);
    let accuracy: Map<_, _> =
        scores.accuracy.iter().map(|(task, accuracy)| (task.clone(), json!(accuracy.figures()))).collect();
    let of_repeats = scores.repeats.iter().map(|repeats| ("repeats".to_owned(), json!(repeats)));
    let aggregate = Aggregate {
        header: ["task", "rows"].map(str::to_owned).into_iter().chain(kinds).chain(several).collect(),
        lines: scores.accuracy.iter().map(line).collect(),
        figures: std::iter::once(("accuracy".to_owned(), accuracy.into())).chain(of_repeats).collect(),
        ..Aggregate::default()
    };
    Ok(scored(&scores.rows, |score| json!(score), aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use sah_bench_core::WarningKind;

    use super::{BenchmarkEntry as _, Entry};
    use crate::args;

    fn open(arguments: &[&str]) -> anyhow::Result<super::Opened> {
        let command = Entry.add_flags(Command::new("longbench-v2"));
        Entry.open(&command.try_get_matches_from([&["longbench-v2"], arguments].concat())?)
    }

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        for (arguments, source, location, has_note) in [
            (&[][..], "sample", None, true),
            (&["--data", "hub"], "hub", Some("Xnhyacinth/LongBench-v2"), false),
            (&["--data", "my/folder", "--prompts", "p"], "folder", Some("my/folder"), false),
        ] {
            let opened = open(arguments).unwrap();
            assert_eq!((&*opened.data.source, opened.data.location.as_deref()), (source, location));
            assert_eq!(opened.note.is_some(), has_note, "{arguments:?}");
        }
        let error = open(&["--prompts", "p"]).unwrap_err().to_string();
        assert!(error.contains("--prompts has no effect"), "{error}");
    }

    #[test]
    fn a_reasoning_with_its_answer_in_one_request_is_said() {
        let said = |arguments: &[&str]| {
            let command = args::of_benchmark(&Entry);
            let opened =
                Entry.open(&command.try_get_matches_from([&["longbench-v2"], arguments].concat()).unwrap());
            opened.unwrap().warnings.iter().any(|one| one.kind == WarningKind::ReasoningWithAnswer)
        };
        assert!(said(&["--data", "hub"]) && said(&["--data", "my/folder", "--subsets", "0shot,cot"]));
        assert!(!said(&["--data", "hub", "--subsets", "0shot"]));
        assert!(!said(&["--data", "hub", "--prompts", "p"]) && !said(&[]));
    }

    #[test]
    fn predictions_have_a_verdict_each_and_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let row = |id: &str, answer: &str| {
            let rest = r#""task": "0shot", "difficulty": "easy", "length": "long", "answer": "B""#;
            format!("{{\"id\": \"{id}\", \"prediction\": \"The correct answer is ({answer})\", {rest}}}\n")
        };
        std::fs::write(&file, [row("x", "B"), row("y", "C"), row("z", "A")].concat()).unwrap();
        let scores = super::score(&file, None).unwrap();
        assert_eq!(scores.header, ["task", "rows", "overall", "easy", "hard", "short", "medium", "long"]);
        assert_eq!(scores.rows[0][..4], ["0shot", "3", "33.3", "33.3"]);
        assert_eq!(scores.json["rows"], serde_json::json!({"x": 1, "y": 0, "z": 0}));
        assert_eq!(scores.json["accuracy"]["0shot"]["hard"], serde_json::Value::Null);
    }
}
