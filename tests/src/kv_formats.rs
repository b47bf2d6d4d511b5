//! How far answers are from those with an f32 cache where keys and values are stored in another format.

use anyhow::Context as _;
use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, Precision, Question, Request, RequestLimits,
};
use sah_attention::KvFormat;
use sah_bench_core::{Benchmark as _, NoTokenizer, Sample};
use sah_longbench::{LongBench, SUBSETS};
use tch::{Device, Kind};

use crate::default_model;

/// Answers with a cache of one format beside those with one in f32.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The format.
    pub format: KvFormat,
    /// Largest difference of a logit of the first new token.
    pub largest: f32,
    /// Mean absolute difference of these logits, over vocabulary and prompts.
    pub mean: f64,
    /// Prompts whose first new token is the same.
    pub same_first: usize,
    /// Prompts whose answers are the same text.
    pub same_text: usize,
    /// Prompts.
    pub prompts: usize,
}

/// The rows of the bundled LongBench sample.
///
/// # Errors
///
/// Rows that cannot be read.
pub fn samples() -> anyhow::Result<Vec<Sample>> {
    Ok(LongBench::default().load(&SUBSETS, &NoTokenizer)?)
}

/// Answers every row by the default model with an f32 cache and with one of each format, all else in f32, greedily.
///
/// # Errors
///
/// A model that cannot be loaded, or a row that cannot be answered.
pub fn measure(samples: &[Sample], formats: &[KvFormat]) -> anyhow::Result<Vec<Difference>> {
    let exact = answers(samples, KvFormat::Plain(Kind::Float))?;
    formats.iter().map(|&format| Ok(compare(format, &exact, &answers(samples, format)?))).collect()
}

/// What a model said to one row.
struct Said {
    text: String,
    first: Option<u32>,
    logits: Vec<f32>,
}

fn answers(samples: &[Sample], format: KvFormat) -> anyhow::Result<Vec<Said>> {
    let source = ModelSource::Gguf(default_model());
    let precision = Precision::from(Kind::Float).with_cache(format);
    let adapter = HfAdapter::new(LoadedModel::load(&source, Device::Cpu, precision)?, None, 0);
    let answer = |sample: &Sample| {
        let question = Question {
            text: sample.question.clone(),
            answer_prefix: Some(sample.answer_prefix.clone()),
            max_new_tokens: Some(sample.max_new_tokens),
            ..Question::default()
        };
        let request =
            Request { context: sample.context.clone(), questions: vec![question], ..Request::default() };
        let (mut response, mut trace) =
            adapter.process_traced(&request, &GenerationParams::default(), &RequestLimits::default())?;
        let trace = trace.answers.pop().context("one answer for one question")?;
        let text = response.answers.pop().context("one answer for one question")?.text;
        Ok(Said { text, first: trace.generated_ids.first().copied(), logits: trace.first_logits })
    };
    samples.iter().map(answer).collect()
}

fn compare(format: KvFormat, exact: &[Said], found: &[Said]) -> Difference {
    let pairs = || exact.iter().zip(found);
    let differences = || {
        pairs()
            .flat_map(|(exact, found)| exact.logits.iter().zip(&found.logits))
            .map(|(exact, found)| (exact - found).abs())
    };
    Difference {
        format,
        // A difference that is no number is the largest.
        largest: differences().fold(0.0, |most, next| if next > most || next.is_nan() { next } else { most }),
        mean: differences().map(f64::from).sum::<f64>() / differences().count() as f64,
        same_first: pairs().filter(|(exact, found)| exact.first == found.first).count(),
        same_text: pairs().filter(|(exact, found)| exact.text == found.text).count(),
        prompts: exact.len(),
    }
}
