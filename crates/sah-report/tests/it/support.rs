//! A benchmark with buckets, and models that are right as often as they are told.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use sah_bench_core::{
    Benchmark, Column, ColumnKind, ComparisonFile, Error, FurtherFigures, Layout, Metrics, Record, RowScore,
    RunFolder, RunMeasures, Runner, Sample, TaskScore, TokenCount, Units, Value,
};
use sah_report::Run;
use sah_request::{
    Answer, AnswerStats, AttentionCall, AttentionHead, ContextStats, GenerationParams, MicroMetrics,
    ModelAdapter, Question, Request, RequestLimits, RequestResponse, Thoughts,
};

/// What a data set or a model could say to do harm.
pub(crate) const NASTY: &str = "</td><script>alert('x')</script>\u{1b}[31m\u{0}\u{202e} \"&amp; =1+1";

/// `qa` has one figure, `trec_e` one for short and one for long contexts. Scores 100 for a right answer.
pub(crate) struct Letters;

impl Benchmark for Letters {
    fn name(&self) -> &'static str {
        "letters"
    }

    fn subsets(&self) -> Vec<&str> {
        vec!["qa", "trec_e"]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[
            Column { name: "answers", kind: ColumnKind::TextList },
            Column { name: "length", kind: ColumnKind::Integer },
        ]
    }

    fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        Ok(Vec::new())
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        let mut task_scores = indexmap::IndexMap::new();
        let mut all = Vec::new();
        let mut mean = |task: &str, bucket: Option<&str>| {
            let scores = records.iter().filter(|record| record.sample.task == task).filter_map(|record| {
                let score = self.score(&record.sample, &record.predicted_answer).unwrap();
                (score.bucket.as_deref() == bucket).then_some(score.value)
            });
            let scores: Vec<f64> = scores.collect();
            let mean = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
            all.extend(mean);
            mean
        };
        if let Some(score) = mean("qa", None) {
            task_scores.insert("qa".to_owned(), TaskScore::Single(score));
        }
        let buckets = BUCKETS.map(|bucket| (bucket.to_owned(), mean("trec_e", Some(bucket))));
        if buckets.iter().any(|(_, score)| score.is_some()) {
            task_scores.insert("trec_e".to_owned(), TaskScore::Buckets(buckets.into_iter().collect()));
        }
        Metrics {
            overall_score: (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64),
            task_scores,
            further: serde_json::Map::new(),
            summary: [("total_samples".to_owned(), records.len() as u64)].into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let Value::Integer(length) = sample.extra[1] else {
            let problem = "expected an integer".to_owned();
            return Err(Error::Unscorable { task: sample.task.clone(), field: "length", problem });
        };
        let bucket = (sample.task == "trec_e").then_some(BUCKETS[usize::from(length > 500)].into());
        let is_right = self.references(sample).iter().any(|reference| reference == answer);
        Ok(RowScore { value: 100.0 * f64::from(is_right), bucket })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        match &sample.extra[0] {
            Value::TextList(answers) => answers,
            _ => &[],
        }
    }
}

/// As [`Letters`], but for its name and what it says of its figures.
#[derive(Default)]
pub(crate) struct Other {
    /// What it is called, where not as that.
    pub(crate) name: Option<&'static str>,
    pub(crate) layout: Layout,
    /// A task whose figure is made in another way.
    pub(crate) not_mean: Option<&'static str>,
    pub(crate) further: Vec<FurtherFigures>,
}

impl Benchmark for Other {
    fn name(&self) -> &str {
        self.name.unwrap_or(Letters.name())
    }

    fn subsets(&self) -> Vec<&str> {
        Letters.subsets()
    }

    fn extra_columns(&self) -> &'static [Column] {
        Letters.extra_columns()
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        Letters.load(subsets, tokens)
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        Letters.evaluate(records)
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        Letters.score(sample, answer)
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        Letters.references(sample)
    }

    fn is_mean(&self, subset: &str) -> bool {
        self.not_mean != Some(subset)
    }

    fn units(&self) -> Units {
        Units { layout: self.layout.clone(), ..Units::default() }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let mut tables = self.further.clone();
        for table in &mut tables {
            table.figures[0].value = metrics.overall_score;
        }
        tables
    }
}

pub(crate) const BUCKETS: [&str; 2] = ["short", "long"];

/// Rows of a task, every second one long. All have harmful text in them.
pub(crate) fn samples(task: &str, rows: usize) -> Vec<Sample> {
    let sample = |row: usize| Sample {
        task: task.to_owned(),
        context: format!(
            "{row} {NASTY} {}",
            "A long context. ".repeat(if row.is_multiple_of(2) { 3 } else { 900 })
        ),
        question: format!("{row} of {task}? {NASTY}"),
        answer_prefix: "Answer:".to_owned(),
        max_new_tokens: 8,
        extra: vec![
            Value::TextList(vec![format!("right {row} {NASTY}"), "another".to_owned()]),
            Value::Integer(if row.is_multiple_of(2) { 100 } else { 1000 }),
        ],
    };
    (0..rows).map(sample).collect()
}

/// Right in `of_ten` rows of ten.
pub(crate) struct Sometimes {
    pub(crate) of_ten: usize,
    pub(crate) density: f64,
    /// Whether attention calls were measured.
    pub(crate) is_measured: bool,
    /// What it says of the KV cache.
    pub(crate) cache: Cache,
}

/// What a model says of the KV cache of a context.
#[derive(Clone, Copy)]
pub(crate) enum Cache {
    /// Nothing, as models of an earlier version.
    Unknown,
    /// All keys stay.
    Whole,
    /// So many of 100 keys of each of three layers' two heads stay.
    Kept([[usize; 2]; 3]),
}

