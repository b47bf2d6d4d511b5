//! How large a loaded model is.

use super::LoadedModel;
use crate::ModelSizes;

impl LoadedModel {
    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        let sizes = self.engine.network.sizes();
        ModelSizes { cache_row_bytes: self.engine.cache_format.row_bytes(sizes.head_dim), ..sizes }
    }
}
