//! How large a loaded model is.

use super::LoadedModel;
use crate::ModelSizes;

impl LoadedModel {
    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        let element = self.kind.elt_size_in_bytes();
        let sizes = self.network.sizes();
        ModelSizes { weight_bytes: sizes.values() * element as u64, cache_element_bytes: element, ..sizes }
    }
}
