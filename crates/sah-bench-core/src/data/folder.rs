//! A folder of data files, laid out as on the hub or with a file of JSON Lines for each config.

use std::fs;
use std::path::{Path, PathBuf};

use super::ReadError;
use super::hint::Hint;

/// A folder with `<config>/<split>-*.parquet`, as on the hub, or `<config>.jsonl`. Where a config has both, the Parquet files
/// count.
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
        let parquet = self.parquet_files(config)?;
        if !parquet.is_empty() {
            return Ok(ConfigFiles::Parquet(parquet));
        }
        let file = self.json_lines(config);
        if file.is_file() {
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

    fn json_lines(&self, config: &str) -> PathBuf {
        self.path.join(format!("{config}.jsonl"))
    }

    /// The configs that have data here.
    fn available(&self) -> Vec<String> {
        let has_data = |config: &&&str| {
            self.json_lines(config).is_file()
                || self.parquet_files(config).is_ok_and(|files| !files.is_empty())
        };
        self.configs.iter().filter(has_data).map(|&config| config.to_owned()).collect()
    }

    /// The Parquet files of a config in the order of their names; none where it has no folder.
    fn parquet_files(&self, config: &str) -> Result<Vec<PathBuf>, ReadError> {
        let folder = self.path.join(config);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let io = |source| ReadError::Io { path: folder.clone(), source };
        let prefix = format!("{}-", self.split);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io)? {
            if let Ok(name) = entry.map_err(io)?.file_name().into_string()
                && name.starts_with(&prefix)
                && name.ends_with(".parquet")
            {
                names.push(name);
            }
        }
        names.sort();
        if let Some(expected) = names.first().and_then(|name| file_count(name))
            && expected != names.len()
        {
            let split = self.split.to_owned();
            return Err(ReadError::MissingFiles { folder, split, expected, found: names.len() });
        }
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
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
