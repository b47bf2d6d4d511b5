//! Answers that transformers gave on the same weights: `tests/reference` writes them, its README has the format.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, ensure};
use sah_adapter::{
    AnswerTrace, GenerationParams, HfAdapter, LoadedModel, Question, Request, RequestLimits, Tokenisation,
    Truncation,
};
use sah_attention::{AttentionConfig, ResearchAttention, Size};
use serde::Deserialize;

/// A file of goldens.
#[derive(Debug, Deserialize)]
pub struct Golden {
    format_version: u32,
    attention: GoldenAttention,
    logit_ids: Vec<usize>,
    model: GoldenModel,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum GoldenAttention {
    Dense,
    StreamingLlm { sink_size: usize, local_window: usize },
}

#[derive(Debug, Deserialize)]
struct GoldenModel {
    sha256: String,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    context: String,
    max_context_length: Option<usize>,
    truncation: Truncation,
    tokenise: Tokenise,
    context_ids: Vec<u32>,
    border_tokens: usize,
    questions: Vec<GoldenQuestion>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tokenise {
    Whole,
    Apart,
}

#[derive(Debug, Deserialize)]
struct GoldenQuestion {
    question: String,
    answer_prefix: String,
    max_new_tokens: usize,
    question_ids: Vec<u32>,
    generated_ids: Vec<u32>,
    text: String,
    first_logits: FirstLogits,
}

#[derive(Debug, Deserialize)]
struct FirstLogits {
    top: Vec<(usize, f32)>,
    at_logit_ids: Vec<f32>,
}

/// How one question's answer compares.
#[derive(Debug)]
pub struct Outcome {
    /// The case and the question's number in it.
    pub name: String,
    /// Whether context and question became the same tokens.
    pub same_prompt: bool,
    /// Whether the answers are the same text.
    pub same_text: bool,
    /// The largest difference of the first token's logits, over those that the golden has.
    pub logit_difference: f32,
    /// What transformers said.
    pub expected: String,
    /// What we said.
    pub found: String,
}

impl Golden {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// A file that is missing or has another format.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let golden: Self =
            serde_json::from_reader(BufReader::new(file)).with_context(|| path.display().to_string())?;
        ensure!(golden.format_version == 2, "{}: format version {}", path.display(), golden.format_version);
        Ok(golden)
    }

    /// Answers every question of the file with `model` and compares.
    ///
    /// # Errors
    ///
    /// A model other than the golden's, or a request that fails.
    pub fn compare(&self, model: &Rc<LoadedModel>) -> anyhow::Result<Vec<Outcome>> {
        let found = &model.identity().sha256;
        ensure!(*found == self.model.sha256, "the golden is of model {}, this is {found}", self.model.sha256);
        let mut outcomes = Vec::new();
        for case in &self.cases {
            let adapter = HfAdapter::new(Rc::clone(model), self.attention.build()?, 0)
                .with_tokenisation(case.tokenise.into());
            let limits = RequestLimits {
                max_context_length: case.max_context_length,
                truncation: case.truncation,
                ..RequestLimits::default()
            };
            let (response, trace) = adapter
                .process_traced(&case.request(), &GenerationParams::default(), &limits)
                .with_context(|| case.name.clone())?;
            let same_context =
                trace.context_ids == case.context_ids && response.context.border_tokens == case.border_tokens;
            for (number, golden) in case.questions.iter().enumerate() {
                let answer = &trace.answers[number];
                outcomes.push(Outcome {
                    name: format!("{} #{number}", case.name),
                    same_prompt: same_context && answer.question_ids == golden.question_ids,
                    same_text: response.answers[number].text == golden.text
                        && answer.generated_ids == golden.generated_ids,
                    logit_difference: self.logit_difference(golden, answer),
                    expected: golden.text.clone(),
                    found: response.answers[number].text.clone(),
                });
            }
        }
        Ok(outcomes)
    }

    fn logit_difference(&self, golden: &GoldenQuestion, answer: &AnswerTrace) -> f32 {
        let everywhere = self.logit_ids.iter().copied().zip(golden.first_logits.at_logit_ids.iter().copied());
        let all = golden.first_logits.top.iter().copied().chain(everywhere);
        all.map(|(id, expected)| (answer.first_logits[id] - expected).abs()).fold(0.0, f32::max)
    }
}

impl From<Tokenise> for Tokenisation {
    fn from(tokenise: Tokenise) -> Self {
        match tokenise {
            Tokenise::Whole => Self::Whole,
            Tokenise::Apart => Self::Apart,
        }
    }
}

impl GoldenAttention {
    fn build(&self) -> anyhow::Result<Option<ResearchAttention>> {
        Ok(match *self {
            Self::Dense => None,
            Self::StreamingLlm { sink_size, local_window } => {
                let config =
                    AttentionConfig::streaming_llm(Size::Count(sink_size), Size::Count(local_window));
                Some(ResearchAttention::from_config(&config)?)
            }
        })
    }
}

impl Case {
    fn request(&self) -> Request {
        let question = |golden: &GoldenQuestion| Question {
            text: golden.question.clone(),
            answer_prefix: Some(golden.answer_prefix.clone()),
            max_new_tokens: Some(golden.max_new_tokens),
            ..Question::default()
        };
        Request {
            context: self.context.clone(),
            questions: self.questions.iter().map(question).collect(),
            ..Request::default()
        }
    }
}
