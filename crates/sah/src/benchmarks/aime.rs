//! The entries of AIME 2024 and 2025.

use std::path::Path;

use clap::{ArgMatches, Command};
use sah_aime::{Aime, Edition, PredictionScores, Verdict, score_predictions};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, DataError, Error};
use sah_request::ThoughtsInAnswers;
use serde_json::json;

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, repeat_columns, scored};
use super::{BenchmarkEntry, BenchmarkFacts, Opened, PredictionScorer, ScoredPredictions};
use crate::terminal::figure;

/// `bench aime2024` or `aime2025`, and `score` of the same names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(pub(super) Edition);

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: "sample",
    values: "sample|hub|DIR",
    help: "Where the problems come from: `sample` (bundled, a demonstration and not the AIME), `hub` (xAlg-AI/att-hub-aime2024 and \
           -aime2025), or a folder with a data set in that layout or with the columns `problem` and `answer`",
};

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self.0 {
            Edition::Aime2024 => &["aime_2024", "aime24"],
            Edition::Aime2025 => &["aime_2025", "aime25"],
        }
    }

    fn about(&self) -> &'static str {
        match self.0 {
            Edition::Aime2024 => {
                "AIME 2024: 30 competition problems with integer answers; papers give avg@16 (--repeats 16 --temperature 0.6)"
            }
            Edition::Aime2025 => {
                "AIME 2025: 30 competition problems with integer answers; papers give avg@16 (--repeats 16 --temperature 0.6)"
            }
        }
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(self.0.hub_id()),
            metric: "accuracy of the final integer, as at least three of four published harnesses have it",
            source: "American Invitational Mathematics Examination, Mathematical Association of America",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Aime::new(self.0, DataSource::Own))
    }

    fn add_flags(&self, command: Command) -> Command {
        command.arg(DATA.argument())
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let source = DATA.source(flags);
        let data = DATA.origin(&source, self.0.hub_id());
        let note = DataFlag::demonstration(&source, "AIME");
        Ok(Opened { benchmark: Box::new(Aime::new(self.0, source)), data, note, warnings: Vec::new() })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            sah_aime::Error::Read(error) => DataFlag::remedy(error),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "As at least three of four published harnesses judge AIME answers",
            file: "File with a prediction a line: `prediction` and `answer`; several with the same `id` are answers to one problem and have \
                   avg@K and pass@k, too",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let PredictionScores { rows, rates, repeats } =
        score_predictions(file, thoughts).map_err(sah_aime::Error::from).map_err(DataError::from)?;
    let figures = [
        ("accuracy", rates.accuracy),
        ("boxed_rate", rates.boxed_rate),
        ("extracted_rate", rates.extracted_rate),
    ];
    let cells = figures.map(|(name, rate)| (name.to_owned(), figure(Some(rate), 3)));
    let tasks = repeats.iter().flat_map(|repeats| repeats.figures.keys());
    let several = tasks.flat_map(|task| repeat_columns(repeats.as_ref(), task, 3));
    let columns =
        std::iter::once(("rows".to_owned(), rows.rows.len().to_string())).chain(cells).chain(several);
    let (header, line) = columns.unzip();
    let rates = figures.map(|(name, rate)| (name.to_owned(), json!(rate)));
    let of_repeats = repeats.iter().map(|repeats| ("repeats".to_owned(), json!(repeats)));
    let aggregate = Aggregate {
        header,
        lines: vec![line],
        figures: rates.into_iter().chain(of_repeats).collect(),
        ..Aggregate::default()
    };
    Ok(scored(&rows, |verdict: &Verdict| json!(u8::from(verdict.is_right)), aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use sah_aime::Edition;

    use super::{BenchmarkEntry as _, Entry};

    #[test]
    fn rows_come_from_the_sample_the_hub_or_a_folder() {
        let entry = Entry(Edition::Aime2025);
        for (arguments, source, location, has_note) in [
            (&["x"][..], "sample", None, true),
            (&["x", "--data", "hub"], "hub", Some("xAlg-AI/att-hub-aime2025"), false),
            (&["x", "--data", "my/folder"], "folder", Some("my/folder"), false),
        ] {
            let flags = entry.add_flags(Command::new("x")).try_get_matches_from(arguments).unwrap();
            let opened = entry.open(&flags).unwrap();
            assert_eq!((&*opened.data.source, opened.data.location.as_deref()), (source, location));
            assert_eq!(opened.note.is_some(), has_note, "{arguments:?}");
        }
    }

    #[test]
    fn predictions_have_a_verdict_each_and_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let text = "{\"id\": \"x\", \"prediction\": \"33\", \"answer\": 33}\n{\"prediction\": \"\", \"answer\": \"033\"}\n";
        std::fs::write(&file, text).unwrap();
        let scores = super::score(&file, None).unwrap();
        assert_eq!(scores.rows, [["2", "0.500", "0.000", "0.500"]]);
        let json = serde_json::json!({"rows": {"x": 1, "1": 0}, "accuracy": 0.5, "boxed_rate": 0.0, "extracted_rate": 0.5});
        assert_eq!(scores.json, json);
    }
}
