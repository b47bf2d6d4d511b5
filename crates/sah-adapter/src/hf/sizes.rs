//! How large a loaded model is.

use super::LoadedModel;
use crate::ModelSizes;

impl LoadedModel {
    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        ModelSizes { cache_element_bytes: self.kind.elt_size_in_bytes(), ..self.network.sizes() }
    }
}
