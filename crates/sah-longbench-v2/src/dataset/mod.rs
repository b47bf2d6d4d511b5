//! Samples from the bundled sample, a folder or the hub.

mod copy;
mod original;
mod prompt;

use std::path::Path;

use sah_bench_core::Sample;
use sah_bench_core::data::DataSource;

use crate::{Error, HUB_ID, Source, Subset, sample};

/// The authors' file, in a folder.
const ORIGINAL: &str = "data.json";

/// All rows of `subsets`, in that order.
pub(crate) fn load(source: &Source, subsets: &[Subset]) -> Result<Vec<Sample>, Error> {
    match source {
        Source::Sample => {
            let rows =
                |subset: &Subset| copy::from_text(sample::jsonl(*subset), Path::new(sample::NAME), *subset);
            concat(subsets.iter().map(rows))
        }
        Source::Hub => from_copy(&DataSource::Hub, subsets),
        Source::Folder { path, prompts } => {
            let original = path.join(ORIGINAL);
            match prompts {
                Some(prompts) if original.is_file() => original::load(&original, prompts, subsets),
                Some(prompts) => Err(Error::PromptsUnused { folder: prompts.clone() }),
                None if original.is_file() => Err(Error::NoPrompts { file: original }),
                None => from_copy(&DataSource::Folder(path.clone()), subsets),
            }
        }
    }
}

/// The rows of the data set on the hub, or of a folder in its layout.
fn from_copy(source: &DataSource, subsets: &[Subset]) -> Result<Vec<Sample>, Error> {
    let names: Vec<&str> = subsets.iter().map(|subset| subset.name()).collect();
    let files = source.files(HUB_ID, &names, &Subset::NAMES, "test")?.unwrap_or_default();
    concat(subsets.iter().zip(&files).map(|(subset, files)| copy::from_files(files, *subset)))
}

fn concat(subsets: impl Iterator<Item = Result<Vec<Sample>, Error>>) -> Result<Vec<Sample>, Error> {
    Ok(subsets.collect::<Result<Vec<_>, _>>()?.concat())
}
