//! Benchmarks that are not built in, for tests of all that must know none.

use std::path::Path;

use clap::{Arg, ArgMatches, Command, value_parser};
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, DataErrorKind, Error, Metrics, MockBenchmark, Record, RowScore,
    Sample, TaskScore, TokenCount, Units, Value,
};

use super::{BenchmarkEntry, DataOrigin, Opened, PredictionScorer, ScoredPredictions};

/// `bench counting --up-to N`: how long is a text of so many words? Its score is 1 for a right answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting;

impl BenchmarkEntry for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["count"]
    }

    fn about(&self) -> &'static str {
        "Counts words"
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Words { up_to: 2, subsets: vec!["short".to_owned(), "long".to_owned()] })
    }

    fn add_flags(&self, command: Command) -> Command {
        command.arg(Arg::new("up_to").long("up-to").value_name("N").value_parser(value_parser!(usize)))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let up_to = flags.get_one("up_to").copied().unwrap_or(2);
        let subsets = vec!["short".to_owned(), "long".to_owned()];
        let data = DataOrigin { source: "generated".to_owned(), location: Some(format!("up to {up_to}")) };
        Ok(Opened {
            benchmark: Box::new(Words { up_to, subsets }),
            data,
            note: Some("note: words".to_owned()),
        })
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer { about: "By counting", folder: "Folder with right.txt", score })
    }
}

fn score(folder: &Path) -> Result<ScoredPredictions, Error> {
    let read = std::fs::read_to_string(folder.join("right.txt"));
    let text = read.map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
    let count = text.lines().count();
    let (header, rows) = (vec!["lines".to_owned()], vec![vec![count.to_string()]]);
    Ok(ScoredPredictions { header, rows, json: serde_json::json!({"lines": count}), count })
}

/// See [`Counting`].
struct Words {
    up_to: usize,
    /// Not known when the program is compiled.
    subsets: Vec<String>,
}

impl Benchmark for Words {
    fn name(&self) -> &str {
        "counting"
    }

    fn subsets(&self) -> Vec<&str> {
        self.subsets.iter().map(String::as_str).collect()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[Column { name: "answers", kind: ColumnKind::TextList }]
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let mut samples = Vec::new();
        for subset in subsets {
            for number in 1..=self.up_to {
                let context = "word ".repeat(number);
                let counted =
                    tokens.count(&context).map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
                samples.push(Sample {
                    task: (*subset).to_owned(),
                    context,
                    question: "How many tokens is this?".to_owned(),
                    answer_prefix: String::new(),
                    max_new_tokens: 2,
                    extra: vec![Value::TextList(vec![counted.to_string()])],
                });
            }
        }
        Ok(samples)
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        let scores = |task: &str| -> Vec<f64> {
            let of_task = records.iter().filter(|record| record.sample.task == task);
            of_task.map(|record| f64::from(record.predicted_answer.contains('1'))).collect()
        };
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        let tasks =
            self.subsets.iter().map(|task| (task.clone(), scores(task))).filter(|(_, rows)| !rows.is_empty());
        let task_scores = tasks.map(|(task, rows)| (task, TaskScore::Single(mean(&rows)))).collect();
        Metrics {
            task_scores,
            overall_score: None,
            further: serde_json::Map::new(),
            summary: [].into_iter().collect(),
        }
    }

    fn score(&self, _: &Sample, answer: &str) -> Result<RowScore, Error> {
        Ok(RowScore { value: f64::from(answer.contains('1')), bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        match sample.extra.first() {
            Some(Value::TextList(references)) => references,
            _ => &[],
        }
    }

    fn units(&self) -> Units {
        Units { score: "0 to 1".to_owned(), ..Units::default() }
    }
}

/// A benchmark whose name or flag is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Twin {
    pub(crate) name: &'static str,
    pub(crate) flag: &'static str,
}

impl BenchmarkEntry for Twin {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "The same again"
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(MockBenchmark)
    }

    fn add_flags(&self, command: Command) -> Command {
        command.arg(Arg::new(self.flag).long(self.flag))
    }
}
