//! The files of WordNet. Lines that begin with a blank are its licence.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::WordNetError;

/// The lines of a file with their numbers, from 1.
struct Lines {
    file: PathBuf,
    text: String,
}

impl Lines {
    fn read(file: &Path) -> Result<Self, WordNetError> {
        let io = |source| WordNetError::Io { file: file.to_owned(), source };
        Ok(Self { file: file.to_owned(), text: fs::read_to_string(file).map_err(io)? })
    }

    /// Lines with where they begin, in bytes.
    fn iter(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        let mut start = 0;
        let lines = self.text.split_inclusive('\n').enumerate().map(move |(number, line)| {
            let at = start;
            start += line.len();
            (number + 1, at, line.trim_end())
        });
        lines.filter(|(_, _, line)| !line.is_empty() && !line.starts_with(' '))
    }

    fn error(&self, line: usize, expected: impl Into<String>) -> WordNetError {
        WordNetError::Line { file: self.file.clone(), line, expected: expected.into() }
    }
}

/// Of each base form the places of its meanings, and the words of each meaning.
type Meanings = (HashMap<String, Vec<usize>>, Vec<Vec<String>>);

/// Reads `index.NAME` and `data.NAME`. A meaning is known by the byte where its line in the data begins.
pub(super) fn meanings(folder: &Path, name: &str) -> Result<Meanings, WordNetError> {
    let data = Lines::read(&folder.join(format!("data.{name}")))?;
    let (mut places, mut synonyms) = (HashMap::new(), Vec::new());
    for (number, start, line) in data.iter() {
        let expected =
            || data.error(number, format!("a meaning, beginning with its place in the file, {start:08}"));
        let words = single_words(line, start).ok_or_else(expected)?;
        places.insert(start, synonyms.len());
        synonyms.push(words);
    }
    let index = Lines::read(&folder.join(format!("index.{name}")))?;
    let mut meanings = HashMap::new();
    for (number, _, line) in index.iter() {
        let (word, offsets) = offsets(line).ok_or_else(|| {
            index.error(number, "a word, its part of speech, and the places of its meanings")
        })?;
        let place = |offset: &usize| {
            let missing =
                || index.error(number, format!("the place of a meaning in data.{name}, found {offset}"));
            places.get(offset).copied().ok_or_else(missing)
        };
        meanings.insert(word.to_owned(), offsets.iter().map(place).collect::<Result<_, _>>()?);
    }
    Ok((meanings, synonyms))
}

/// The words of a meaning that have no `_`: `OFFSET FILE PART COUNT (WORD ID)...`, the count in base 16. An adjective may be followed
/// by where it stands, in brackets.
fn single_words(line: &str, start: usize) -> Option<Vec<String>> {
    let mut fields = line.split_whitespace();
    let offset: usize = fields.next()?.parse().ok()?;
    let count = usize::from_str_radix(fields.nth(2)?, 16).ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        let word = fields.next()?;
        fields.next()?;
        let word = if word.ends_with(')') { word.split('(').next()? } else { word };
        if !word.contains('_') {
            words.push(word.to_owned());
        }
    }
    (offset == start).then_some(words)
}

/// A word and the places of its meanings: `WORD PART COUNT POINTERS POINTER... COUNT RANKED OFFSET...`.
fn offsets(line: &str) -> Option<(&str, Vec<usize>)> {
    let mut fields = line.split_whitespace();
    let word = fields.next()?;
    let count: usize = fields.nth(1)?.parse().ok()?;
    let pointers: usize = fields.next()?.parse().ok()?;
    let offsets: Vec<usize> =
        fields.skip(pointers + 2).map(|field| field.parse().ok()).collect::<Option<_>>()?;
    (count > 0 && offsets.len() == count).then_some((word, offsets))
}

/// Reads `NAME.exc`: a word and its base forms a line.
pub(super) fn exceptions(file: &Path) -> Result<HashMap<String, Vec<String>>, WordNetError> {
    let lines = Lines::read(file)?;
    let exception = |(_, _, line): (usize, usize, &str)| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    };
    Ok(lines.iter().filter_map(exception).collect())
}
