//! A small benchmark and a model that plays a script.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use sah_bench_core::{
    Benchmark, Column, ColumnKind, Error, FinishedRun, FollowUp, Leaderboard, Metrics, Record, RowScore,
    RunFolder, RunMeasures, RunObserver, RunOutcome, Runner, Sample, TaskScore, TokenCount, Value,
};
use sah_request::{
    Answer, AnswerStats, ContextStats, GenerationParams, ModelAdapter, Request, RequestLimits,
    RequestResponse,
};

/// Scores 100 for an answer that is one of `answers`.
#[derive(Default)]
pub(crate) struct TinyBenchmark {
    pub(crate) samples: Vec<Sample>,
    /// What `evaluate` does instead of scoring.
    pub(crate) accident: Option<Accident>,
    /// Whether an answer is asked for after the reasoning, in a prompt `QUESTION|REASONING`.
    pub(crate) asks_again: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Accident {
    Panic,
    NanScore,
}

impl Benchmark for TinyBenchmark {
    fn name(&self) -> &'static str {
        "tiny"
    }

    fn subsets(&self) -> Vec<&str> {
        vec!["qa", "trec", "qa_e"]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[
            Column { name: "answers", kind: ColumnKind::TextList },
            Column { name: "length", kind: ColumnKind::Integer },
            Column { name: "language", kind: ColumnKind::Text },
        ]
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let of =
            |subset: &&str| self.samples.iter().filter(|sample| sample.task == *subset).cloned().collect();
        Ok(subsets.iter().flat_map(|subset| -> Vec<Sample> { of(subset) }).collect())
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        if let Some(Accident::Panic) = self.accident {
            panic!("bucket {} has no rows", "4-8k");
        }
        let mut metrics = Metrics {
            task_scores: indexmap::IndexMap::new(),
            overall_score: Some(0.0),
            further: serde_json::Map::new(),
            summary: [("total_samples".to_owned(), records.len() as u64)].into_iter().collect(),
        };
        for task in self.subsets() {
            let rows: Vec<_> = records.iter().filter(|record| record.sample.task == task).collect();
            if !rows.is_empty() {
                let score =
                    |record: &&Record| self.score(&record.sample, &record.predicted_answer).unwrap().value;
                let score = rows.iter().map(score).sum::<f64>() / rows.len() as f64;
                metrics.task_scores.insert(task.to_owned(), TaskScore::Single(score));
            }
        }
        if let Some(Accident::NanScore) = self.accident {
            metrics.task_scores.insert("qa".to_owned(), TaskScore::Single(f64::NAN));
        }
        metrics
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let is_right = self.references(sample).iter().any(|reference| reference == answer);
        Ok(RowScore { value: 100.0 * f64::from(is_right), bucket: None })
    }

    fn right_score(&self, _: &str) -> Option<f64> {
        Some(100.0)
    }

    fn follow_up(&self, sample: &Sample, first: &str) -> Option<FollowUp> {
        let prompt = format!("{}|{first}", sample.question);
        (self.asks_again && !first.is_empty()).then_some(FollowUp { prompt, max_new_tokens: 5 })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        match &sample.extra[0] {
            Value::TextList(answers) => answers,
            _ => &[],
        }
    }

    /// Of rows whose language nobody knows.
    fn leaderboard(&self, records: &[Record]) -> Option<Leaderboard> {
        let is_hidden = |record: &&Record| record.sample.extra[2] == Value::Text("hidden".to_owned());
        let row = |record: &Record| vec![record.sample.task.clone(), record.predicted_answer.clone()];
        let rows: Vec<_> = records.iter().filter(is_hidden).map(row).collect();
        (!rows.is_empty()).then(|| Leaderboard { header: vec!["Task", "Prediction"], rows })
    }
}

/// A sample whose right answer is `"{question}!"`.
pub(crate) fn sample(task: &str, context: &str, question: &str) -> Sample {
    Sample {
        task: task.to_owned(),
        context: context.to_owned(),
        question: question.to_owned(),
        answer_prefix: "Answer: ".to_owned(),
        max_new_tokens: 16,
        extra: vec![
            Value::TextList(vec![format!("{question}!")]),
            Value::Integer(context.len() as i64),
            Value::Text("en".to_owned()),
        ],
    }
}

