//! Models in Hugging Face form: where they come from, their tokenizer, chat template and generation.

mod chat_template;
mod checkpoint;
mod identity;
mod source;
mod tokenizer;

pub(crate) use chat_template::ChatTemplate;
pub(crate) use checkpoint::Checkpoint;
pub use identity::{ModelIdentity, WeightFormat};
pub use source::ModelSource;
pub(crate) use tokenizer::Tokenizer;