impl Cache {
    /// 100 tokens of ten bytes in each head.
    fn stats(self) -> ContextStats {
        let (kept_keys, bytes) = match self {
            Self::Unknown => return ContextStats::default(),
            Self::Whole => (Vec::new(), 6_000),
            Self::Kept(kept) => (kept.map(Vec::from).to_vec(), 10 * kept.concat().iter().sum::<usize>()),
        };
        let kept = (!kept_keys.is_empty()).then_some(bytes as f64 / 6_000.0);
        ContextStats {
            kept,
            kept_keys,
            cache_bytes: bytes,
            peak_cache_bytes: 7_000,
            ..ContextStats::default()
        }
    }
}

/// A call of the layer of this number in a model of three layers with two heads.
fn call(step: usize, layer: usize) -> AttentionCall {
    let head = |head: usize| AttentionHead {
        density: 0.1 * (head + 1) as f64,
        output_error: (layer != 2).then_some(0.01 * (layer + 1) as f64 * (head + 1) as f64),
    };
    AttentionCall {
        reads_context: false,
        time: SystemTime::UNIX_EPOCH,
        step,
        layer,
        queries: 1,
        keys: 100,
        backend: "fused".to_owned(),
        density: 0.15,
        output_error: (layer != 2).then_some(0.1 * (step + 1) as f64),
        heads: (0..2).map(head).collect(),
    }
}

impl ModelAdapter for Sometimes {
    fn process_request(
        &self,
        request: &Request,
        _: &GenerationParams,
        _: &RequestLimits,
    ) -> Result<RequestResponse, sah_request::ModelError> {
        let answer = |question: &Question| {
            let row: usize = question.text.split(' ').next().unwrap().parse().unwrap();
            let text = if row % 10 < self.of_ten {
                format!("right {row} {NASTY}")
            } else {
                format!("=wrong {NASTY}")
            };
            let calls = (0..6).map(|number| call(number / 3, number % 3));
            let micro_metrics = self.is_measured.then(|| MicroMetrics { calls: 6, sampled: calls.collect() });
            let stats = AnswerStats {
                question_tokens: 5,
                generated_tokens: 4,
                question_seconds: 0.25,
                decode_seconds: 0.5,
                density: Some(self.density),
                ..AnswerStats::default()
            };
            let thoughts = (row.is_multiple_of(2))
                .then(|| Thoughts { text: format!("hmm {NASTY}"), is_finished: row != 0 });
            Answer { text, thoughts, stats, micro_metrics }
        };
        Ok(RequestResponse {
            answers: request.questions.iter().map(answer).collect(),
            context: ContextStats {
                tokens: 100,
                truncated_tokens: 0,
                special_tokens: 0,
                border_tokens: 0,
                prefill_seconds: 1.5,
                ..self.cache.stats()
            },
        })
    }
}

/// Runs the attentions over `samples`, and gives the folder of the run.
pub(crate) fn bench(
    results: &Path,
    name: &str,
    attentions: &[(&str, Sometimes)],
    samples: &[Sample],
) -> PathBuf {
    bench_repeated(results, name, attentions, (samples, 1))
}

/// The same with so many answers to each sample.
pub(crate) fn bench_repeated(
    results: &Path,
    name: &str,
    attentions: &[(&str, Sometimes)],
    (samples, repeats): (&[Sample], usize),
) -> PathBuf {
    let mut finished = Vec::new();
    for (attention, model) in attentions {
        let mut folder = RunFolder::create(results, name, attention).unwrap();
        let config = config(attention);
        folder.write_config(&config).unwrap();
        let runner = Runner {
            benchmark: &Letters,
            repeats: NonZeroUsize::new(repeats).unwrap(),
            adapter: model,
            generation: &GenerationParams::default(),
            limits: &RequestLimits::default(),
            plain_subsets: &[],
            stop: &AtomicBool::new(false),
        };
        let outcome = runner.run(samples.to_vec(), &mut folder, &mut ()).unwrap();
        let measures = RunMeasures { peak_memory_bytes: Some(1 << 30), ..RunMeasures::default() };
        finished.push(folder.finish(&Letters, &config, &outcome.records, measures).unwrap());
    }
    if finished.len() > 1 {
        ComparisonFile::new("letters", &finished).unwrap().write(&results.join(name)).unwrap();
    }
    results.join(name)
}

pub(crate) fn config(attention: &str) -> serde_json::Value {
    let (masking, retention) = attention.split_once('+').map_or((attention, None), |(masking, retention)| {
        (masking, Some(serde_json::json!({"ratio": 0.5, "rules": [{"type": retention}]})))
    });
    let mut config = serde_json::json!({
        "model": {"name": format!("model {NASTY}")}, "benchmark": "letters", "attention_name": attention,
        "attention": if masking == "dense" { serde_json::Value::Null } else { serde_json::json!({"maskers": []}) },
        "dtype": "f32", "device": "cpu",
    });
    if let Some(retention) = retention {
        config["retention"] = retention;
    }
    config
}

pub(crate) fn model(of_ten: usize, density: f64) -> Sometimes {
    Sometimes { of_ten, density, is_measured: density < 1.0, cache: Cache::Unknown }
}

/// The same, which says what it keeps.
pub(crate) fn keeping(of_ten: usize, density: f64, cache: Cache) -> Sometimes {
    Sometimes { is_measured: false, cache, ..model(of_ten, density) }
}

/// Dense is right in nine of ten rows, `quest` in five, over 40 rows of each task.
pub(crate) fn two_attentions(results: &Path) -> Run {
    let all = [samples("qa", 40), samples("trec_e", 40)].concat();
    let folder = bench(results, "two", &[("quest", model(5, 0.1)), ("dense", model(9, 1.0))], &all);
    Run::read(&folder, &Letters).unwrap()
}
