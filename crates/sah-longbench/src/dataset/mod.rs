//! Samples from the bundled sample, a folder or the hub.

mod row;

use std::path::Path;

use rayon::prelude::*;
use sah_bench_core::Sample;
use sah_bench_core::data::{ConfigFiles, DataFolder, ReadError, TemplateFile, fetch, read_text};

use crate::{DataSource, Error, HUB_ID, SUBSETS, Task, sample};

/// All rows of `subsets`, in that order. Every sample's task is the config it came from.
pub(crate) fn load(source: &DataSource, subsets: &[&str]) -> Result<Vec<Sample>, Error> {
    let tasks: Vec<&'static Task> = subsets.iter().filter_map(|&name| Task::find(name)).collect();
    let configs: Vec<Vec<Sample>> = match source {
        DataSource::Sample => tasks.par_iter().map(|&task| from_sample(task)).collect::<Result<_, _>>()?,
        DataSource::Directory { path, prompts } => {
            let folder = DataFolder::open(path, &SUBSETS, "test")?;
            let prompts = prompts.as_deref().map(TemplateFile::open).transpose()?;
            let load = |&task| from_folder(&folder, task, prompts.as_ref());
            let loaded = tasks.par_iter().map(load).collect::<Result<_, _>>()?;
            match prompts {
                Some(prompts) => prompts.check_used().map(|()| loaded)?,
                None => loaded,
            }
        }
        DataSource::Hub => {
            let path = |task: &&Task| format!("{}/test-00000-of-00001.parquet", task.name);
            let files = fetch(HUB_ID, tasks.iter().map(path))?;
            let read = |(&task, file): (&&'static Task, &std::path::PathBuf)| row::from_parquet(file, task);
            tasks.par_iter().zip(&files).map(read).collect::<Result<_, _>>()?
        }
    };
    Ok(configs.into_iter().flatten().collect())
}

fn from_sample(task: &'static Task) -> Result<Vec<Sample>, Error> {
    let text = sample::jsonl(task.name).ok_or(Error::NotInSample { config: task.name })?;
    let file = format!("bundled sample {}.jsonl", task.name);
    row::from_json_lines(text, Path::new(&file), task, None)
}

fn from_folder(
    folder: &DataFolder<'_>,
    task: &'static Task,
    prompts: Option<&TemplateFile>,
) -> Result<Vec<Sample>, Error> {
    match folder.files(task.name)? {
        ConfigFiles::Parquet(files) => {
            let mut samples = Vec::new();
            for file in &files {
                samples.append(&mut row::from_parquet(file, task)?);
            }
            Ok(samples)
        }
        ConfigFiles::JsonLines(file) => {
            let samples = row::from_json_lines(&read_text(&file)?, &file, task, prompts)?;
            if samples.is_empty() { Err(ReadError::NoRows { file }.into()) } else { Ok(samples) }
        }
    }
}
