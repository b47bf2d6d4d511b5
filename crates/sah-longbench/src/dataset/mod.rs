//! Samples from the bundled sample, a folder or the hub.

mod directory;
pub(crate) mod jsonl;
mod parquet;
mod prompts;
mod row;

use std::path::Path;

use rayon::prelude::*;
use sah_bench_core::Sample;
use sah_hub::{RepoKind, Repository};

use crate::{DataSource, Error, HUB_ID, Task, sample};
use directory::Directory;

/// All rows of `subsets`, in that order. Every sample's task is the config it came from.
pub(crate) fn load(source: &DataSource, subsets: &[&str]) -> Result<Vec<Sample>, Error> {
    let tasks: Vec<&'static Task> = subsets.iter().filter_map(|&name| Task::find(name)).collect();
    let load = |load: &(dyn Fn(&'static Task) -> Result<Vec<Sample>, Error> + Sync)| {
        let configs: Vec<_> = tasks.par_iter().map(|&task| load(task)).collect::<Result<_, _>>()?;
        Ok(configs.into_iter().flatten().collect())
    };
    match source {
        DataSource::Sample => load(&from_sample),
        DataSource::Directory { path, prompts } => {
            let directory = Directory::open(path, prompts.as_deref())?;
            load(&|task| directory.load(task))
        }
        DataSource::Hub => {
            let repository = Repository::open(RepoKind::Dataset, HUB_ID, None)?;
            // One after the other, so that a hub out of reach is asked once.
            let files = tasks.iter().map(|task| {
                let path = format!("{}/test-00000-of-00001.parquet", task.name);
                Ok(repository.fetch(&path, &mut ())?)
            });
            let files: Vec<_> = files.collect::<Result<_, Error>>()?;
            let configs: Vec<_> = tasks
                .par_iter()
                .zip(&files)
                .map(|(task, file)| parquet::read(file, task))
                .collect::<Result<_, Error>>()?;
            Ok(configs.into_iter().flatten().collect())
        }
    }
}

fn from_sample(task: &'static Task) -> Result<Vec<Sample>, Error> {
    let text = sample::jsonl(task.name).ok_or(Error::NotInSample { config: task.name })?;
    let file = format!("bundled sample {}.jsonl", task.name);
    row::samples(text, Path::new(&file), task, None)
}
