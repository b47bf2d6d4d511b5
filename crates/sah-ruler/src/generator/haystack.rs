//! What needles are hidden in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use sah_bench_core::data::{ReadError, ends_sentence, read_text};
use sah_request::ModelError;

use super::fit::Counter;
use super::prose::prose;
use crate::error::Error;

/// What stands in the place of the essays, in the five tasks that have them. The haystacks of the other tasks are a part of what
/// they ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Haystack {
    /// Prose without meaning, which this crate makes.
    #[default]
    Prose,
    /// One line over and over.
    Noise,
    /// Sentences like the needle, with other keys.
    Needles,
    /// The user's text, over and over where it is short: a file, or the text files of a folder in the order of their names.
    Text(PathBuf),
}

impl Haystack {
    /// What it is called in results.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Prose => "prose".to_owned(),
            Self::Noise => "noise".to_owned(),
            Self::Needles => "needle".to_owned(),
            Self::Text(path) => path.display().to_string(),
        }
    }

    /// How many words the user's text has, which rows with more words repeat; `None` where there is none.
    ///
    /// # Errors
    ///
    /// A file or folder that cannot be read, and one without text.
    pub fn words(&self) -> Result<Option<usize>, Error> {
        match self {
            Self::Text(path) => Ok(Some(read(path)?.split_whitespace().count())),
            Self::Prose | Self::Noise | Self::Needles => Ok(None),
        }
    }
}

/// A long text, word by word.
#[derive(Debug)]
pub(super) struct Words {
    text: String,
    /// Where each word begins and ends.
    places: Vec<(usize, usize)>,
    /// What the first words take, added up; as far as any row asked for them.
    sums: RwLock<Vec<usize>>,
}

impl Words {
    /// Of our prose, or of the user's text.
    pub(super) fn open(haystack: &Haystack, most: usize) -> Result<Self, Error> {
        let Haystack::Text(path) = haystack else { return Ok(Self::new(prose(most))) };
        let words = Self::new(read(path)?);
        // All needles would stand at one place.
        if !(0..words.places.len()).any(|number| ends_sentence(words.word(number))) {
            return Err(Error::NoSentences { place: path.clone() });
        }
        Ok(words)
    }

    fn new(text: String) -> Self {
        let start = text.as_ptr() as usize;
        let place =
            |word: &str| (word.as_ptr() as usize - start, word.as_ptr() as usize - start + word.len());
        let places = text.split_whitespace().map(place).collect();
        Self { text, places, sums: RwLock::default() }
    }

    /// The word of this number. After the last one the first follows.
    pub(super) fn word(&self, number: usize) -> &str {
        let (start, end) = self.places[number % self.places.len()];
        &self.text[start..end]
    }

    /// How many tokens the first `count` words take, each with a blank before it.
    pub(super) fn tokens(&self, count: usize, tokens: &Counter<'_>) -> Result<usize, ModelError> {
        if let Some(sum) = self.sums.read().expect("no thread panics with it").get(count) {
            return Ok(*sum);
        }
        let mut sums = self.sums.write().expect("no thread panics with it");
        while sums.len() <= count {
            let sum = match sums.last() {
                None => 0,
                Some(sum) => sum + tokens.piece(&format!(" {}", self.word(sums.len() - 1)))?,
            };
            sums.push(sum);
        }
        Ok(sums[count])
    }

    /// The first `count` words in sentences, each with blanks between its words.
    pub(super) fn sentences(&self, count: usize) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut sentence = String::new();
        for number in 0..count {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            let word = self.word(number);
            sentence.push_str(word);
            if ends_sentence(word) {
                sentences.push(std::mem::take(&mut sentence));
            }
        }
        if !sentence.is_empty() {
            sentences.push(sentence);
        }
        sentences
    }
}

/// The text of a file, or of all `.txt` and `.md` files of a folder, with an empty line between.
fn read(path: &Path) -> Result<String, ReadError> {
    let text = if path.is_dir() {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if file.extension().is_some_and(|extension| extension == "txt" || extension == "md") {
                files.push(file);
            }
        }
        files.sort();
        files.iter().map(|file| read_text(file)).collect::<Result<Vec<_>, _>>()?.join("\n\n")
    } else {
        read_text(path)?
    };
    if text.split_whitespace().next().is_none() {
        return Err(ReadError::NoRows { file: path.to_owned() });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_word_says_so_and_a_short_text_begins_again() {
        let words = Words::new("One two.\nIs it\t\"three?\" Four".to_owned());
        assert_eq!(words.sentences(8), ["One two.", "Is it \"three?\"", "Four One two."]);
        assert!(words.sentences(0).is_empty());
    }

    #[test]
    fn a_folder_is_the_text_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [("b.txt", "B."), ("a.md", "A."), ("c.rs", "C.")] {
            fs::write(folder.path().join(file), text).unwrap();
        }
        assert_eq!(read(folder.path()).unwrap(), "A.\n\nB.");
        let text = Haystack::Text(folder.path().join("b.txt"));
        assert_eq!((text.words().unwrap(), Haystack::Noise.words().unwrap()), (Some(1), None));
        fs::write(folder.path().join("b.txt"), "words, words").unwrap();
        let error = Words::open(&text, 10).unwrap_err().to_string();
        assert!(error.contains("b.txt: no word ends a sentence"), "{error}");
        fs::write(folder.path().join("empty"), " \n").unwrap();
        assert!(matches!(read(&folder.path().join("empty")), Err(ReadError::NoRows { .. })));
    }
}
