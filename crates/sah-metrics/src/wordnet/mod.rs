//! WordNet: words of the same meaning.

mod files;
mod morphology;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// WordNet in the format of Princeton's version 3.0.
///
/// A word is looked up as `wordnet.synsets` of NLTK 3.8.1 does it: under each part of speech, by its exceptional base forms or by
/// those that endings give.
#[derive(Clone)]
pub struct WordNet {
    folder: PathBuf,
    parts: Vec<Part>,
}

/// What cannot be read of a WordNet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordNetError {
    /// A file that cannot be read, or is missing.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line that is not of WordNet's format.
    #[error("{}: line {line}: expected {expected}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: String,
    },
}

/// The words of a part of speech.
#[derive(Clone, Debug)]
struct Part {
    /// Endings, and what stands in their place in a base form.
    endings: &'static [(&'static str, &'static str)],
    /// Base forms of words that have none by rule.
    exceptions: HashMap<String, Vec<String>>,
    /// The places in `synonyms` of a base form's meanings.
    meanings: HashMap<String, Vec<usize>>,
    /// Of each meaning its words but those of several words.
    synonyms: Vec<Vec<String>>,
}

impl WordNet {
    /// The files that it is read from: of each part of speech its index, its data and its exceptions.
    pub const FILES: [&str; 12] = [
        "index.noun",
        "index.verb",
        "index.adj",
        "index.adv",
        "data.noun",
        "data.verb",
        "data.adj",
        "data.adv",
        "noun.exc",
        "verb.exc",
        "adj.exc",
        "adv.exc",
    ];

    /// Reads the [`FILES`](Self::FILES) in `folder`.
    ///
    /// # Errors
    ///
    /// A file that is missing, cannot be read, or is not in WordNet's format.
    pub fn open(folder: &Path) -> Result<Self, WordNetError> {
        let parts = ["noun", "verb", "adj", "adv"].into_iter().zip(morphology::ENDINGS);
        let parts = parts.map(|(name, endings)| {
            let (meanings, synonyms) = files::meanings(folder, name)?;
            let exceptions = files::exceptions(&folder.join(format!("{name}.exc")))?;
            Ok(Part { endings, exceptions, meanings, synonyms })
        });
        Ok(Self { folder: folder.to_owned(), parts: parts.collect::<Result<_, WordNetError>>()? })
    }

    /// The files that it was read from.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        Self::FILES.iter().map(|name| self.folder.join(name)).collect()
    }

    /// The words that mean what `word` may mean, in the spelling of WordNet, without those of several words. Few words have all
    /// their inflected forms among them.
    ///
    /// A word that WordNet does not have has none.
    #[must_use]
    pub fn synonyms(&self, word: &str) -> HashSet<&str> {
        let word = word.to_lowercase();
        let mut synonyms = HashSet::new();
        for part in &self.parts {
            for form in part.base_forms(&word) {
                let meanings = part.meanings.get(&form).into_iter().flatten();
                synonyms.extend(meanings.flat_map(|&place| &part.synonyms[place]).map(String::as_str));
            }
        }
        synonyms
    }
}

impl std::fmt::Debug for WordNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordNet").field("folder", &self.folder).finish_non_exhaustive()
    }
}
