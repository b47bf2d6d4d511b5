//! A benchmark that is not built in, for tests of all that must know none. The end-to-end tests run it, too.

use std::path::Path;

use clap::{Arg, ArgMatches, Command, value_parser};
use sah::{
    BenchmarkEntry, DataOrigin, Opened, PredictionScorer, PromptRule, ScoredPredictions, ThoughtsInAnswers,
};
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, DataErrorKind, Error, Metrics, Record, RowScore, Sample, Scale,
    TaskScore, TokenCount, Units, Value,
};

/// Ends the process when rows are answered and not yet scored, as a system does that runs out of memory.
pub(crate) const DIE: &str = "COUNTING_DIES";
/// A file that is not there: a process of a matrix then has no network, and makes it.
pub(crate) const OFFLINE: &str = "COUNTING_OFFLINE_ONCE";

/// `bench counting --up-to N`: how many tokens has a text? An answer is worth 1 if it has the letter b.
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
        "Counts tokens"
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(Texts::up_to(0))
    }

    fn add_flags(&self, command: Command) -> Command {
        let up_to = Arg::new("up_to").long("up-to").value_name("N").default_value("2");
        command.arg(up_to.value_parser(value_parser!(usize)).help("Texts of 1 to N words"))
    }

    fn open(&self, flags: &ArgMatches) -> anyhow::Result<Opened> {
        let up_to = flags.get_one("up_to").copied().unwrap_or_default();
        let data = DataOrigin { source: "generated".to_owned(), location: Some(format!("up to {up_to}")) };
        let note = Some("note: these texts say nothing".to_owned());
        Ok(Opened { benchmark: Box::new(Texts::up_to(up_to)), data, note, warnings: Vec::new() })
    }

    fn prompt_rule(&self) -> Option<PromptRule> {
        Some(PromptRule { name: "counting", about: "as counters do, who leave out long texts" })
    }

    fn predictions(&self) -> Option<PredictionScorer> {
        Some(PredictionScorer {
            about: "By the letter b",
            file: "Folder with answers.txt, one a line",
            score: |file, thoughts, _| Ok(score(file, thoughts)?),
        })
    }
}

fn score(folder: &Path, _: Option<ThoughtsInAnswers>) -> Result<ScoredPredictions, Error> {
    let text = std::fs::read_to_string(folder.join("answers.txt"));
    let text = text.map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
    let right = text.lines().filter(|line| line.contains('b')).count();
    Ok(ScoredPredictions {
        header: vec!["answers".to_owned(), "right".to_owned()],
        rows: vec![vec!["all".to_owned(), right.to_string()]],
        further: Vec::new(),
        json: serde_json::json!({"right": right}),
        count: text.lines().count(),
        notes: Vec::new(),
    })
}

/// See [`Counting`]. Its subsets are not known when the program is compiled.
struct Texts {
    up_to: usize,
    subsets: Vec<String>,
}

impl Texts {
    fn up_to(up_to: usize) -> Self {
        Self { up_to, subsets: ["short", "long"].map(str::to_owned).to_vec() }
    }
}

impl Benchmark for Texts {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn subsets(&self) -> Vec<&str> {
        self.subsets.iter().map(String::as_str).collect()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[Column { name: "counted", kind: ColumnKind::TextList }]
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let is_worker = std::env::args().any(|argument| argument == "--worker");
        if let Some(file) = std::env::var_os(OFFLINE).filter(|file| is_worker && !Path::new(file).exists()) {
            std::fs::write(&file, "").map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
            return Err(DataError::new(DataErrorKind::Network, "the server is asleep").into());
        }
        let mut samples = Vec::new();
        for subset in subsets {
            for number in 1..=self.up_to {
                let context = "word ".repeat(if *subset == "long" { 10 * number } else { number });
                let counted =
                    tokens.count(&context).map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
                samples.push(Sample {
                    task: (*subset).to_owned(),
                    context,
                    question: format!("How many tokens is text {number}?"),
                    answer_prefix: String::new(),
                    max_new_tokens: 3,
                    extra: vec![Value::TextList(vec![counted.to_string()])],
                });
            }
        }
        Ok(samples)
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        if std::env::var_os(DIE).is_some() {
            std::process::abort();
        }
        let mean = |task: &str, bucket: Option<&str>| {
            let scores = records.iter().filter(|record| record.sample.task == task).filter_map(|record| {
                let score = self.score(&record.sample, &record.predicted_answer).ok()?;
                (score.bucket.as_deref() == bucket).then_some(score.value)
            });
            let scores: Vec<f64> = scores.collect();
            (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
        };
        let short = mean("short", None).map(TaskScore::Single);
        let buckets = ["few", "many"].map(|bucket| (bucket.to_owned(), mean("long", Some(bucket))));
        let long = buckets.iter().any(|(_, score)| score.is_some());
        let long = long.then(|| TaskScore::Buckets(buckets.into_iter().collect()));
        let tasks = [("short", short), ("long", long)].into_iter();
        Metrics {
            task_scores: tasks.filter_map(|(task, score)| Some((task.to_owned(), score?))).collect(),
            overall_score: mean("short", None),
            further: serde_json::Map::new(),
            summary: [("total_samples".to_owned(), records.len() as u64)].into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let size = if sample.context.len() > 100 { "many" } else { "few" };
        let bucket = (sample.task == "long").then_some(size.into());
        Ok(RowScore { value: f64::from(answer.contains('b')), bucket })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        Units {
            score: Scale::One,
            bucket: "size".to_owned(),
            bucket_axis: "size of the text in letters".to_owned(),
            ..Units::default()
        }
    }

    fn is_plain(&self, subset: &str) -> bool {
        subset == "long"
    }
}
