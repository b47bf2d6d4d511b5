//! Models that another library has in memory.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ExternalNetwork;

/// A model that another library has loaded, with the files that say how its text is written.
#[derive(Clone, Debug)]
pub struct ExternalModel {
    /// What `--model` and results call it.
    pub name: String,
    /// Which library has it, and where its weights came from.
    pub source: String,
    /// Has `config.json`, the files of the tokenizer and, where there is one, `generation_config.json`.
    pub folder: PathBuf,
    /// Hash of its weights in lower-case hexadecimal.
    pub sha256: String,
    /// The layers.
    pub network: Arc<dyn ExternalNetwork>,
}

impl PartialEq for ExternalModel {
    fn eq(&self, other: &Self) -> bool {
        self.folder == other.folder && Arc::ptr_eq(&self.network, &other.network)
    }
}

impl Eq for ExternalModel {}
