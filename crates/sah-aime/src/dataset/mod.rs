//! Samples from the bundled sample, a folder or the hub.

mod copy;
mod original;

use std::path::Path;

use sah_bench_core::Sample;
use sah_bench_core::data::{ConfigFiles, DEFAULT_CONFIG, DataFolder, DataSource, ReadError};

use crate::{Edition, Error, sample};

const SPLIT: &str = "test";

/// All rows of an edition.
pub(crate) fn load(source: &DataSource, edition: Edition) -> Result<Vec<Sample>, Error> {
    let configs = [edition.name()];
    match source {
        DataSource::Own => copy::from_text(sample::JSONL, Path::new(sample::NAME), edition),
        DataSource::Hub => {
            let files = source.files(edition.hub_id(), &configs, &configs, SPLIT)?.unwrap_or_default();
            let rows = files.iter().map(|files| copy::from_files(files, edition));
            Ok(rows.collect::<Result<Vec<_>, _>>()?.concat())
        }
        DataSource::Folder(folder) => match copy_in(folder, edition)? {
            Some(files) => copy::from_files(&files, edition),
            None => original::load(folder, edition),
        },
    }
}

/// The files of a copy that is cut into prompts, if the folder has one: the reference's, or kvpress's, which has no config.
fn copy_in(folder: &Path, edition: Edition) -> Result<Option<ConfigFiles>, Error> {
    let configs = [edition.name(), DEFAULT_CONFIG];
    let data = DataFolder::open(folder, &configs, SPLIT)?;
    for config in configs {
        match data.files(config) {
            Ok(files) => {
                if copy::is_copy(&files)? {
                    return Ok(Some(files));
                }
            }
            // An original data set has neither, whatever its card says.
            Err(ReadError::NoConfig { .. } | ReadError::Card { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
