//! The patterns of heads, and the authors' files of them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

const VERTICAL_AND_SLASH: &str = "vertical_and_slash";
const BLOCK_SPARSE: &str = "block_sparse";
const STREAM_LLM: &str = "stream_llm";

/// Blocks that a head with block means reads, whatever its file says: the authors' number.
const BLOCKS: usize = 100;

/// What a head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadPattern {
    /// Keys that all rows read, and distances at which all rows read: so many of each.
    VerticalAndSlash {
        /// Keys.
        vertical: usize,
        /// Distances.
        slash: usize,
    },
    /// For each block of rows so many blocks of keys.
    Blocks {
        /// Blocks of keys.
        count: usize,
    },
    /// The first and the last keys.
    Ends {
        /// First keys.
        sink: usize,
        /// Last keys before each row, its own included.
        local: usize,
    },
}

impl HeadPattern {
    /// As the authors write it: `[type, first size, second size, score]`.
    fn read(value: &Value) -> std::result::Result<Self, String> {
        let wrong = || format!("expected [\"{VERTICAL_AND_SLASH}\", sizes, score], found {value}");
        let parts = value.as_array().filter(|parts| parts.len() == 4).ok_or_else(wrong)?;
        let size = |at: usize| parts[at].as_u64().map(|size| size as usize).ok_or_else(wrong);
        let (first, second) = (size(1)?, size(2)?);
        match parts[0].as_str() {
            Some(VERTICAL_AND_SLASH) => Ok(Self::VerticalAndSlash { vertical: first, slash: second }),
            Some(BLOCK_SPARSE) => Ok(Self::Blocks { count: BLOCKS }),
            Some(STREAM_LLM) if second > 0 => Ok(Self::Ends { sink: first, local: second }),
            Some(STREAM_LLM) => Err(format!("a window of 0 keys in {value}")),
            _ => Err(format!(
                "expected {VERTICAL_AND_SLASH}, {BLOCK_SPARSE} or {STREAM_LLM}, found {}",
                parts[0]
            )),
        }
    }

    fn to_json(self, score: f64) -> Value {
        match self {
            Self::VerticalAndSlash { vertical, slash } => json!([VERTICAL_AND_SLASH, vertical, slash, score]),
            Self::Blocks { count } => json!([BLOCK_SPARSE, count, 1, score]),
            Self::Ends { sink, local } => json!([STREAM_LLM, sink, local, score]),
        }
    }
}

/// The pattern of each head of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadPatterns {
    path: PathBuf,
    /// `[layer][head]`.
    layers: Vec<Vec<HeadPattern>>,
}

impl HeadPatterns {
    /// Reads the authors' file: a list with, for each layer, an object of patterns by the numbers of heads.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: a file that cannot be read, and what is no pattern in it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| wrong(path, "file", error.to_string()))?;
        let layers: Vec<Map<String, Value>> =
            serde_json::from_str(&text).map_err(|error| wrong(path, "file", error.to_string()))?;
        let of_layer = |(layer, heads): (usize, &Map<String, Value>)| {
            let of_head = |head: usize| {
                let place = format!("layer {layer}, head {head}");
                let value = heads
                    .get(&head.to_string())
                    .ok_or_else(|| wrong(path, &place, "there is none".to_owned()))?;
                HeadPattern::read(value).map_err(|problem| wrong(path, &place, problem))
            };
            (0..heads.len()).map(of_head).collect::<Result<Vec<_>>>()
        };
        let layers = layers.iter().enumerate().map(of_layer).collect::<Result<Vec<_>>>()?;
        Ok(Self { path: path.to_owned(), layers })
    }

    /// Writes patterns `[layer][head]` and their scores as a file of the authors' form.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: a file that cannot be written.
    pub fn write(path: &Path, layers: &[Vec<(HeadPattern, f64)>]) -> Result<()> {
        let of_layer = |heads: &Vec<(HeadPattern, f64)>| -> Value {
            let of_head = |(head, (pattern, score)): (usize, &(HeadPattern, f64))| {
                (head.to_string(), pattern.to_json(*score))
            };
            Value::Object(heads.iter().enumerate().map(of_head).collect())
        };
        let text = Value::Array(layers.iter().map(of_layer).collect()).to_string() + "\n";
        std::fs::write(path, text).map_err(|error| wrong(path, "file", error.to_string()))
    }

    /// That of query head `head` of layer `layer`.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: there is no such layer or head, so that the file is of another model.
    pub fn of_head(&self, layer: usize, head: usize) -> Result<HeadPattern> {
        let heads = self.layers.get(layer).ok_or_else(|| {
            let found = format!("the model has a layer {layer}, and here are {}", self.layers.len());
            wrong(&self.path, "file", found)
        })?;
        heads.get(head).copied().ok_or_else(|| {
            let found = format!("the model has a head {head}, and here are {}", heads.len());
            wrong(&self.path, &format!("layer {layer}"), found)
        })
    }
}

fn wrong(path: &Path, place: &str, problem: String) -> Error {
    Error::File { path: path.to_owned(), place: place.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<HeadPatterns> {
        let path = std::env::temp_dir().join(format!("sah-minference-{name}-{}.json", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let patterns = HeadPatterns::read(&path);
        std::fs::remove_file(&path).unwrap();
        patterns
    }

    #[test]
    fn files_of_the_authors_form_are_read() {
        let text = r#"[{"0": ["vertical_and_slash", 1000, 6096, 336077.5], "1": ["stream_llm", 100, 800, 2]},
                       {"1": ["vertical_and_slash", 30, 800, 1], "0": ["block_sparse", 10, 1, 5.0]}]"#;
        let patterns = read("whole", text).unwrap();
        let lines = |vertical, slash| HeadPattern::VerticalAndSlash { vertical, slash };
        assert_eq!(patterns.of_head(0, 0).unwrap(), lines(1000, 6096));
        assert_eq!(patterns.of_head(0, 1).unwrap(), HeadPattern::Ends { sink: 100, local: 800 });
        assert_eq!(patterns.of_head(1, 0).unwrap(), HeadPattern::Blocks { count: 100 });
        assert_eq!(patterns.of_head(1, 1).unwrap(), lines(30, 800));
        let error = |layer, head| patterns.of_head(layer, head).unwrap_err().to_string();
        assert!(error(2, 0).ends_with("file: the model has a layer 2, and here are 2"), "{}", error(2, 0));
        assert!(error(0, 2).ends_with("layer 0: the model has a head 2, and here are 2"), "{}", error(0, 2));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for (text, words) in [
            ("{}", "file: invalid type: map"),
            (r#"[{"1": ["stream_llm", 1, 2, 3]}]"#, "layer 0, head 0: there is none"),
            (r#"[{"0": ["dense", 1, 2, 3]}]"#, "layer 0, head 0: expected vertical_and_slash, block_sparse"),
            (r#"[{"0": ["stream_llm", 1, 0, 3]}]"#, "a window of 0 keys"),
            (r#"[{"0": ["stream_llm", 1, -2, 3]}]"#, "sizes, score], found"),
        ] {
            let error = read("wrong", text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
