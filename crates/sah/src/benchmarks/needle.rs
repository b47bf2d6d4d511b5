//! The entry of needle in a haystack.

use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches as _, value_parser};
use sah_bench_core::{Benchmark, DataError, Error};
use sah_needle::{Grid, Needle, PredictionScores, score_predictions};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, json};

use super::predictions::{Aggregate, scored};
use super::{BenchmarkEntry, DataOrigin, Opened, PredictionScorer, ScoredPredictions};
use crate::terminal::figure;
use crate::usage::UsageError;

/// `bench needle` and `score needle`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Flags that only it has.
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

    /// Rows of each length and depth
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..))]
    rows: u32,
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

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Needle::default())
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn open(&self, matches: &ArgMatches) -> anyhow::Result<Opened> {
        let Flags { lengths, depths, rows } = Flags::from_arg_matches(matches).map_err(UsageError::from)?;
        let seed = matches.get_one::<u64>("seed").copied().unwrap_or_default();
        let grid = Grid {
            lengths: in_order(lengths).into_iter().map(|length| length as usize).collect(),
            depths: in_order(depths),
            rows: rows as usize,
            seed,
        };
        let data = DataOrigin { source: "generated".to_owned(), location: Some(grid.description()) };
        let note = "data: made-up texts and needles, whose scores compare among themselves";
        Ok(Opened {
            benchmark: Box::new(Needle::new(grid)),
            data,
            note: Some(note.to_owned()),
            warnings: Vec::new(),
        })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            sah_needle::Error::TooShort { .. } => Some("see --lengths".to_owned()),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With the ROUGE figures that kvpress gives",
            file: "File with a prediction a line: `prediction` and `needle`",
            score,
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
        notes: Vec::new(),
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
