//! What sampling maskers and oracles promise, on the queries and keys of the default model over real text.

#![allow(clippy::float_cmp, reason = "where a value must be exactly 0 or 1")]
#![allow(clippy::many_single_char_names, reason = "b, h, q, k, d name the dimensions of a tensor")]

// The rules and their checks are those of sah-attention's own tests on random tensors.
#[path = "../../crates/sah-attention/tests/it/cases.rs"]
#[allow(dead_code, reason = "random tensors are not needed here")]
mod cases;
#[path = "../../crates/sah-attention/tests/it/estimates.rs"]
mod estimates;
#[path = "../../crates/sah-attention/tests/it/rules.rs"]
#[allow(dead_code, reason = "random problems are not needed here")]
mod rules;
#[path = "../../crates/sah-attention/tests/it/seeded.rs"]
#[allow(dead_code, reason = "random tensors are not needed here")]
mod seeded;

mod heads;
mod oracles;
mod promise;
mod unbiased;
