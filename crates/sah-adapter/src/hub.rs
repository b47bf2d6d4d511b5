//! Files of a Hugging Face style hub, through its local cache.

use std::path::PathBuf;

use crate::Error;

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoKind {
    /// A model.
    Model,
    /// A data set.
    Dataset,
}

/// The local path of a file of a hub repository, downloaded if it is not in the cache.
pub fn fetch(kind: RepoKind, repo: &str, revision: Option<&str>, path: &str) -> Result<PathBuf, Error> {
    let _ = (kind, repo, revision, path);
    Err(Error::Other("hub::fetch is being written".into()))
}

/// As [`fetch`]; `None` where the repository has no such file.
pub fn fetch_optional(
    kind: RepoKind,
    repo: &str,
    revision: Option<&str>,
    path: &str,
) -> Result<Option<PathBuf>, Error> {
    fetch(kind, repo, revision, path).map(Some)
}
