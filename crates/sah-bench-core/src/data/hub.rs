//! Files of a data set on the hub.

use std::path::PathBuf;

use sah_hub::{RepoKind, Repository};

use super::ReadError;

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
