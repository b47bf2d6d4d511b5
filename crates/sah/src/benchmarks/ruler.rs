//! The entry of RULER.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, DataError, FurtherFigure, Scale, Warning, WarningKind};
use sah_request::ThoughtsInAnswers;
use sah_ruler::{Error, Generator, HUB_ID, Haystack, Rows, Ruler, ScoredAnswer, Summary, score_predictions};
use serde_json::{Value, json};

use super::data_flag::DataFlag;
use super::predictions::{Aggregate, scored};
use super::{
    ABOVE_POSITIONS, BenchmarkEntry, BenchmarkFacts, DataOrigin, GENERATED, Opened, PredictionScorer,
    ScoredPredictions,
};
use crate::terminal::figure;
use crate::usage::UsageError;

/// `bench ruler` and `score ruler`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

/// Where rows come from.
const DATA: DataFlag = DataFlag {
    own: GENERATED,
    values: "generated|hub|DIR",
    help: "Where RULER's rows come from: `generated` (made for the first model's tokenizer and chat template; scores compare among \
           themselves), `hub` (simonjegou/ruler, for published scores), or a folder with `<length>/*.parquet` in the hub's layout, \
           `<length>/<task>/validation.jsonl` as RULER's own program leaves it, or `<task>/*.parquet`",
};

/// Flags that only RULER has, beside `--data`.
#[derive(Debug, Args)]
struct Flags {
    /// Lengths in tokens, of prompt and answer together; by default 512,1024 of generated rows, 4096 of the hub's, and all that a
    /// folder has. A folder by task needs one, which its rows do not say
    #[arg(long, value_delimiter = ',', value_name = "N,M")]
    lengths: Option<Vec<u32>>,

    /// Generated rows of each task and length; 3 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,

    /// What generated needles are hidden in where RULER has essays: `prose` (made up, the default), `noise`, `needle`, or a text
    /// file or a folder of them, such as the essays of Paul Graham
    #[arg(long, value_name = "prose|noise|needle|FILE|DIR")]
    haystack: Option<String>,

    /// Questions for generated rows: the dev file of `SQuAD` 2.0 (for `qa_1`), of `HotpotQA`'s distractor setting (for `qa_2`), or both
    #[arg(long, value_delimiter = ',', value_name = "FILE,FILE")]
    qa: Option<Vec<PathBuf>>,
}

impl Flags {
    /// The flags that only generated rows have, and which is given.
    fn of_generated(&self) -> Option<&'static str> {
        let given = [
            ("--rows", self.rows.is_some()),
            ("--haystack", self.haystack.is_some()),
            ("--qa", self.qa.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    fn generator(&self, seed: Option<u64>) -> Generator {
        let default = Generator::default();
        Generator {
            seed: seed.unwrap_or(default.seed),
            rows: self.rows.map_or(default.rows, |rows| rows as usize),
            lengths: self.lengths().unwrap_or(default.lengths),
            haystack: match self.haystack.as_deref() {
                None | Some("prose") => Haystack::Prose,
                Some("noise") => Haystack::Noise,
                Some("needle") => Haystack::Needles,
                Some(path) => Haystack::Text(path.into()),
            },
            questions: self.qa.clone().unwrap_or_default(),
        }
    }

    fn lengths(&self) -> Option<Vec<usize>> {
        let mut lengths: Vec<usize> = self.lengths.as_ref()?.iter().map(|&length| length as usize).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Some(lengths)
    }
}

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "ruler"
    }

