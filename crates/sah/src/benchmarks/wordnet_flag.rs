//! `--wordnet`: where METEOR takes synonyms from.

use std::path::PathBuf;

use clap::Args;
use sah_metrics::WordNet;

use crate::usage::UsageError;

/// The flag of `bench` and `score`.
#[derive(Debug, Args)]
pub(super) struct WordNetFlag {
    /// Folder with the files of WordNet 3.0 (`data.noun`, `noun.exc`, ..), which METEOR takes synonyms from: `/usr/share/wordnet` of
    /// Debian's package wordnet-base, `corpora/wordnet` of NLTK's data
    #[arg(long, value_name = "DIR")]
    wordnet: Option<PathBuf>,
}

impl WordNetFlag {
    /// What is in the folder; `None` where none is named.
    pub(super) fn open(&self) -> Result<Option<WordNet>, UsageError> {
        let Some(folder) = &self.wordnet else { return Ok(None) };
        let failed = |error: &dyn std::fmt::Display| {
            UsageError(format!("--wordnet {}: {error}; expected the files of WordNet 3.0", folder.display()))
        };
        // A run names them in full, so that a report finds them from another folder.
        let absolute = std::path::absolute(folder).map_err(|error| failed(&error))?;
        WordNet::open(&absolute).map(Some).map_err(|error| failed(&error))
    }
}
