//! SHA-256 of files, remembered from one start to the next: weights are large, and rarely change.
//!
//! A hash is kept in the user's cache folder (`$XDG_CACHE_HOME/sah/sha256`, else `~/.cache/sah/sha256`), a file for each. It
//! counts as long as path, size and times of the file are the same; without a cache folder every file is read again.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sah_hub::digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Smaller files are read as fast as what is remembered of them.
const SMALL: u64 = 1 << 20;

/// A file that was changed so shortly before it was read may change again within the same tick of its file system's clock.
const TOO_YOUNG: Duration = Duration::from_secs(2);

/// What a file looked like when it was hashed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    path: PathBuf,
    size: u64,
    /// When its content changed, as seconds and nanoseconds.
    modified: (i64, i64),
    /// When content, name or owner changed, which no program can set back.
    changed: (i64, i64),
}

/// What is remembered of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    state: State,
    sha256: String,
}

/// SHA-256 of all bytes of the file at `path`, in lower-case hexadecimal. That of a large file is remembered in the user's
/// cache folder (`$XDG_CACHE_HOME/sah/sha256`, else `~/.cache/sah/sha256`) until its size or its times change.
///
/// # Errors
///
/// A file that cannot be read.
pub fn of(path: &Path) -> io::Result<String> {
    let cache = user_cache(|name| std::env::var_os(name).map(PathBuf::from));
    with_cache(path, cache.as_deref())
}

/// Where hashes are kept; `None` where there is no home.
fn user_cache(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("sah/sha256"))
}

fn with_cache(path: &Path, cache: Option<&Path>) -> io::Result<String> {
    // A link of the hub's cache leads to the file that has the content.
    let path = path.canonicalize()?;
    let state = State::of(&path, &fs::metadata(&path)?);
    let entry = cache.filter(|_| state.size >= SMALL).map(|cache| cache.join(entry_name(&path)));
    if let Some(entry) = &entry
        && let Some(remembered) = read(entry).filter(|remembered| remembered.state == state)
    {
        return Ok(remembered.sha256);
    }
    let sha256 = digest::of_file(Sha256::new(), &path)?;
    if let Some(entry) = &entry
        && state.is_settled()
        && State::of(&path, &fs::metadata(&path)?) == state
        && let Err(error) = write(entry, &Entry { state, sha256: sha256.clone() })
    {
        tracing::debug!("{}: {error}; the file is hashed again at the next start", entry.display());
    }
    Ok(sha256)
}

impl State {
    fn of(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a later change would show in the times.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let latest = self.modified.0.max(self.changed.0);
        latest + (TOO_YOUNG.as_secs() as i64) < now.as_secs() as i64
    }
}

fn entry_name(path: &Path) -> String {
    format!("{}.json", digest::hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())))
}

fn read(entry: &Path) -> Option<Entry> {
    serde_json::from_reader(io::BufReader::new(File::open(entry).ok()?)).ok()
}

/// Under a name of its own first: another process may read or write the same.
fn write(path: &Path, entry: &Entry) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, serde_json::to_vec(entry)?)?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that was written an hour ago, as far as its times say.
    fn settled(path: &Path, content: &[u8]) {
        fs::write(path, content).unwrap();
        File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    }

    /// Makes `entry` say that its file has not changed for long, and another hash.
    fn forge(cache: &Path) {
        for file in fs::read_dir(cache).unwrap() {
            let path = file.unwrap().path();
            let entry = Entry { sha256: "remembered".to_owned(), ..read(&path).unwrap() };
            write(&path, &entry).unwrap();
        }
    }

    /// As if `path` had been hashed by an earlier process, long after it was written.
    fn remember(path: &Path, cache: &Path) {
        let path = path.canonicalize().unwrap();
        let state = State::of(&path, &fs::metadata(&path).unwrap());
        let entry = Entry { state, sha256: with_cache(&path, None).unwrap() };
        write(&cache.join(entry_name(&path)), &entry).unwrap();
    }

    #[test]
    fn a_large_file_is_hashed_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cache) = (folder.path().join("m"), folder.path().join("cache"));
        let mut content = vec![7; SMALL as usize];
        settled(&path, &content);
        let hash = || with_cache(&path, Some(&cache)).unwrap();
        remember(&path, &cache);
        let first = hash();
        forge(&cache);
        assert_eq!(hash(), "remembered");
        // One byte in the middle, the size and the time of the last change of the content as before.
        content[5000] = 8;
        settled(&path, &content);
        let second = hash();
        assert!(second != first && second != "remembered", "{second}");
        assert_eq!(second, digest::of_file(Sha256::new(), &path).unwrap());
    }

    #[test]
    fn a_file_that_may_still_be_written_is_not_remembered_nor_is_a_small_one() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        for (name, size) in [("young", SMALL), ("small", 3)] {
            let path = folder.path().join(name);
            fs::write(&path, vec![1; size as usize]).unwrap();
            with_cache(&path, Some(&cache)).unwrap();
            assert!(!cache.exists(), "{name}");
        }
    }

    #[test]
    fn a_cache_that_is_broken_or_cannot_be_written_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cache) = (folder.path().join("m"), folder.path().join("cache"));
        settled(&path, &vec![7; SMALL as usize]);
        remember(&path, &cache);
        for file in fs::read_dir(&cache).unwrap() {
            fs::write(file.unwrap().path(), "{").unwrap();
        }
        let expected = with_cache(&path, None).unwrap();
        assert_eq!(with_cache(&path, Some(&cache)).unwrap(), expected);
        assert_eq!(with_cache(&path, Some(&path)).unwrap(), expected);
    }

    #[test]
    fn the_cache_is_where_the_system_has_caches() {
        let cache = |xdg: Option<&str>, home: Option<&str>| {
            user_cache(|name| if name == "HOME" { home } else { xdg }.map(PathBuf::from))
        };
        assert_eq!(cache(Some("/x"), Some("/h")), Some("/x/sah/sha256".into()));
        assert_eq!(cache(Some("x"), Some("/h")), Some("/h/.cache/sah/sha256".into()));
        assert_eq!(cache(None, None), None);
    }
}
