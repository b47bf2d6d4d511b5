//! What goes into a model and what comes out.

use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::micro::{AttentionBackends, MicroMetrics};
use crate::sampling::{RepetitionPenalty, Sampling};
use crate::thoughts::Thoughts;

/// A context and the questions asked about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The long text that all questions share. Processed once.
    pub context: String,
    /// Each gets one answer, in this order.
    pub questions: Vec<Question>,
    /// How the model's turn begins, for questions that do not say it themselves.
    pub answer_prefix: String,
    /// How context and questions are put before the model.
    #[serde(default)]
    pub form: PromptForm,
}

impl Request {
    /// A request with a single question and no answer prefix.
    #[must_use]
    pub fn new(context: impl Into<String>, question: impl Into<Question>) -> Self {
        Self { context: context.into(), questions: vec![question.into()], ..Self::default() }
    }
}

/// How context and questions are put before the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptForm {
    /// As a user's turn in the model's chat template, if it has one; else as they are.
    #[default]
    Chat,
    /// As they are, to be continued: for models that were not made for conversations, and for tasks that show the
    /// model how to go on.
    Plain,
}

/// One question about the context of a [`Request`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question itself, appended to the context.
    pub text: String,
    /// How the answer begins; `None` takes [`Request::answer_prefix`].
    pub answer_prefix: Option<String>,
    /// At most this many new tokens, unless [`GenerationParams`] has a limit.
    pub max_new_tokens: Option<usize>,
    /// Which random numbers its answer draws; `None` for those of its place in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws: Option<Draws>,
}

impl From<&str> for Question {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

impl From<String> for Question {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// How answers are generated: greedily unless [`GenerationParams::sampling`] says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerationParams {
    /// Upper limit on the new tokens of every answer, in place of the questions' own limits. Where neither is there,
    /// [`GenerationParams::DEFAULT_MAX_NEW_TOKENS`].
    pub max_new_tokens: Option<usize>,
    /// Tokens of thoughts that a model may write before its answer, beside the limit on that. Thoughts that need more are cut
    /// off, and the answer is empty. 0 gives them no room of their own: they count as part of the answer.
    pub thinking_tokens: usize,
    /// Goes on past the end of the turn, up to the limit. For measuring speed, where the work must not depend on what
    /// the model says.
    pub ignore_eos: bool,
    /// An answer ends before the first of these texts. An empty one is never found.
    pub stop: Vec<String>,
    /// Makes tokens less likely that context, question or answer already have; `None` leaves them to the model's own
    /// generation config.
    pub repetition_penalty: Option<RepetitionPenalty>,
    /// How the next token is chosen.
    pub sampling: Sampling,
}

impl GenerationParams {
    /// The limit where nobody set one.
    pub const DEFAULT_MAX_NEW_TOKENS: usize = 50;

    /// The limit on new tokens that holds for `question`.
    #[must_use]
    pub fn limit_for(&self, question: &Question) -> usize {
        self.max_new_tokens.or(question.max_new_tokens).unwrap_or(Self::DEFAULT_MAX_NEW_TOKENS)
    }
}

/// A token that was just generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewToken<'a> {
    /// The question's place in its request.
    pub question: usize,
    /// The token.
    pub id: u32,
    /// What it adds to the text: nothing where it completes no character, where it may begin a stop string or thoughts, or
    /// where it ends the answer; more than its own text where tokens before it were held back. The pieces that are no thoughts
    /// add up to the answer.
    pub text: &'a str,
    /// Whether that text is of the model's thoughts, tags included.
    pub is_thought: bool,
    /// Whether the answer ends with it.
    pub is_last: bool,
}

/// Limits on what a request may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLimits {
    /// A context of more tokens is cut to this many; `None` never cuts.
    pub max_context_length: Option<usize>,
    /// Which part of a context that is too long is kept.
    pub truncation: Truncation,
    /// Goes past the positions that the model was made for, where its rotary embeddings allow it. For measuring speed:
    /// what the model says there is worth nothing.
    #[serde(default)]
    pub ignore_positions: bool,
}

/// Which part of a context that is too long is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// The first tokens, as the reference does.
    #[default]
    Head,
    /// The first half and the last half, dropping the middle, as the authors of benchmarks do.
    Middle,
}

