//! One interface to causal language models: a [`Request`] goes in, a [`RequestResponse`] comes out.
//!
//! # Overview
//!
//! - [`Request`]: a context, the questions about it, and what the answer should begin with.
//! - [`ModelAdapter`]: answers requests. The context is processed once, however many questions there are, and every
//!   question gets exactly one [`Answer`].
//! - `HfAdapter` (feature `torch`, on by default): models in Hugging Face or GGUF form, run by libtorch, dense or
//!   with sparse attention. `families` lists their architectures.
//! - `Network` (feature `torch`): a model without its tokenizer, token ids in and logits out.
//!
//! Without the feature `torch` the crate needs no libtorch: benchmarks and their scorers depend on it in that form.

mod adapter;
#[cfg(feature = "torch")]
mod cache;
#[cfg(feature = "torch")]
mod engine;
mod error;
#[cfg(feature = "torch")]
mod hf;
mod micro;
#[cfg(feature = "torch")]
mod model;
#[cfg(feature = "torch")]
mod network;
#[cfg(feature = "torch")]
mod placement;
#[cfg(feature = "torch")]
mod precision;
mod request;
mod sampling;
mod tokens;
#[cfg(feature = "torch")]
mod weights;

pub use adapter::{ModelAdapter, RequestObserver};
pub use error::Error;
#[cfg(feature = "torch")]
pub use hf::{
    AnswerTrace, Finding, HfAdapter, LoadedModel, ModelIdentity, ModelSource, ModelTokenizer, PartStatus,
    TemplateIdentity, Trace, WeightFormat, diagnose,
};
pub use micro::{AttentionBackends, AttentionCall, AttentionHead, MicroMetrics};
#[cfg(feature = "torch")]
pub use model::{MatrixSize, ModelFamily, ModelSizes, VERIFIED_AGAINST, families};
#[cfg(feature = "torch")]
pub use network::{Network, Sequence};
#[cfg(feature = "torch")]
pub use placement::Placement;
#[cfg(feature = "torch")]
pub use precision::{Precision, WeightStorage};
pub use request::{
    Answer, AnswerStats, ContextStats, GenerationParams, NewToken, PromptForm, Question, Request,
    RequestLimits, RequestResponse, Truncation,
};
pub use sampling::{OutOfRange, RandomSampling, RepetitionPenalty, Sampling, Share, Temperature};
pub use tokens::{NoTokenizer, TokenCount};
#[cfg(feature = "torch")]
pub use weights::{HashConversion, convert_hash_attention};
