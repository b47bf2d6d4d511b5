//! A model whose errors say what helps: rows keep them as texts.

use sah_request::{
    GenerationParams, ModelAdapter, ModelError, Request, RequestLimits, RequestObserver, RequestResponse,
};

use crate::remedies;

/// The model in it, with the flag that helps in its errors.
pub(super) struct Explained<A>(pub(super) A);

impl<A: ModelAdapter> ModelAdapter for Explained<A> {
    fn process_request(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<RequestResponse, ModelError> {
        self.0.process_request(request, generation, limits).map_err(explain)
    }

    fn process_observed(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<RequestResponse, ModelError> {
        self.0.process_observed(request, generation, limits, observer).map_err(explain)
    }
}

fn explain(error: ModelError) -> ModelError {
    match remedies::remedy(&error) {
        Some(remedy) => ModelError::new(format!("{error}; {remedy}")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    /// As it stands in result files.
    #[test]
    fn the_error_of_a_row_names_the_flag() {
        let too_long = sah_adapter::Error::TooLong { context: 100, question: 20, answer: 10, positions: 128 };
        assert_eq!(
            explain(too_long.into()).to_string(),
            "context (100 tokens), question (20) and answer (up to 10) need more than the model's 128 positions; lower \
             --max-context-length to at most 99, or raise the limit with --positions, as far as the rotary embeddings reach \
             (--rope)"
        );
        assert_eq!(
            explain(sah_adapter::Error::NotANumber.into()).to_string(),
            "the model's logits are not numbers (NaN); try --dtype f32, or check the weights"
        );
    }
}
