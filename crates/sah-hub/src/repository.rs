//! A repository of the hub, and the files in it.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};

use hf_hub::{Repo, RepoType};

use crate::address;
use crate::cache::{CachedFile, Folder, broken, is_commit_name, is_full_commit, is_inside};
use crate::checksum::{Etag, Mismatch};
use crate::http::Client;
use crate::metadata::{Metadata, first};
use crate::transfer::{self, Content};
use crate::{Error, HubError, HubProblem, Progress, Settings};

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoKind {
    /// A model.
    Model,
    /// A data set.
    Dataset,
}

/// A repository at one revision: a branch, a tag or a commit.
///
/// The first file that is fetched decides the commit; all others come from the same one.
#[derive(Debug)]
pub struct Repository {
    settings: Settings,
    client: Client,
    repo: Repo,
    kind: RepoKind,
    name: String,
    revision: String,
    folder: Folder,
    commit: OnceCell<String>,
    /// Why no more requests are made: the first one failed, and the cache stands in.
    out_of_reach: OnceCell<HubProblem>,
    answered: Cell<bool>,
}

impl Repository {
    /// The repository `name` (`org/name`) of the hub that the environment describes. `revision` is `main` where it is
    /// `None`. Makes no request yet.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] where a variable has an impossible value, [`Error::Hub`] for names that no repository
    /// or revision can have.
    pub fn open(kind: RepoKind, name: &str, revision: Option<&str>) -> Result<Self, Error> {
        Self::with_settings(Settings::from_env()?, kind, name, revision)
    }

    /// The repository `name` (`org/name`) of the hub that `settings` describe. `revision` is `main` where it is `None`.
    /// Makes no request yet.
    ///
    /// # Errors
    ///
    /// [`Error::Hub`] for names that no repository or revision can have.
    pub fn with_settings(
        settings: Settings,
        kind: RepoKind,
        name: &str,
        revision: Option<&str>,
    ) -> Result<Self, Error> {
        let revision = revision.unwrap_or("main");
        let repo_type = match kind {
            RepoKind::Model => RepoType::Model,
            RepoKind::Dataset => RepoType::Dataset,
        };
        let repo = Repo::with_revision(name.to_owned(), repo_type, revision.to_owned());
        let this = Self {
            client: Client::new(&settings),
            folder: Folder::new(&settings.cache, repo.clone()),
            repo,
            kind,
            name: name.to_owned(),
            revision: revision.to_owned(),
            commit: OnceCell::new(),
            out_of_reach: OnceCell::new(),
            answered: Cell::new(false),
            settings,
        };
        let bad = |name: &str, what| Err(this.error("", HubProblem::BadName { name: name.into(), what }));
        if !is_inside(name) || name.split('/').count() > 2 {
            return bad(name, "name of a repository");
        }
        if !is_inside(revision) {
            return bad(revision, "revision");
        }
        if is_full_commit(revision) {
            let _ = this.commit.set(revision.to_owned());
        }
        Ok(this)
    }

