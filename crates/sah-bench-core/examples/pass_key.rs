//! A benchmark and a "model" of a few lines each: which pass keys does a reader find that sees only the end of a text?
//!
//! `cargo xtask example pass_key RESULT_DIR` leaves every result file of a run.
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use sah_bench_core::{
    Benchmark, Column, ColumnKind, ComparisonFile, Error, NoTokenizer, RowScore, RunFolder, RunMeasures,
    Runner, Sample, TokenCount, Value, load_samples, select_subsets,
};
use sah_request::{
    Answer, AnswerStats, ContextStats, GenerationParams, ModelAdapter, Question, Request, RequestLimits,
    RequestResponse,
};

/// Texts with two keys, one near the beginning, one near the end.
struct PassKey;

impl Benchmark for PassKey {
    fn name(&self) -> &'static str {
        "pass_key"
    }

    fn subsets(&self) -> Vec<&str> {
        vec!["early", "late"]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[Column { name: "answers", kind: ColumnKind::TextList }]
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let text = |n: usize| {
            let filler = "The grass is green. ".repeat(50 * (n + 1));
            format!("The early key is {}. {filler}The late key is {}.", 100 + n, 200 + n)
        };
        let row = |subset: &str, n: usize| Sample {
            task: subset.to_owned(),
            context: text(n),
            question: format!("What is the {subset} key?"),
            answer_prefix: "The key is ".to_owned(),
            max_new_tokens: 4,
            extra: vec![Value::TextList(vec![format!("{}{:02}", if subset == "early" { 1 } else { 2 }, n)])],
        };
        Ok(subsets.iter().flat_map(|subset| (0..3).map(|n| row(subset, n))).collect())
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let is_right = self.references(sample).iter().any(|reference| reference == answer);
        Ok(RowScore { value: 100.0 * f64::from(is_right), bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra[0].texts()
    }
}

/// Reads the last `window` bytes of a text (all of it without) and copies the key it is asked for.
struct Reader {
    window: Option<usize>,
}

impl ModelAdapter for Reader {
    fn process_request(
        &self,
        request: &Request,
        _: &GenerationParams,
        _: &RequestLimits,
    ) -> Result<RequestResponse, sah_request::ModelError> {
        let length = request.context.len();
        let seen = &request.context[length - self.window.unwrap_or(length).min(length)..];
        let answer = |question: &Question| {
            let start = Instant::now();
            let kind = if question.text.contains("early") { "early key is " } else { "late key is " };
            let text =
                seen.split(kind).nth(1).and_then(|after| after.get(..3)).unwrap_or("unknown").to_owned();
            let stats = AnswerStats {
                question_tokens: question.text.split_whitespace().count(),
                generated_tokens: 1,
                question_seconds: start.elapsed().as_secs_f64(),
                decode_seconds: 0.0,
                density: Some(seen.len() as f64 / length as f64),
                ..AnswerStats::default()
            };
            Answer { text, stats, ..Answer::default() }
        };
        let tokens = request.context.split_whitespace().count();
        Ok(RequestResponse {
            answers: request.questions.iter().map(answer).collect(),
            context: ContextStats { tokens, ..ContextStats::default() },
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let result_dir = PathBuf::from(std::env::args().nth(1).ok_or("usage: pass_key RESULT_DIR")?);
    let subsets = select_subsets(&PassKey, None)?;
    let samples = load_samples(&PassKey, &subsets, None, &NoTokenizer)?;
    let mut finished = Vec::new();
    let mut run_path = result_dir.clone();
    for (attention, window) in [("dense", None), ("window", Some(100))] {
        let mut folder = RunFolder::create(&result_dir, "pass_key", attention)?;
        folder.run_path().clone_into(&mut run_path);
        let config = serde_json::json!({
            "model": "reader", "attention": {"window": window}, "dtype": "bytes", "device": "cpu",
        });
        folder.write_config(&config)?;
        let runner = Runner {
            benchmark: &PassKey,
            repeats: NonZeroUsize::MIN,
            adapter: &Reader { window },
            generation: &GenerationParams::default(),
            limits: &RequestLimits::default(),
            plain_subsets: &[],
            stop: &AtomicBool::new(false),
        };
        let outcome = runner.run(samples.clone(), &mut folder, &mut ())?;
        let measures = RunMeasures { run_seconds: outcome.seconds, ..RunMeasures::default() };
        finished.push(folder.finish(&PassKey, &config, &outcome.records, measures)?);
    }
    let path = ComparisonFile::new("pass_key", &finished)?.write(&run_path)?;
    for run in &finished {
        println!("{}: {:?}", run.attention, run.metrics.task_scores);
    }
    println!("{}", path.display());
    Ok(())
}
