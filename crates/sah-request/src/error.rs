//! Why a model gave no answer.

use std::error::Error;

/// The error of an adapter, whatever its type. It is shown as that error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ModelError(Box<dyn Error + Send + Sync>);

impl ModelError {
    /// Of an error of any type, or of a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// The adapter's own error.
    #[must_use]
    pub fn inner(&self) -> &(dyn Error + 'static) {
        &*self.0
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::ModelError;

    #[derive(Debug, thiserror::Error)]
    #[error("no weights")]
    struct NoWeights(#[source] std::io::Error);

    #[test]
    fn it_stands_for_the_error_that_it_holds() {
        let error = ModelError::new(NoWeights(std::io::Error::other("disk on fire")));
        assert_eq!(error.to_string(), "no weights");
        assert!(error.inner().is::<NoWeights>());
        assert_eq!(error.source().unwrap().to_string(), "disk on fire");
        assert_eq!(ModelError::new("out of memory").to_string(), "out of memory");
    }
}
