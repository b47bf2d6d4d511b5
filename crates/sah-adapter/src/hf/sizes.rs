//! How large a loaded model is.

use super::LoadedModel;
use crate::ModelSizes;

impl LoadedModel {
    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        self.engine.network.sizes(self.engine.cache_format)
    }
}
