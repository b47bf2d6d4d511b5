//! What messages to users need, whichever crate they come from.

mod nearest;
mod secrets;

pub use nearest::{meant, nearest};
pub use secrets::{split_login, without_secrets};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
