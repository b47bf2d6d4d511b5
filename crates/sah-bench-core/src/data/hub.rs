//! Files of a data set on the hub.

use std::path::PathBuf;

use sah_hub::{RepoKind, Repository};

use super::folder::DEFAULT_CONFIG;
use super::{ConfigFiles, ReadError, card, read_text};

/// Into how many files a split may be cut.
const MOST_FILES: usize = 64;

/// The local paths of the files `paths` of the data set `name` (`org/name`), from the hub's cache or fetched into it.
///
/// They are fetched one after the other, so that a hub out of reach is tried once.
///
/// # Errors
///
/// [`ReadError::Hub`] where the hub cannot be reached, refuses, or has no such data set or file.
pub fn fetch(name: &str, paths: impl IntoIterator<Item = String>) -> Result<Vec<PathBuf>, ReadError> {
    let repository = Repository::open(RepoKind::Dataset, name, None)?;
    paths.into_iter().map(|path| Ok(repository.fetch(&path, &mut ())?)).collect()
}

/// The `split` of some configs of the data set `name` (`org/name`), from the hub's cache or fetched into it.
///
/// Which files these are the data set's card says, where it has a block `configs:`. Otherwise they are
/// `<config>/<split>-00000-of-0000N.parquet`, for however many, and those of [`DEFAULT_CONFIG`] are in `data`.
///
/// # Errors
///
/// As [`fetch`], and [`ReadError::Card`] where the card has no such config or split.
pub fn fetch_configs(name: &str, configs: &[&str], split: &str) -> Result<Vec<ConfigFiles>, ReadError> {
    let repository = Repository::open(RepoKind::Dataset, name, None)?;
    let card = repository.fetch_optional(card::CARD, &mut ())?;
    let card = card.map(|file| Ok::<_, ReadError>((read_text(&file)?, file))).transpose()?;
    let files_of = |config: &&str| {
        let paths = match &card {
            Some((text, file)) => card::data_files(text, file, config, split)?,
            None => None,
        };
        let folder = if *config == DEFAULT_CONFIG { "data" } else { config };
        let mut files = Vec::new();
        for path in paths.unwrap_or_else(|| vec![format!("{folder}/{split}-*")]) {
            match path.split_once("-*") {
                Some((start, end)) => files.append(&mut numbered(&repository, start, end)?),
                None => files.push(repository.fetch(&path, &mut ())?),
            }
        }
        let file = card.as_ref().map_or_else(|| PathBuf::from(name), |(_, file)| file.clone());
        ConfigFiles::of_paths(files).map_err(|problem| ReadError::Card { file, problem })
    };
    configs.iter().map(files_of).collect()
}

/// The files `<start>-00000-of-0000N.parquet`, for the N that there is.
fn numbered(repository: &Repository, start: &str, end: &str) -> Result<Vec<PathBuf>, ReadError> {
    let end = if end.is_empty() { ".parquet" } else { end };
    let path = |index: usize, count: usize| format!("{start}-{index:05}-of-{count:05}{end}");
    for count in 1..=MOST_FILES {
        let Some(first) = repository.fetch_optional(&path(0, count), &mut ())? else { continue };
        let rest = (1..count).map(|index| Ok(repository.fetch(&path(index, count), &mut ())?));
        return std::iter::once(Ok(first)).chain(rest).collect();
    }
    // Its error says what is missing, and where it was looked for.
    Ok(vec![repository.fetch(&path(0, 1), &mut ())?])
}
