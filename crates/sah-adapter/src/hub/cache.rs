//! The cache's layout, as far as `hf-hub` does not know it.

use std::path::{Path, PathBuf};

use hf_hub::Repo;

/// A repository's folder in the cache, seen at one revision.
pub(super) struct Repository<'a> {
    folder: PathBuf,
    revision: &'a str,
}

/// What the cache knows about a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Here(PathBuf),
    /// The hub has said that the repository does not have it.
    KnownMissing,
    Unknown,
}

impl<'a> Repository<'a> {
    pub(super) fn new(cache: &Path, repo: &Repo, revision: &'a str) -> Self {
        Self { folder: cache.join(repo.folder_name()), revision }
    }

    pub(super) fn look_up(&self, path: &str) -> State {
        // A branch or tag is a file that holds its commit; a commit stands for itself.
        let named = std::fs::read_to_string(self.folder.join("refs").join(self.revision));
        let commit = named.as_deref().map_or(self.revision, str::trim);
        let file = self.folder.join("snapshots").join(commit).join(path);
        if file.is_file() {
            State::Here(file)
        } else if self.missing(commit, path).is_file() {
            State::KnownMissing
        } else {
            State::Unknown
        }
    }

    /// Notes that `commit` has no file `path`, so that the next run need not ask. Python does the same. If it cannot
    /// be written, the next run asks again.
    pub(super) fn remember_missing(&self, commit: &str, path: &str) {
        let note = self.missing(commit, path);
        if let Some(folder) = note.parent() {
            let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&note, ""));
        }
    }

    fn missing(&self, commit: &str, path: &str) -> PathBuf {
        self.folder.join(".no_exist").join(commit).join(path)
    }
}
