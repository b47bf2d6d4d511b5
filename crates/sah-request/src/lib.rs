//! Requests to language models and their responses: what benchmarks and models know of each other.
//!
//! # Overview
//!
//! - [`Request`]: a context, the questions about it, and what the answer should begin with.
//! - [`ModelAdapter`]: answers requests. The context is processed once, however many questions there are, and every
//!   question gets exactly one [`Answer`]. A [`RequestObserver`] is told how far it is.
//! - [`GenerationParams`] and [`Sampling`]: how answers are generated; [`RequestLimits`]: what a request may cost.
//! - [`Draws`]: which random numbers an answer draws, where several answers to one question are wanted.
//! - [`Thoughts`]: what a model writes to itself before it answers; [`split_thoughts`] finds them in a text.
//! - [`MicroMetrics`]: figures of single attention calls.
//! - [`TokenCount`]: counts the tokens of a text.
//!
//! The crate needs no libtorch. `sah_adapter` has the models.
//!
//! # A model of your own
//!
//! ```
//! use sah_request::{
//!     Answer, ContextStats, GenerationParams, ModelAdapter, ModelError, Request, RequestLimits, RequestResponse,
//! };
//!
//! /// Answers every question with the first word of the context.
//! struct FirstWord;
//!
//! impl ModelAdapter for FirstWord {
//!     fn process_request(
//!         &self,
//!         request: &Request,
//!         _: &GenerationParams,
//!         _: &RequestLimits,
//!     ) -> Result<RequestResponse, ModelError> {
//!         let word = request.context.split_whitespace().next();
//!         let text = word.ok_or_else(|| ModelError::new("the context is empty"))?.to_owned();
//!         let answers = request.questions.iter().map(|_| Answer { text: text.clone(), ..Answer::default() });
//!         Ok(RequestResponse { answers: answers.collect(), context: ContextStats::default() })
//!     }
//! }
//!
//! let ask = |context: &str| {
//!     let request = Request::new(context, "How does it begin?");
//!     FirstWord.process_request(&request, &GenerationParams::default(), &RequestLimits::default())
//! };
//! assert_eq!(ask("Marigold is a boat.")?.answers[0].text, "Marigold");
//! assert_eq!(ask("").unwrap_err().to_string(), "the context is empty");
//! # Ok::<(), ModelError>(())
//! ```

mod adapter;
mod draws;
mod error;
mod micro;
mod request;
mod sampling;
mod thoughts;
mod tokens;

pub use adapter::{ModelAdapter, RequestObserver};
pub use draws::Draws;
pub use error::ModelError;
pub use micro::{AttentionBackends, AttentionCall, AttentionHead, MicroMetrics};
pub use request::{
    Answer, AnswerEnd, AnswerStats, ContextStats, GenerationParams, NewToken, PromptForm, Question, Request,
    RequestLimits, RequestResponse, Truncation,
};
pub use sampling::{OutOfRange, RandomSampling, RepetitionPenalty, Sampling, Share, Temperature};
pub use thoughts::{SplitText, ThoughtTags, Thoughts, ThoughtsInAnswers, split_thoughts};
pub use tokens::{NoTokenizer, TokenCount};
