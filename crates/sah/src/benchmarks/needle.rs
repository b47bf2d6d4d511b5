//! The entry of needle in a haystack.

use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches as _, value_parser};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, DataError, Error};
use sah_needle::{Grid, HUB_ID, Needle, PredictionScores, score_predictions};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, json};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::{
    ABOVE_POSITIONS, BenchmarkEntry, BenchmarkFacts, GENERATED, Opened, PredictionScorer, ScoredPredictions,
};
use crate::terminal::figure;
use crate::usage::UsageError;

/// `bench needle` and `score needle`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where texts and needles come from.
const DATA: DataFlag = DataFlag {
    own: GENERATED,
    values: "generated|hub|DIR",
    help: "Where texts and needles come from: `generated` (made up; scores compare among themselves), `hub` \
           (alessiodevoto/paul_graham_essays, which kvpress loads), or a folder with a `.parquet` or `.jsonl` file that has its columns \
           (context, needle, question, answer_prefix, max_new_tokens)",
};

/// Flags that only it has, beside `--data`.
#[derive(Debug, Args)]
struct Flags {
    /// Lengths in tokens of the first model, of prompt, chat template and answer together
    #[arg(long, value_delimiter = ',', value_name = "N,M", default_value = "256,512,1024",
          value_parser = value_parser!(u32).range(1..))]
    lengths: Vec<u32>,

    /// Where the needle stands, in percent of the text's sentences: 0 is before the first, 100 after the last
    #[arg(long, value_delimiter = ',', value_name = "N,M", default_value = "0,25,50,75,100",
          value_parser = value_parser!(u8).range(..=100))]
    depths: Vec<u8>,

    /// Rows made for each length and depth; 2 by default
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    rows: Option<u32>,
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "needle"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["needle_in_a_haystack", "needle-in-a-haystack"]
    }

    fn about(&self) -> &'static str {
        "Needle in a haystack: a sentence hidden at each depth of made-up texts of each length"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "share of the answers that contain the needle; ROUGE as kvpress has it",
            source: "after LLMTest_NeedleInAHaystack (Kamradt 2023)",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Needle::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command.arg(DATA.argument()))
    }

    fn open(&self, matches: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { lengths, depths, rows } = Flags::from_arg_matches(matches).map_err(UsageError::from)?;
        let seed = matches.get_one::<u64>("seed").copied().unwrap_or_default();
        let source = DATA.source(matches);
        if rows.is_some() && source != DataSource::Own {
            let text = "--rows is for generated rows; of a data set each length and depth has all rows";
            return Err(UsageError(text.to_owned()).into());
        }
        let default = Grid::default();
        let grid = Grid {
            lengths: in_order(lengths).into_iter().map(|length| length as usize).collect(),
            depths: in_order(depths),
            rows: rows.map_or(default.rows, |rows| rows as usize),
            seed,
        };
        let mut data = DATA.origin(&source, HUB_ID);
        let note = match source {
            DataSource::Own => {
                data.location = Some(grid.description());
                "data: made-up texts and needles, whose scores compare among themselves"
            }
            _ => {
                "data: needles stand where sentences end; published maps have them at other places, and other scores"
            }
        };
        let benchmark = Box::new(Needle::new(grid, source));
        Ok(Opened { benchmark, data, note: Some(note.to_owned()), warnings: Vec::new() })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            sah_needle::Error::TooShort { .. } | sah_needle::Error::TextTooShort { .. } => {
                Some("see --lengths".to_owned())
            }
            sah_needle::Error::Read(error) => DataFlag::remedy(error),
            sah_needle::Error::TooLong { .. } => Some(ABOVE_POSITIONS.to_owned()),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With the ROUGE figures that kvpress gives",
            file: "File with a prediction a line: `prediction` and `needle`",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

/// Each once.
fn in_order<T: Ord>(mut numbers: Vec<T>) -> Vec<T> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn score(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let scores = score_predictions(file, thoughts).map_err(|error| DataError::new(error.kind(), error))?;
    let means = scores.means();
    let aggregate = Aggregate {
        header: std::iter::once("rows".to_owned())
            .chain(means.map(|(name, _)| format!("{name} f")))
            .collect(),
        lines: vec![
            std::iter::once(scores.rows.rows.len().to_string())
                .chain(means.map(|(_, mean)| figure(Some(mean), 4)))
                .collect(),
        ],
        figures: Map::from_iter([(
            "f".to_owned(),
            means
                .into_iter()
                .map(|(name, mean)| (name.to_owned(), json!(mean)))
                .collect::<Map<_, _>>()
                .into(),
        )]),
        ..Aggregate::default()
    };
    Ok(scored(&scores.rows, PredictionScores::json, aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{BenchmarkEntry as _, Entry};

    #[test]
    fn a_grid_has_each_length_and_depth_once() {
        let flags = Entry
            .add_flags(Command::new("x"))
            .arg(clap::Arg::new("seed").value_parser(clap::value_parser!(u64)));
        let flags =
            flags.try_get_matches_from(["x", "--lengths", "900,300,900", "--depths", "100,0", "--rows", "1"]);
        let opened = Entry.open(&flags.unwrap()).unwrap();
        assert_eq!(opened.benchmark.subsets(), ["300", "900"]);
        assert_eq!(opened.data.location.unwrap(), "needle-1, lengths 300,900, depths 0,100, rows 1, seed 0");
    }

    #[test]
    fn texts_and_needles_of_a_data_set_are_all_there_is() {
        let open = |arguments: &[&str]| {
            let flags = Entry.add_flags(Command::new("x"));
            Entry.open(
                &flags
                    .arg(clap::Arg::new("seed").value_parser(clap::value_parser!(u64)))
                    .get_matches_from([&["x"], arguments].concat()),
            )
        };
        let opened = open(&["--data", "hub"]).unwrap();
        assert_eq!(
            (&*opened.data.source, opened.data.location.as_deref()),
            ("hub", Some(sah_needle::HUB_ID))
        );
        let error = open(&["--data", "my/folder", "--rows", "3"]).unwrap_err().to_string();
        assert!(error.starts_with("--rows is for generated rows"), "{error}");
    }

    #[test]
    fn predictions_have_kvpress_s_figures() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        let text = "{\"id\": \"x\", \"prediction\": \"a b\", \"needle\": \"a c\"}\n{\"prediction\": \"\", \"needle\": \"a\"}\n";
        std::fs::write(&file, text).unwrap();
        let scores = super::score(&file, None).unwrap();
        assert_eq!(scores.rows, [["2", "0.2500", "0.0000", "0.2500"]]);
        assert_eq!(scores.json["rows"]["x"]["rouge-1"]["p"], 0.5);
        assert_eq!(scores.json["rows"]["1"], serde_json::Value::Null);
    }
}
