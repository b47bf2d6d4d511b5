//! The interface that benchmarks run against.

use crate::{GenerationParams, ModelError, NewToken, Request, RequestLimits, RequestResponse};

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
    ) -> Result<RequestResponse, ModelError>;

    /// The same, and tells `observer` how far it is. A model that cannot tell says nothing.
    ///
    /// # Errors
    ///
    /// As [`ModelAdapter::process_request`].
    fn process_observed(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<RequestResponse, ModelError> {
        let _ = observer;
        self.process_request(request, generation, limits)
    }
}

/// Told about a request while it goes on. Every method does nothing unless implemented.
pub trait RequestObserver {
    /// `read` of the context's `tokens` are read.
    fn context_read(&mut self, read: usize, tokens: usize) {
        let _ = (read, tokens);
    }

    /// A token was generated.
    fn token(&mut self, token: NewToken<'_>) {
        let _ = token;
    }
}

/// Says nothing.
impl RequestObserver for () {}
