//! Causal language models that answer requests: a [`Request`] goes in, a [`RequestResponse`] comes out.
//!
//! # Overview
//!
//! - [`LoadedModel`]: a model in Hugging Face or GGUF form, in memory with its tokenizer. [`families`] lists the
//!   architectures.
//! - [`HfAdapter`]: answers requests with it, dense or with sparse attention. It is a [`ModelAdapter`].
//! - [`Network`]: a model without its tokenizer, token ids in and logits out.
//!
//! Requests, responses and [`ModelAdapter`] are those of the crate `sah_request`, which needs no libtorch: who only wants
//! them depends on that one.

mod cache;
mod engine;
mod error;
mod hf;
mod model;
mod network;
mod placement;
mod precision;
mod weights;

pub use engine::{RepeatTokens, RetentionSees};
pub use error::Error;
pub use hf::{
    AnswerTrace, ChatTemplateOptions, ExternalModel, Finding, GenerationConfig, GenerationConfigUse,
    HfAdapter, LoadedModel, ModelIdentity, ModelOptions, ModelSource, ModelTokenizer, PartStatus,
    PromptTokens, SpecialTokensInText, TemplateIdentity, Thinking, ThinkingMode, ThinkingSwitch,
    Tokenisation, TokenizerRemark, Trace, WeightFormat, diagnose, diagnose_config, file_sha256,
};
pub use model::{
    AttentionSize, ConfigOverrides, ExternalFacts, ExternalLayer, ExternalMemory, ExternalNetwork,
    ExternalStep, ExternalTokens, Given, KeptOfLayer, LayerCall, LayerCalls, MatrixSize, ModelFamily,
    ModelSizes, VERIFIED_AGAINST, families,
};
pub use network::{Network, Retained, Sequence};
pub use placement::{Placement, WeightBytes};
pub use precision::{Precision, WeightStorage};
pub use sah_request::{
    Answer, AnswerEnd, AnswerStats, AttentionBackends, AttentionCall, AttentionHead, ContextStats, Draws,
    GenerationParams, MicroMetrics, ModelAdapter, ModelError, NewToken, NoTokenizer, OutOfRange, PromptForm,
    Question, RandomSampling, RepetitionPenalty, Request, RequestLimits, RequestObserver, RequestResponse,
    Sampling, Share, SplitText, Temperature, ThoughtTags, Thoughts, TokenCount, Truncation, split_thoughts,
};
pub use sah_tensor::cpu::Instructions;
pub use weights::gguf::{GgufFiles, GgufForms, gguf_forms};
pub use weights::quantised::{QuantisedForm, quantised_forms};
pub use weights::{HashConversion, convert_hash_attention};
