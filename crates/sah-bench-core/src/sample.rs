//! One row of a benchmark, before and after the model answered it.

use serde::{Deserialize, Serialize};

/// One question of a benchmark with the context it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The subset the row belongs to.
    pub task: String,
    /// The long text. Rows with equal contexts are answered together.
    pub context: String,
    /// The question about it.
    pub question: String,
    /// How the answer begins.
    pub answer_prefix: String,
    /// At most this many new tokens.
    pub max_new_tokens: usize,
    /// The benchmark's own columns, in the order of its [`Benchmark::extra_columns`](crate::Benchmark::extra_columns).
    pub extra: Vec<Value>,
}

/// A column that a benchmark adds to those every [`Sample`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the data and in the result files.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a [`Column`] holds. Every kind may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit integer.
    Integer,
    /// A list of texts.
    TextList,
}

/// One value of a [`Column`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing there.
    Null,
    /// See [`ColumnKind::Text`].
    Text(String),
    /// See [`ColumnKind::Integer`].
    Integer(i64),
    /// See [`ColumnKind::TextList`].
    TextList(Vec<String>),
}

/// A [`Sample`] and what the model made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position of the sample in the run, from 0: the order of the result files.
    pub index: usize,
    /// The sample.
    pub sample: Sample,
    /// The answer; empty where `error` says why there is none.
    pub predicted_answer: String,
    /// Why the row has no answer.
    pub error: Option<String>,
    /// What the answer cost; `None` for a row that failed.
    pub stats: Option<RecordStats>,
}

/// What one answered row cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordStats {
    /// What the context cost. Rows of one group share it: it is the same in each.
    pub context: sah_adapter::ContextStats,
    /// How many rows shared the context.
    pub group_size: usize,
    /// What the answer cost.
    pub answer: sah_adapter::AnswerStats,
}
