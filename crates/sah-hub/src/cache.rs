//! The cache's layout, which Python's `huggingface_hub` shares.
//!
//! ```text
//! models--org--name/
//!   blobs/TAG                     content, under the hub's tag for it
//!   blobs/TAG.incomplete          a transfer that was cut off
//!   snapshots/COMMIT/PATH         link to a blob
//!   refs/REVISION                 a branch's or tag's commit
//!   .no_exist/COMMIT/PATH         empty: that commit has no such file
//! .locks/models--org--name/TAG.lock
//! ```
//!
//! `hf-hub` knows the first four places; the others and the order of writing are ours.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use hf_hub::{CacheRepo, Repo};

use crate::HubProblem;
use crate::checksum::Etag;

/// A repository's folder in the cache, seen at one revision.
#[derive(Debug)]
pub(crate) struct Folder {
    repo: CacheRepo,
    root: PathBuf,
    locks: PathBuf,
    revision: String,
}

/// What the cache knows about a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CachedFile {
    Here(PathBuf),
    /// The hub has said that the commit does not have it.
    KnownMissing,
    Unknown,
}

/// The right to write one blob. Dropping it gives the right back.
#[derive(Debug)]
pub(crate) struct Lock {
    /// `None` on a file system without locks.
    _file: Option<File>,
}

impl Folder {
    pub(crate) fn new(cache: &Path, repo: Repo) -> Self {
        let (name, revision) = (repo.folder_name(), repo.revision().to_owned());
        Self {
            root: cache.join(&name),
            locks: cache.join(".locks").join(name),
            revision,
            repo: hf_hub::Cache::new(cache.to_owned()).repo(repo),
        }
    }

    /// The commit that the revision was at the last request.
    pub(crate) fn known_commit(&self) -> Option<String> {
        let text = fs::read_to_string(self.root.join("refs").join(&self.revision)).ok()?;
        let commit = text.trim();
        is_commit_name(commit).then(|| commit.to_owned())
    }

    /// Notes that the revision is `commit` now.
    pub(crate) fn remember_commit(&self, commit: &str) -> Result<(), HubProblem> {
        if self.revision == commit || self.known_commit().as_deref() == Some(commit) {
            return Ok(());
        }
        let write = self.repo.create_ref(commit);
        write.map_err(|error| broken(&self.root.join("refs").join(&self.revision), &error))
    }

    /// Whether there is any file of `commit`.
    pub(crate) fn has(&self, commit: &str) -> bool {
        self.repo.pointer_path(commit).is_dir()
    }

    pub(crate) fn look_up(&self, commit: &str, path: &str) -> CachedFile {
        let file = self.repo.pointer_path(commit).join(path);
        if file.is_file() {
            CachedFile::Here(file)
        } else if self.missing(commit, path).is_file() {
            CachedFile::KnownMissing
        } else {
            CachedFile::Unknown
        }
    }

    /// Notes that `commit` has no file `path`, so that the next run need not ask. If it cannot be written, the next
    /// run asks again.
    pub(crate) fn remember_missing(&self, commit: &str, path: &str) {
        let note = self.missing(commit, path);
        if let Err(error) = create_parent(&note).and_then(|()| fs::write(&note, "")) {
            tracing::debug!(%error, path = %note.display(), "cannot be written");
        }
    }

    fn missing(&self, commit: &str, path: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit).join(path)
    }

    /// Where the content with this tag lies.
    pub(crate) fn blob(&self, etag: &Etag) -> PathBuf {
        self.repo.blob_path(etag.as_str())
    }

    /// Where the content with this tag is gathered.
    pub(crate) fn incomplete(&self, etag: &Etag) -> Result<PathBuf, HubProblem> {
        let path = self.repo.blob_path(&format!("{}.incomplete", etag.as_str()));
        create_parent(&path).map_err(|error| broken(&path, &error))?;
        Ok(path)
    }

    /// Makes the file `path` of `commit` lead to the content with this tag.
    ///
    /// The link is relative, so that a cache can be moved.
    pub(crate) fn link(&self, commit: &str, path: &str, etag: &Etag) -> Result<PathBuf, HubProblem> {
        let link = self.repo.pointer_path(commit).join(path);
        let make = || -> io::Result<()> {
            create_parent(&link)?;
            if link.is_file() {
                return Ok(());
            }
            // A link whose blob somebody has deleted.
            if link.is_symlink() {
                fs::remove_file(&link)?;
            }
            let up = "../".repeat(path.split('/').count() + 1);
            match symlink(format!("{up}blobs/{}", etag.as_str()), &link) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                // A file system without links: as Python does, a file of its own.
                Err(_) => fs::copy(self.blob(etag), &link).map(|_| ()),
                Ok(()) => Ok(()),
            }
        };
        make().map_err(|error| broken(&link, &error))?;
        Ok(link)
    }

    /// Waits until nobody else, Python included, writes the blob with this tag.
    pub(crate) fn lock(&self, etag: &Etag) -> Result<Lock, HubProblem> {
        let path = self.locks.join(format!("{}.lock", etag.as_str()));
        Lock::acquire(&path).map_err(|error| broken(&path, &error))
    }
}

impl Lock {
    fn acquire(path: &Path) -> io::Result<Self> {
        create_parent(path)?;
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            let locked = match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    tracing::warn!(lock = %path.display(), "waiting for another process that fetches the same file");
                    file.lock()
                }
                Err(TryLockError::Error(error)) => Err(error),
                Ok(()) => Ok(()),
            };
            match locked {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Self { _file: None }),
                other => other?,
            }
            // Whoever held it may have deleted the file: then somebody else may hold a new one of the same name.
            let current = fs::metadata(path).ok().map(|now| now.ino());
            if current == Some(file.metadata()?.ino()) {
                return Ok(Self { _file: Some(file) });
            }
        }
    }
}

/// Whether `text` can be a commit: the name of a folder, and what git prints.
pub(crate) fn is_commit_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Whether `text` is a full commit, which can never mean anything else.
pub(crate) fn is_full_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// Whether `path` stays where it is put: no way up, no way to the root.
pub(crate) fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// An error of the system about the cache.
pub(crate) fn broken(path: &Path, error: &io::Error) -> HubProblem {
    HubProblem::Cache { path: path.to_owned(), reason: error.to_string() }
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_told_from_those_that_do_not() {
        for good in ["config.json", "a/b/c", "refs/pr/1", "...", "a..b"] {
            assert!(is_inside(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../x", "a/../../x", ".", "a/"] {
            assert!(!is_inside(bad), "{bad}");
        }
        assert!(
            is_full_commit(&"a".repeat(40)) && !is_full_commit("abc") && !is_full_commit(&"A".repeat(40))
        );
        assert!(
            is_commit_name("0123abc")
                && !is_commit_name("")
                && !is_commit_name("..")
                && !is_commit_name("a/b")
        );
    }
}
