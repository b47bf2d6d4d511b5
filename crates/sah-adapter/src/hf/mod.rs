//! Models in Hugging Face form: where they come from, their tokenizer, chat template, and requests of text.

mod adapter;
mod chat_template;
mod checkpoint;
mod control;
mod diagnosis;
mod download;
mod eos;
mod external;
mod file_hash;
mod folder;
mod generation_config;
mod identity;
pub(crate) mod json;
mod observe;
mod options;
mod prompt;
mod sizes;
mod source;
#[cfg(test)]
mod testing;
mod tokenizer;
mod tokens;
mod trace;

pub use adapter::{HfAdapter, LoadedModel};
pub(crate) use chat_template::{ChatTemplate, ModelThinking};
pub use chat_template::{ChatTemplateOptions, Thinking, ThinkingMode, ThinkingSwitch};
pub(crate) use checkpoint::Checkpoint;
pub use control::SpecialTokensInText;
pub use diagnosis::{Finding, PartStatus, diagnose, diagnose_config};
pub use external::ExternalModel;
pub use file_hash::of as file_sha256;
pub use generation_config::{GenerationConfig, GenerationConfigUse};
pub use identity::{ModelIdentity, TemplateIdentity, WeightFormat};
pub use options::ModelOptions;
pub use prompt::Tokenisation;
pub use source::ModelSource;
pub(crate) use tokenizer::Tokenizer;
pub use tokenizer::TokenizerRemark;
pub use tokens::ModelTokenizer;
pub use trace::{AnswerTrace, PromptTokens, Trace};
