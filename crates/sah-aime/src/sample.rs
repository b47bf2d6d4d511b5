//! The bundled sample: a few small problems, so that a run needs no download.
//!
//! It is a demonstration, not the AIME: this project wrote its problems, they are far easier, and scores say nothing about how a
//! model does on the AIME.

/// What its file is called in messages.
pub(crate) const NAME: &str = "bundled sample";

/// A JSON object a line, with the columns of the hub's copies. It is the same for every edition.
pub(crate) const JSONL: &str = include_str!("../data/sample/problems.jsonl");