/// What a scripted model does with a request: a response, or the text of an error.
type Script<'a> = dyn Fn(&Request) -> Result<RequestResponse, String> + 'a;

/// Plays a script and keeps what it was asked.
pub(crate) struct ScriptedModel<'a> {
    script: Box<Script<'a>>,
    pub(crate) requests: RefCell<Vec<Request>>,
}

impl<'a> ScriptedModel<'a> {
    pub(crate) fn new(script: impl Fn(&Request) -> Result<RequestResponse, String> + 'a) -> Self {
        Self { script: Box::new(script), requests: RefCell::default() }
    }

    /// Gives the right answer to every question.
    pub(crate) fn right() -> Self {
        Self::new(|request| Ok(right_answers(request)))
    }

    /// Fails on contexts that contain `bad`.
    pub(crate) fn failing_on(bad: &'a str) -> Self {
        Self::new(move |request| {
            if request.context.contains(bad) {
                Err("out of memory".to_owned())
            } else {
                Ok(right_answers(request))
            }
        })
    }
}

impl ModelAdapter for ScriptedModel<'_> {
    fn process_request(
        &self,
        request: &Request,
        _: &GenerationParams,
        _: &RequestLimits,
    ) -> Result<RequestResponse, sah_request::ModelError> {
        self.requests.borrow_mut().push(request.clone());
        (self.script)(request).map_err(sah_request::ModelError::new)
    }
}

/// The right answer to every question, with figures that are exact in binary.
pub(crate) fn right_answers(request: &Request) -> RequestResponse {
    let answer = |question: &sah_request::Question| Answer {
        text: format!("{}!", question.text),
        stats: AnswerStats {
            question_tokens: question.text.len(),
            generated_tokens: 3,
            question_seconds: 0.25,
            decode_seconds: 0.5,
            density: Some(0.125),
            ..AnswerStats::default()
        },
        ..Answer::default()
    };
    RequestResponse {
        answers: request.questions.iter().map(answer).collect(),
        context: ContextStats {
            tokens: request.context.len(),
            truncated_tokens: 1,
            special_tokens: 0,
            border_tokens: 0,
            prefill_seconds: 1.5,
            ..ContextStats::default()
        },
    }
}

/// Runs `samples` in `folder`.
pub(crate) fn run_in(
    folder: &mut RunFolder,
    samples: Vec<Sample>,
    model: &ScriptedModel<'_>,
    observer: &mut dyn RunObserver,
) -> RunOutcome {
    run_until(&AtomicBool::new(false), folder, samples, model, observer).unwrap()
}

/// Runs `samples` in `folder` until `stop`.
pub(crate) fn run_until(
    stop: &AtomicBool,
    folder: &mut RunFolder,
    samples: Vec<Sample>,
    model: &ScriptedModel<'_>,
    observer: &mut dyn RunObserver,
) -> Result<RunOutcome, Error> {
    let runner = Runner {
        benchmark: &TinyBenchmark::default(),
        repeats: NonZeroUsize::MIN,
        adapter: model,
        generation: &GenerationParams::default(),
        limits: &RequestLimits::default(),
        plain_subsets: &[],
        stop,
    };
    runner.run(samples, folder, observer)
}

/// Runs `samples` in a folder of its own that is gone afterwards.
pub(crate) fn run(
    samples: Vec<Sample>,
    model: &ScriptedModel<'_>,
    observer: &mut dyn RunObserver,
) -> RunOutcome {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    run_in(&mut folder, samples, model, observer)
}

/// A whole run of `samples` with right answers, in `result_dir/run/<attention>`.
pub(crate) fn finished(
    result_dir: &std::path::Path,
    attention: &str,
    samples: Vec<Sample>,
    model: &ScriptedModel<'_>,
) -> FinishedRun {
    let mut folder = RunFolder::create(result_dir, "run", attention).unwrap();
    let outcome = run_in(&mut folder, samples, model, &mut ());
    let measures = RunMeasures {
        run_seconds: outcome.seconds,
        peak_memory_bytes: Some(1 << 30),
        ..RunMeasures::default()
    };
    folder.finish(&TinyBenchmark::default(), &config(), &outcome.records, measures).unwrap()
}

pub(crate) fn config() -> serde_json::Value {
    serde_json::json!({"model": {"name": "scripted"}, "attention": null, "dtype": "f32", "device": "cpu"})
}