    fn about(&self) -> &'static str {
        "RULER: retrieval, tracing, counting and questions at any length, and the length that an attention is good for"
    }

    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts {
            data: DATA.facts(HUB_ID),
            metric: "share of the references that the answer contains; of qa_1 and qa_2 whether it contains any",
            source: "NVIDIA, arXiv 2404.06654",
        }
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Ruler::new(Rows::Generated(Generator::default())))
    }

    fn add_flags(&self, command: Command) -> Command {
        Flags::augment_args(command.arg(DATA.argument()))
    }

    fn open(&self, matches: &ArgMatches) -> anyhow::Result<Opened> {
        let flags = Flags::from_arg_matches(matches).map_err(UsageError::from)?;
        let source = DATA.source(matches);
        let mut data = DATA.origin(&source, HUB_ID);
        if source == DataSource::Own {
            let generator = flags.generator(matches.get_one::<u64>("seed").copied());
            data = DataOrigin { location: Some(generator.description()), ..data };
            let note = generator.questions.is_empty().then(|| {
                let text = "data: generated rows, whose scores compare among themselves (--data hub for published ones); qa_1 and qa_2 \
                            need files of questions and are left out (--qa FILE)";
                text.to_owned()
            });
            let warnings = repeated_text(&generator).into_iter().collect();
            let benchmark = Box::new(Ruler::new(Rows::Generated(generator)));
            return Ok(Opened { benchmark, data, note, warnings });
        }
        if let Some(flag) = flags.of_generated() {
            let text = format!(
                "{flag} is for generated rows; leave it out, or --data. --max-samples limits the rows of each task"
            );
            return Err(UsageError(text).into());
        }
        let lengths = flags.lengths().unwrap_or_default();
        let rows = Rows::Files { source, hub_id: HUB_ID.to_owned(), lengths };
        Ok(Opened { benchmark: Box::new(Ruler::new(rows)), data, note: None, warnings: Vec::new() })
    }

    fn remedy(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        match error.downcast_ref()? {
            Error::Read(error) => DataFlag::remedy(error),
            Error::WhichLength { .. } => Some("--lengths N".to_owned()),
            Error::NoQuestions => Some("name them with --qa".to_owned()),
            Error::UnusedQuestions { .. } => Some("leave it out of --qa, or see --subsets".to_owned()),
            Error::FewQuestions { .. } => Some("see --rows".to_owned()),
            Error::UnusedHaystack => Some("leave out --haystack, or see --subsets".to_owned()),
            Error::AbovePositions { .. } => Some(ABOVE_POSITIONS.to_owned()),
            Error::TooShort { .. } => Some("see --lengths and --subsets".to_owned()),
            _ => None,
        }
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "With RULER's official scores",
            file: "File of JSON Lines, one prediction a line: `task`, `prediction` (or `pred`), `answers` (or `outputs`), and where they \
                   are known `id` and `length`; or files as RULER's own program leaves them, <length>/pred/<task>.jsonl, one or a folder \
                   of them",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

/// A text of the user's with fewer words than the longest rows may have. What is wrong with it is said when it is read for rows.
fn repeated_text(generator: &Generator) -> Option<Warning> {
    let (words, length) = (generator.haystack.words().ok()??, *generator.lengths.iter().max()?);
    let place = generator.haystack.name();
    let text =
        format!("the text in {place} has {words} words; rows of {length} tokens with more words repeat it");
    (words < length).then(|| Warning::new(WarningKind::RepeatedText, text))
}

fn score(
    path: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<ScoredPredictions, sah_bench_core::Error> {
    let rows = score_predictions(path, thoughts).map_err(DataError::from)?;
    let answers: Vec<ScoredAnswer> = rows.rows.iter().map(|row| row.score).collect();
    let summary = Summary::of(&answers);
    let lengths: Vec<&String> = summary.lengths.keys().collect();
    let header = std::iter::once(format!("score ({})", Scale::Hundred.text()))
        .chain(lengths.iter().map(|length| (*length).clone()));
    let line = |name: &str, scores: &dyn Fn(&str) -> Option<f64>| {
        let cells = lengths.iter().map(|length| figure(scores(length), 2));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let tasks =
        (summary.tasks.iter()).map(|(task, scores)| line(task, &|length| scores.get(length).copied()));
    let mean = line("mean", &|length| summary.lengths.get(length).copied());
    let mut over = summary.over_lengths.table();
    over.figures.insert(0, FurtherFigure::new("mean", None, summary.over_lengths.mean, 2));
    let mut notes = Vec::new();
    if answers.iter().any(|answer| answer.length.is_none()) {
        notes.push(
            "nothing says which length the rows under `all` were made for: in a line with `task` that is `length`, of RULER's own files \
             the folder says it, <length>/pred/<task>.jsonl"
                .to_owned(),
        );
    }
    let aggregate = Aggregate {
        further: vec![over],
        header: header.collect(),
        lines: tasks.chain([mean]).collect(),
        figures: json!(summary).as_object().cloned().unwrap_or_default(),
        notes,
    };
    // As the official scorer has the score of a single row.
    let value =
        |answer: &ScoredAnswer| sah_ruler::task_score(&[answer.score]).map_or(Value::Null, Value::from);
    Ok(scored(&rows, value, aggregate))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{BenchmarkEntry as _, Entry, Opened};

    fn open(arguments: &[&str]) -> anyhow::Result<Opened> {
        let command = Entry.add_flags(Command::new("ruler"));
        let seed = clap::Arg::new("seed").long("seed").value_parser(clap::value_parser!(u64));
        let matches = command.arg(seed).try_get_matches_from([&["ruler"], arguments].concat())?;
        Entry.open(&matches)
    }

    #[test]
    fn rows_are_generated_or_read() {
        let opened = open(&["--seed", "7", "--lengths", "2048,1024,2048", "--haystack", "noise"]).unwrap();
        assert_eq!(opened.data.source, "generated");
        assert_eq!(opened.data.location.as_deref(), Some("sah-ruler generator 2, seed 7, haystack noise"));
        assert!(opened.note.unwrap().contains("--qa FILE"));
        let opened = open(&["--data", "hub", "--lengths", "8192"]).unwrap();
        assert_eq!((&*opened.data.source, opened.note), ("hub", None));
        let error = open(&["--data", "hub", "--rows", "3"]).unwrap_err().to_string();
        assert!(error.starts_with("--rows is for generated rows"), "{error}");
    }

    #[test]
    fn a_flag_that_helps_is_named() {
        let error = sah_ruler::Error::WhichLength { folder: "x".into() };
        assert_eq!(Entry.remedy(&error).unwrap(), "--lengths N");
    }
}
