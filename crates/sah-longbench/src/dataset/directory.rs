//! A folder of LongBench data.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sah_bench_core::Sample;

use super::{jsonl, parquet, prompts::Prompts, row};
use crate::{Error, TASKS, Task};

/// A folder with `<config>/test-*.parquet`, as on the hub, or `<config>.jsonl`, as the LongBench authors publish it.
/// Where a config has both, the parquet files count.
pub(super) struct Directory {
    path: PathBuf,
    prompts: Option<Prompts>,
}

impl Directory {
    pub(super) fn open(path: &Path, prompts: Option<&Path>) -> Result<Self, Error> {
        if !path.is_dir() {
            let expected = "<config>/test-*.parquet or <config>.jsonl";
            return Err(Error::NoFolder { folder: path.to_owned(), expected });
        }
        Ok(Self { path: path.to_owned(), prompts: prompts.map(Prompts::open).transpose()? })
    }

    /// All rows of a config.
    pub(super) fn load(&self, task: &'static Task) -> Result<Vec<Sample>, Error> {
        let shards = shards(&self.path.join(task.name))?;
        if !shards.is_empty() {
            let mut samples = Vec::new();
            for shard in &shards {
                samples.append(&mut parquet::read(shard, task)?);
            }
            return Ok(samples);
        }
        let file = self.path.join(format!("{}.jsonl", task.name));
        if !file.is_file() {
            return Err(Error::NoConfig {
                folder: self.path.clone(),
                config: task.name,
                available: self.available(),
            });
        }
        let text = jsonl::read(&file)?;
        let samples = row::samples(&text, &file, task, self.prompts.as_ref())?;
        if samples.is_empty() { Err(Error::NoRows { file }) } else { Ok(samples) }
    }

    fn available(&self) -> Vec<String> {
        let has_data = |task: &&Task| {
            self.path.join(format!("{}.jsonl", task.name)).is_file()
                || shards(&self.path.join(task.name)).is_ok_and(|shards| !shards.is_empty())
        };
        TASKS.iter().filter(has_data).map(|task| task.name.to_owned()).collect()
    }
}

/// The files `test-*.parquet` of a config's folder in the order of their names; none where there is no such folder.
fn shards(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let io = |source| Error::Io { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        if let Ok(name) = entry.map_err(io)?.file_name().into_string()
            && name.starts_with("test-")
            && name.ends_with(".parquet")
        {
            names.push(name);
        }
    }
    names.sort();
    if let Some(expected) = names.first().and_then(|name| shard_count(name))
        && expected != names.len()
    {
        return Err(Error::MissingShards { folder: folder.to_owned(), expected, found: names.len() });
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The number of files that `test-00000-of-00003.parquet` is one of: 3.
fn shard_count(name: &str) -> Option<usize> {
    name.strip_suffix(".parquet")?.rsplit_once("-of-")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::shard_count;

    #[test]
    fn file_names_say_how_many_there_are() {
        for (name, count) in [
            ("test-00000-of-00003.parquet", Some(3)),
            ("test-0.parquet", None),
            ("test-a-of-b.parquet", None),
        ] {
            assert_eq!(shard_count(name), count, "{name}");
        }
    }
}
