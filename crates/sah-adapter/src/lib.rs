//! One interface to causal language models: a [`Request`] goes in, a [`RequestResponse`] comes out.
//!
//! # Overview
//!
//! - [`Request`]: a context, the questions about it, and what the answer should begin with.
//! - [`ModelAdapter`]: answers requests. The context is processed once, however many questions there are, and every
//!   question gets exactly one [`Answer`].
//! - `HfAdapter` (feature `torch`, on by default): models in Hugging Face or GGUF form, run by libtorch, dense or
//!   with sparse attention.
//!
//! Without the feature `torch` the crate needs no libtorch: benchmarks and their scorers depend on it in that form.

mod adapter;
#[cfg(feature = "torch")]
mod cache;
mod error;
#[cfg(feature = "torch")]
mod hf;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "torch")]
mod model;
mod request;
#[cfg(feature = "torch")]
mod weights;

pub use adapter::ModelAdapter;
pub use error::{Error, HubError};
#[cfg(feature = "torch")]
pub use hf::{
    AnswerTrace, HfAdapter, LoadedModel, ModelIdentity, ModelSource, TemplateIdentity, Trace, WeightFormat,
};
pub use request::{
    Answer, AnswerStats, ContextStats, GenerationParams, PromptForm, Question, Request, RequestLimits,
    RequestResponse, Truncation,
};
