//! The jobs of a side and its answers, a JSON line each. `tests/reference/speed_peer.py` reads and writes the same.

use std::collections::BTreeMap;

use sah_adapter::{ModelIdentity, ModelSizes};
use serde::{Deserialize, Serialize};

/// A context, questions about it, and how to answer them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    /// Tokens of the context.
    pub(super) context: usize,
    /// All of them are about the same context.
    pub(super) questions: usize,
    /// Tokens of a question, for programs that have no question of their own.
    pub(super) question_tokens: usize,
    /// Tokens that are decoded after the first one, for each question.
    pub(super) new_tokens: usize,
    /// Name of the attention, for programs that have several.
    pub(super) attention: String,
    /// Reads the context even if it was read before. Otherwise it is kept from one job to the next.
    pub(super) fresh: bool,
}

/// What a job took. Seconds are sums over the questions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// From request to response.
    pub(super) seconds: f64,
    /// For reading the context, now or before; as often as it was read for this job.
    pub(super) prefill_seconds: f64,
    /// Tokens of a question.
    pub(super) question_tokens: usize,
    /// From the end of the context to the first new token.
    pub(super) question_seconds: f64,
    /// For the new tokens after the first.
    pub(super) decode_seconds: f64,
    /// How many tokens that were.
    pub(super) decoded: usize,
    /// Mean share of the keys that attention read; `None` for programs that read all.
    #[serde(default)]
    pub(super) density: Option<f64>,
    /// Peak resident memory of the process during the job; `None` where the system does not tell.
    pub(super) peak_bytes: Option<u64>,
}

/// The first line of a side, when it is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Versions of what computes.
    pub(super) versions: BTreeMap<String, String>,
    /// The model; only our own sides tell.
    #[serde(default)]
    pub(super) model: Option<Model>,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    pub(super) identity: ModelIdentity,
    pub(super) sizes: ModelSizes,
}
