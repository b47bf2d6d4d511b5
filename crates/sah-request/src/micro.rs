//! Figures of single attention calls: what was read, and how far the output is from dense attention.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The kernels that computed attention, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionBackends {
    /// For the rows of questions.
    pub question: BTreeSet<String>,
    /// For new tokens.
    pub decode: BTreeSet<String>,
}

impl AttentionBackends {
    /// Adds those of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.question.extend(other.question.iter().cloned());
        self.decode.extend(other.decode.iter().cloned());
    }
}

/// What was measured of the sparse attention of one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MicroMetrics {
    /// Sparse attention calls of question and new tokens: one for each layer and forward pass.
    pub calls: u64,
    /// Those of them that were measured, in the order in which they were made; before them, in the first answer about a context that was read
    /// sparsely, the measured ones of the context.
    pub sampled: Vec<AttentionCall>,
}

/// One attention call: one layer in one forward pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionCall {
    /// When it was measured.
    pub time: SystemTime,
    /// Whether it read a part of a context, before any question.
    #[serde(default)]
    pub reads_context: bool,
    /// 0 for the rows of the question, `n` for the `n`-th new token; of a context, the number of the chunk that was read, from 0.
    pub step: usize,
    /// Layer, from 0.
    pub layer: usize,
    /// Query rows, `Q`.
    pub queries: usize,
    /// Keys, `K`, the rows' own included.
    pub keys: usize,
    /// Name of the kernel that computed it.
    pub backend: String,
    /// Share of the visible keys that were read, over all heads and rows, from 0 to 1.
    pub density: f64,
    /// `||O_dense - O||_F / ||O_dense||_F` of the whole output; `None` where that is no number, because the dense output
    /// is zero throughout and the other is not.
    pub output_error: Option<f64>,
    /// The same of each query head.
    pub heads: Vec<AttentionHead>,
}

/// One query head in an attention call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionHead {
    /// As [`AttentionCall::density`].
    pub density: f64,
    /// As [`AttentionCall::output_error`].
    pub output_error: Option<f64>,
}
