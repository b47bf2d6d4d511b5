//! A folder of data files, laid out as on the hub or with a file of JSON Lines for each config.

use std::fs;
use std::path::{Path, PathBuf};

use super::hint::Hint;
use super::{ReadError, card, read_text};

/// The only config of a data set that was pushed without one: its files are in `data`.
pub const DEFAULT_CONFIG: &str = "default";

/// A folder with `<config>/<split>-*.parquet`, as on the hub, or `<config>.jsonl` (or `<config>/<split>.jsonl`). Where a config
/// has both, the Parquet files count. Of [`DEFAULT_CONFIG`] they are `data/<split>-*.parquet`, or `<split>.jsonl`. A `README.md`
/// with a block `configs:`, as data sets of the hub have it, decides which files are a config's.
#[derive(Clone, Debug)]
pub struct DataFolder<'a> {
    path: &'a Path,
    configs: &'a [&'a str],
    split: &'a str,
}

/// The files of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFiles {
    /// Parquet files, whose rows follow each other.
    Parquet(Vec<PathBuf>),
    /// One file of JSON Lines.
    JsonLines(PathBuf),
}

impl<'a> DataFolder<'a> {
    /// The folder `path` with the `split` of some of `configs`.
    ///
    /// # Errors
    ///
    /// [`ReadError::NoFolder`] where there is none, [`ReadError::NotAFolder`] where it is a file.
    pub fn open(path: &'a Path, configs: &'a [&'a str], split: &'a str) -> Result<Self, ReadError> {
        if path.is_file() {
            return Err(ReadError::NotAFolder { file: path.to_owned() });
        }
        if !path.is_dir() {
            let expected = format!("<config>/{split}-*.parquet or <config>.jsonl");
            return Err(ReadError::NoFolder { folder: path.to_owned(), expected });
        }
        Ok(Self { path, configs, split })
    }

    /// The files of `config`.
    ///
    /// # Errors
    ///
    /// [`ReadError::NoConfig`] names the configs that are there, [`ReadError::MissingFiles`] tells of an incomplete one.
    pub fn files(&self, config: &str) -> Result<ConfigFiles, ReadError> {
        if let Some(files) = self.files_of_card(config)? {
            return Ok(files);
        }
        let parquet = self.parquet_files(config)?;
        if !parquet.is_empty() {
            return Ok(ConfigFiles::Parquet(parquet));
        }
        if let Some(file) = self.json_lines(config) {
            return Ok(ConfigFiles::JsonLines(file));
        }
        Err(ReadError::NoConfig {
            folder: self.path.to_owned(),
            config: config.to_owned(),
            split: self.split.to_owned(),
            available: self.available(),
            hint: Hint::of(self.path, &[config.to_owned(), format!("{config}.jsonl")]).map(Box::new),
        })
    }

    /// What the card of the data set says; `None` without one, and with one that says nothing of files.
    fn files_of_card(&self, config: &str) -> Result<Option<ConfigFiles>, ReadError> {
        let file = self.path.join(card::CARD);
        if !file.is_file() {
            return Ok(None);
        }
        let Some(paths) = card::data_files(&read_text(&file)?, &file, config, self.split)? else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for path in paths {
            let found = self.matching(&path)?;
            if found.is_empty() {
                let (folder, config) = (self.path.to_owned(), config.to_owned());
                return Err(ReadError::NoFileOfCard { folder, path, config });
            }
            files.extend(found);
        }
        ConfigFiles::of_paths(files).map(Some).map_err(|problem| ReadError::Card { file, problem })
    }

    /// The files of a path with at most one `*`, in its last part, in the order of their names.
    fn matching(&self, path: &str) -> Result<Vec<PathBuf>, ReadError> {
        let (folder, pattern) = path.rsplit_once('/').unwrap_or(("", path));
        let Some((start, end)) = pattern.split_once('*') else {
            let file = self.path.join(path);
            return Ok(if file.is_file() { vec![file] } else { Vec::new() });
        };
        let names = names_in(&self.path.join(folder), |name| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        })?;
        check_count(&self.path.join(folder), self.split, &names)?;
        Ok(names.into_iter().map(|name| self.path.join(folder).join(name)).collect())
    }

    fn json_lines(&self, config: &str) -> Option<PathBuf> {
        let split = self.split;
        let names = if config == DEFAULT_CONFIG {
            [format!("{split}.jsonl"), format!("data/{split}.jsonl")]
        } else {
            [format!("{config}.jsonl"), format!("{config}/{split}.jsonl")]
        };
        names.iter().map(|name| self.path.join(name)).find(|file| file.is_file())
    }

    /// The configs that have data here.
    fn available(&self) -> Vec<String> {
        let has_data = |config: &&&str| {
            self.json_lines(config).is_some()
                || self.parquet_files(config).is_ok_and(|files| !files.is_empty())
        };
        self.configs.iter().filter(has_data).map(|&config| config.to_owned()).collect()
    }

    /// The Parquet files of a config in the order of their names; none where it has no folder.
    fn parquet_files(&self, config: &str) -> Result<Vec<PathBuf>, ReadError> {
        let folder = self.path.join(if config == DEFAULT_CONFIG { "data" } else { config });
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let prefix = format!("{}-", self.split);
        let names = names_in(&folder, |name| name.starts_with(&prefix) && name.ends_with(".parquet"))?;
        check_count(&folder, self.split, &names)?;
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }
}

impl ConfigFiles {
    /// Parquet files, or one file of JSON Lines, by their names.
    pub(super) fn of_paths(files: Vec<PathBuf>) -> Result<Self, String> {
        let is =
            |extension: &str| files.iter().all(|file| file.extension().is_some_and(|is| is == extension));
        match files.as_slice() {
            _ if is("parquet") => Ok(Self::Parquet(files)),
            [file] if is("jsonl") => Ok(Self::JsonLines(file.clone())),
            _ => {
                let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                Err(format!("expected .parquet files or one .jsonl file, found {}", names.join(", ")))
            }
        }
    }
}

/// The names in `folder` that are `wanted`, in order; none where there is no such folder.
fn names_in(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, ReadError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        if let Ok(name) = entry.map_err(io)?.file_name().into_string()
            && wanted(&name)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether all files are there, as their names say how many there are.
fn check_count(folder: &Path, split: &str, names: &[String]) -> Result<(), ReadError> {
    match names.first().and_then(|name| file_count(name)) {
        Some(expected) if expected != names.len() => {
            let (folder, split) = (folder.to_owned(), split.to_owned());
            Err(ReadError::MissingFiles { folder, split, expected, found: names.len() })
        }
        _ => Ok(()),
    }
}

/// The number of files that `test-00000-of-00003.parquet` is one of: 3.
fn file_count(name: &str) -> Option<usize> {
    name.strip_suffix(".parquet")?.rsplit_once("-of-")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::file_count;

    #[test]
    fn file_names_say_how_many_there_are() {
        for (name, count) in [
            ("test-00000-of-00003.parquet", Some(3)),
            ("test-0.parquet", None),
            ("test-a-of-b.parquet", None),
        ] {
            assert_eq!(file_count(name), count, "{name}");
        }
    }
}
