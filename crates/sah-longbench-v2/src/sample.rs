//! The bundled sample: a few questions about short texts, so that a run needs no download.
//!
//! It is a demonstration, not LongBench-v2: this project wrote its texts, and scores say nothing about how a model does on
//! LongBench-v2.

use crate::Subset;

/// What its file is called in messages.
pub(crate) const NAME: &str = "bundled sample";

/// The rows of a subset: a JSON object a line, with the columns of the hub's data set.
pub(crate) fn jsonl(subset: Subset) -> &'static str {
    match subset {
        Subset::ZeroShot => include_str!("../data/sample/0shot.jsonl"),
        Subset::ChainOfThought => include_str!("../data/sample/cot.jsonl"),
    }
}
