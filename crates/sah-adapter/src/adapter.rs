//! The interface that benchmarks run against.

use crate::{Error, GenerationParams, Request, RequestLimits, RequestResponse};

/// A model that answers requests.
pub trait ModelAdapter {
    /// Processes the context once and answers every question about it.
    ///
    /// The response has exactly one answer for each question, in the order asked. Everything that bounds the work
    /// comes in as a value: two calls with equal arguments give equal texts.
    ///
    /// # Errors
    ///
    /// Whatever kept the model from answering; then none of the questions is answered.
    fn process_request(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<RequestResponse, Error>;
}