/// The answers to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestResponse {
    /// One for each question, in the order asked.
    pub answers: Vec<Answer>,
    /// What the context cost.
    pub context: ContextStats,
}

/// One generated answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The generated text, without the answer prefix, the end-of-turn token or other special tokens, and without thoughts.
    pub text: String,
    /// What the model wrote to itself before; `None` where it did not.
    #[serde(default)]
    pub thoughts: Option<Thoughts>,
    /// What it cost.
    pub stats: AnswerStats,
    /// Single attention calls; `None` where they are not measured, and for dense attention.
    #[serde(default)]
    pub micro_metrics: Option<MicroMetrics>,
}

/// Why an answer has no more tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerEnd {
    /// The model ended its turn.
    EndOfTurn,
    /// One of [`GenerationParams::stop`] was found.
    StopText,
    /// The limit on new tokens was reached.
    Limit,
    /// The limit on thoughts was reached before these had an end.
    ThinkingLimit,
}

impl AnswerEnd {
    /// As result files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EndOfTurn => "end_of_turn",
            Self::StopText => "stop_text",
            Self::Limit => "limit",
            Self::ThinkingLimit => "thinking_limit",
        }
    }
}

/// What processing the context cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContextStats {
    /// Tokens of the context, after truncation: those that are read once for all questions.
    pub tokens: usize,
    /// Tokens that truncation dropped.
    pub truncated_tokens: usize,
    /// Special tokens that text of context and questions gave, where it reads as some: what ends a turn may be among them.
    #[serde(default)]
    pub special_tokens: usize,
    /// Tokens at the end of the context that are no part of `tokens`, because a tokenizer joins them with what follows: each
    /// question reads them, as its own tokens. 0 where context and question are tokenised apart.
    #[serde(default)]
    pub border_tokens: usize,
    /// Seconds for the prefill, and for choosing the keys that stay where some are dropped.
    pub prefill_seconds: f64,
    /// Share of its keys that a retention left for its questions, over layers and heads; `None` where there is no retention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<f64>,
    /// How many of its keys a retention left in each layer and KV head, `[layer][head]`; empty where there is no retention.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_keys: Vec<Vec<usize>>,
    /// Bytes of its keys and values in the KV cache that questions continue; 0 where the adapter does not say.
    #[serde(default)]
    pub cache_bytes: usize,
    /// The most bytes that KV caches took while it was read and keys were dropped: the buffers as they were allocated, with the
    /// room for questions and answers; 0 where the adapter does not say.
    #[serde(default)]
    pub peak_cache_bytes: usize,
}

/// What one answer cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerStats {
    /// Tokens of the question, with what the chat template and the answer prefix add, and those at the border to the context.
    pub question_tokens: usize,
    /// New tokens, those of thoughts and the end-of-turn token included.
    pub generated_tokens: usize,
    /// Those of them that are thoughts, tags included.
    #[serde(default)]
    pub thinking_tokens: usize,
    /// Why there are no more; `None` where the adapter does not say.
    #[serde(default)]
    pub end: Option<AnswerEnd>,
    /// Seconds from the question to the first new token.
    pub question_seconds: f64,
    /// Seconds for the new tokens after the first. A step that gave a token to each of several questions counts in equal
    /// parts: the seconds of all answers add up to those that passed.
    pub decode_seconds: f64,
    /// Mean share of the visible keys that attention read, over layers, heads and query rows of question and new
    /// tokens, from 0 to 1; 1 is dense attention. `None` where the adapter does not measure it.
    pub density: Option<f64>,
    /// Bytes that maskers remember of context, question and answer, when it is done.
    #[serde(default)]
    pub masker_state_bytes: usize,
    /// The kernels that computed attention; empty where the adapter does not say.
    #[serde(default)]
    pub attention_backends: AttentionBackends,
}

impl AnswerStats {
    /// New tokens a second, from the second one on. `None` for answers of one token.
    #[must_use]
    pub fn decode_tokens_per_second(&self) -> Option<f64> {
        let decoded = self.generated_tokens.saturating_sub(1);
        (decoded > 0 && self.decode_seconds > 0.0).then(|| decoded as f64 / self.decode_seconds)
    }
}