    /// The commit that the files come from. `None` before the first one was found, unless the revision is a commit.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.commit.get().map(String::as_str)
    }

    /// The local path of the file `path`, fetched if it is not in the cache.
    ///
    /// # Errors
    ///
    /// [`Error::Hub`] where the hub cannot be reached, refuses, or has no such repository or file.
    pub fn fetch(&self, path: &str, progress: &mut dyn Progress) -> Result<PathBuf, Error> {
        self.find(path, progress).map_err(|problem| self.error(path, problem))
    }

    /// As [`Repository::fetch`]; `None` where the repository has no such file, or where only the cache can be used
    /// (`HF_HUB_OFFLINE`, or a hub out of reach) and does not have it.
    ///
    /// # Errors
    ///
    /// As [`Repository::fetch`], except for a missing file.
    pub fn fetch_optional(&self, path: &str, progress: &mut dyn Progress) -> Result<Option<PathBuf>, Error> {
        optional(self.fetch(path, progress), self.out_of_reach.get())
    }

    /// How many bytes the file `path` has, without fetching it. `None` as in [`Repository::fetch_optional`].
    ///
    /// # Errors
    ///
    /// As [`Repository::fetch_optional`].
    pub fn size(&self, path: &str) -> Result<Option<u64>, Error> {
        let size = self.locate(path).and_then(|location| match location {
            Location::Cached(path) => {
                std::fs::metadata(&path).map(|file| file.len()).map_err(|error| broken(&path, &error))
            }
            Location::Remote(metadata) => Ok(metadata.size),
        });
        optional(size.map_err(|problem| self.error(path, problem)), self.out_of_reach.get())
    }

    fn find(&self, path: &str, progress: &mut dyn Progress) -> Result<PathBuf, HubProblem> {
        match self.locate(path)? {
            Location::Cached(path) => Ok(path),
            Location::Remote(metadata) => self.download(path, &metadata, progress),
        }
    }

    /// Where the file is. Fixes the commit.
    fn locate(&self, path: &str) -> Result<Location, HubProblem> {
        if !is_inside(path) {
            return Err(HubProblem::BadName { name: path.into(), what: "path in a repository" });
        }
        let pinned = self.commit();
        let known = pinned.map(str::to_owned).or_else(|| self.folder.known_commit());
        let cached = known.as_deref().map_or(CachedFile::Unknown, |commit| self.folder.look_up(commit, path));
        let cache_only = self.settings.offline || self.out_of_reach.get().is_some();
        if cache_only || (pinned.is_some() && cached != CachedFile::Unknown) {
            return self.cached_only(known, cached);
        }
        match self.ask(path, pinned.unwrap_or(&self.revision)) {
            Ok(metadata) => {
                self.folder.remember_commit(&metadata.commit)?;
                let _ = self.commit.set(metadata.commit.clone());
                Ok(match self.folder.look_up(&metadata.commit, path) {
                    CachedFile::Here(path) => Location::Cached(path),
                    _ => Location::Remote(metadata),
                })
            }
            Err(problem) if self.answered.get() => Err(problem),
            Err(problem) => match known {
                Some(commit) if self.folder.has(&commit) => {
                    let (repo, revision) = (&self.name, &self.revision);
                    tracing::warn!(repo, revision, commit, "{problem}; what the cache has is used");
                    let _ = self.out_of_reach.set(problem);
                    self.cached_only(Some(commit), cached)
                }
                _ => Err(problem),
            },
        }
    }

    fn cached_only(&self, commit: Option<String>, state: CachedFile) -> Result<Location, HubProblem> {
        if let Some(commit) = commit {
            let _ = self.commit.set(commit);
        }
        match state {
            CachedFile::Here(path) => Ok(Location::Cached(path)),
            CachedFile::KnownMissing => Err(HubProblem::NoSuchFile),
            CachedFile::Unknown => Err(self.out_of_reach.get().cloned().unwrap_or(HubProblem::NotCached)),
        }
    }

    /// What the hub says about the file, its content aside.
    fn ask(&self, path: &str, revision: &str) -> Result<Metadata, HubProblem> {
        let url = address::of_file(&self.settings.endpoint, &self.repo, revision, path);
        let steps = self.client.head(&url, |steps| Metadata::of(steps).is_ok())?;
        let last = steps.last().ok_or_else(|| HubProblem::NotAHub { what: "no answer".into() })?;
        if last.status().is_success() || last.status().is_redirection() {
            let metadata = Metadata::of(&steps)?;
            self.answered.set(true);
            return Ok(metadata);
        }
        let problem = self.client.refusal(last);
        // These are about the file, not about who asks or how the hub is.
        self.answered.set(
            self.answered.get() || matches!(problem, HubProblem::NoSuchFile | HubProblem::NoSuchRevision),
        );
        if problem == HubProblem::NoSuchFile
            && let Some(commit) = first(&steps, "x-repo-commit").filter(|commit| is_commit_name(commit))
        {
            self.folder.remember_missing(commit, path);
            self.folder.remember_commit(commit)?;
            let _ = self.commit.set(commit.to_owned());
        }
        Err(problem)
    }

    fn download(
        &self,
        path: &str,
        metadata: &Metadata,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, HubProblem> {
        let Metadata { commit, etag, size } = metadata;
        let blob = self.folder.blob(etag);
        let _lock = self.folder.lock(etag)?;
        // Another file, commit or process may have downloaded it.
        if !blob.is_file() {
            let incomplete = self.folder.incomplete(etag)?;
            let url = address::of_file(&self.settings.endpoint, &self.repo, commit, path);
            let content = Content { url: &url, name: path, size: *size };
            let resumed = std::fs::metadata(&incomplete).is_ok_and(|file| file.len() > 0);
            transfer::download(&self.client, &content, &incomplete, progress)?;
            let mut checked = check(etag, &incomplete)?;
            if resumed && checked.is_err() {
                // What was there before may be at fault.
                transfer::download(&self.client, &content, &incomplete, progress)?;
                checked = check(etag, &incomplete)?;
            }
            checked?;
            std::fs::rename(&incomplete, &blob).map_err(|error| broken(&blob, &error))?;
            progress.finish();
        }
        self.folder.link(commit, path, etag)
    }

    fn error(&self, file: &str, problem: HubProblem) -> Error {
        Error::Hub(Box::new(HubError {
            endpoint: self.settings.endpoint.clone(),
            kind: self.kind,
            repo: self.name.clone(),
            revision: self.commit().unwrap_or(&self.revision).to_owned(),
            file: file.into(),
            problem,
        }))
    }
}

/// `None` for a file that is not there, or not known to be.
fn optional<T>(result: Result<T, Error>, out_of_reach: Option<&HubProblem>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Hub(error))
            if matches!(error.problem, HubProblem::NoSuchFile | HubProblem::NotCached)
                || Some(&error.problem) == out_of_reach =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Where a file of a known commit is.
#[derive(Debug)]
enum Location {
    Cached(PathBuf),
    Remote(Metadata),
}

/// Whether the content is what its tag says. Where it is not, the file is removed, so that the next try begins anew.
fn check(etag: &Etag, incomplete: &Path) -> Result<Result<(), HubProblem>, HubProblem> {
    let io = |error: std::io::Error| broken(incomplete, &error);
    let Err(Mismatch { algorithm, found }) = etag.check(incomplete).map_err(io)? else { return Ok(Ok(())) };
    std::fs::remove_file(incomplete).map_err(io)?;
    Ok(Err(HubProblem::Checksum { algorithm, expected: etag.as_str().into(), found }))
}
