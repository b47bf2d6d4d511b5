//! Files of a Hugging Face style hub, through its local cache.
//!
//! The cache is the one that Python's `huggingface_hub` uses, so a file that either has fetched is found by the
//! other. What is in the cache needs no network. Environment variables as there:
//!
//! - `HF_HOME`: where cache and token lie (default `~/.cache/huggingface`); `HF_HUB_CACHE`: the cache alone.
//! - `HF_ENDPOINT`: another hub, such as a mirror.
//! - `HF_TOKEN`: the access token, instead of the file `token` in `HF_HOME`.
//! - `HF_HUB_OFFLINE`: with `1`, only the cache is used.

mod cache;
mod request;

use std::path::{Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};

use crate::{Error, HubError};
use request::{Answer, Settings};

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoKind {
    /// A model.
    Model,
    /// A data set.
    Dataset,
}

/// The local path of a file of a hub repository, downloaded if it is not in the cache.
///
/// `revision` is a branch, a tag or a commit; `None` is `main`. An interrupted download goes on where it stopped.
///
/// # Errors
///
/// [`Error::Hub`] where the hub cannot be reached, refuses, or has no such repository or file.
pub fn fetch(kind: RepoKind, repo: &str, revision: Option<&str>, path: &str) -> Result<PathBuf, Error> {
    let wanted = Wanted::new(Settings::from_env()?, kind, repo, revision, path);
    match wanted.find()? {
        Found::File(path) => Ok(path),
        Found::NoSuchFile => {
            Err(wanted.error("the repository has no such file", "check the name and the revision"))
        }
        Found::NotCached => Err(wanted.error(
            "it is not in the cache, and HF_HUB_OFFLINE is set",
            "unset HF_HUB_OFFLINE to fetch it, or give a local folder or a GGUF file",
        )),
    }
}

/// As [`fetch`]; `None` where the repository has no such file, or where `HF_HUB_OFFLINE` is set and the cache does
/// not have it.
///
/// # Errors
///
/// As [`fetch`], except for a missing file.
pub fn fetch_optional(
    kind: RepoKind,
    repo: &str,
    revision: Option<&str>,
    path: &str,
) -> Result<Option<PathBuf>, Error> {
    match Wanted::new(Settings::from_env()?, kind, repo, revision, path).find()? {
        Found::File(path) => Ok(Some(path)),
        Found::NoSuchFile | Found::NotCached => Ok(None),
    }
}

/// The commit of a path that [`fetch`] gave.
#[must_use]
pub fn commit_of(path: &Path) -> Option<&str> {
    let mut parts = path.components().map(|part| part.as_os_str().to_str());
    parts.find(|part| *part == Some("snapshots"))?;
    parts.next()?
}

/// One file that somebody wants.
struct Wanted<'a> {
    settings: Settings,
    kind: RepoKind,
    repo: &'a str,
    revision: &'a str,
    path: &'a str,
}

enum Found {
    File(PathBuf),
    NoSuchFile,
    NotCached,
}

impl<'a> Wanted<'a> {
    fn new(
        settings: Settings,
        kind: RepoKind,
        repo: &'a str,
        revision: Option<&'a str>,
        path: &'a str,
    ) -> Self {
        Self { settings, kind, repo, revision: revision.unwrap_or("main"), path }
    }

    fn find(&self) -> Result<Found, Error> {
        let repo = Repo::with_revision(self.repo.into(), self.kind.into(), self.revision.into());
        let cached = cache::Repository::new(&self.settings.cache, &repo, self.revision);
        match cached.look_up(self.path) {
            cache::State::Here(path) => return Ok(Found::File(path)),
            cache::State::KnownMissing => return Ok(Found::NoSuchFile),
            cache::State::Unknown if self.settings.offline => return Ok(Found::NotCached),
            cache::State::Unknown => {}
        }
        let api = self.api()?.repo(repo);
        match request::ask(&self.settings, &api.url(self.path)) {
            Answer::Available => {}
            Answer::NoSuchFile { commit } => {
                if let Some(commit) = commit {
                    cached.remember_missing(&commit, self.path);
                }
                return Ok(Found::NoSuchFile);
            }
            Answer::Refused { problem, remedy } => return Err(self.error(&problem, remedy)),
        }
        tracing::info!(repo = self.repo, file = self.path, "downloading");
        let path = api.download_with_progress(self.path, Log::default());
        path.map(Found::File).map_err(|error| {
            self.error(&format!("the download failed: {error}"), "run it again: it goes on where it stopped")
        })
    }

    fn api(&self) -> Result<Api, Error> {
        ApiBuilder::from_cache(Cache::new(self.settings.cache.clone()))
            .with_endpoint(self.settings.endpoint.clone())
            .with_token(self.settings.token.clone())
            .with_user_agent("sah-adapter", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| self.error(&error.to_string(), request::INSTEAD))
    }

    fn error(&self, problem: &str, remedy: &str) -> Error {
        Error::Hub(Box::new(HubError {
            endpoint: self.settings.endpoint.clone(),
            repo: self.repo.into(),
            revision: self.revision.into(),
            file: self.path.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }))
    }
}

impl From<RepoKind> for RepoType {
    fn from(kind: RepoKind) -> Self {
        match kind {
            RepoKind::Model => Self::Model,
            RepoKind::Dataset => Self::Dataset,
        }
    }
}

/// Says in the log how far a download is, at every tenth of a large file.
#[derive(Default)]
struct Log {
    file: String,
    size: usize,
    done: usize,
}

impl Progress for Log {
    fn init(&mut self, size: usize, filename: &str) {
        *self = Self { file: filename.into(), size, done: 0 };
    }

    fn update(&mut self, size: usize) {
        const LARGE: usize = 10 << 20;
        let tenths = |done: usize| done * 10 / self.size.max(1);
        let before = tenths(self.done);
        self.done += size;
        if self.size > LARGE && tenths(self.done) > before {
            let (done, size) = (self.done >> 20, self.size >> 20);
            tracing::info!(file = self.file, "downloaded {done} of {size} MiB");
        }
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests;
