//! Samples from the bundled sample, a folder or the hub.

mod copy;
mod original;
pub(crate) mod prompt;
mod prompts;

use std::path::Path;

use sah_bench_core::Sample;
use sah_bench_core::data::DataSource;

use self::prompts::Prompts;
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
        Source::Hub { prompts } => from_copy(&DataSource::Hub, prompts.as_deref(), subsets),
        Source::Folder { path, prompts } => {
            let original = path.join(ORIGINAL);
            match prompts {
                Some(prompts) if original.is_file() => original::load(&original, prompts, subsets),
                None if original.is_file() => Err(Error::NoPrompts { file: original }),
                prompts => from_copy(&DataSource::Folder(path.clone()), prompts.as_deref(), subsets),
            }
        }
    }
}

/// The rows of the data set on the hub, or of a folder in its layout. With `prompts`, those with a reasoning are asked as the
/// authors do it.
fn from_copy(source: &DataSource, prompts: Option<&Path>, subsets: &[Subset]) -> Result<Vec<Sample>, Error> {
    let reasons = |subset: &Subset| *subset == Subset::ChainOfThought;
    if let Some(folder) = prompts
        && !subsets.iter().any(reasons)
    {
        return Err(Error::PromptsUnused { folder: folder.to_owned() });
    }
    let names: Vec<&str> = subsets.iter().map(|subset| subset.name()).collect();
    let files = source.files(HUB_ID, &names, &Subset::NAMES, "test")?.unwrap_or_default();
    concat(subsets.iter().zip(&files).map(|(subset, files)| {
        let prompts = prompts.filter(|_| reasons(subset)).map(|folder| Prompts::open(folder, *subset));
        copy::from_files(files, *subset, prompts.transpose()?.as_ref())
    }))
}

fn concat(subsets: impl Iterator<Item = Result<Vec<Sample>, Error>>) -> Result<Vec<Sample>, Error> {
    Ok(subsets.collect::<Result<Vec<_>, _>>()?.concat())
}
