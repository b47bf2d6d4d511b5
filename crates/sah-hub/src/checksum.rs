//! The tag that the hub gives a file's content, and whether a file has it.
//!
//! A large file's tag is the SHA-256 of its content (Git LFS, <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
//! A small file's tag is the name that git gives a blob: the SHA-1 of `blob `, its length in decimal, a zero byte
//! and its content (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>).

use std::io;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::digest;

/// A tag that can name a file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Etag(String);

/// What a tag says about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    GitBlob,
}

/// A file's content is not what its tag says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) algorithm: &'static str,
    pub(crate) found: String,
}

impl Etag {
    /// From the value of a header: quoted, perhaps marked as weak. `None` for what cannot be the name of a file.
    pub(crate) fn from_header(value: &str) -> Option<Self> {
        let value = value.trim();
        let value = value.strip_prefix("W/").unwrap_or(value).trim_matches('"');
        let is_name = !value.is_empty()
            && value.len() <= 200
            && !value.starts_with('.')
            && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        is_name.then(|| Self(value.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn algorithm(&self) -> Option<Algorithm> {
        let is_hex = self.0.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        match self.0.len() {
            64 if is_hex => Some(Algorithm::Sha256),
            40 if is_hex => Some(Algorithm::GitBlob),
            _ => None,
        }
    }

    /// Whether the file at `path` has this tag. A tag that is no hash, as a mirror may give, says nothing.
    pub(crate) fn check(&self, path: &Path) -> io::Result<Result<(), Mismatch>> {
        let Some(algorithm) = self.algorithm() else {
            tracing::debug!(etag = self.0, "the tag is no hash: the content cannot be checked");
            return Ok(Ok(()));
        };
        let (name, found) = match algorithm {
            Algorithm::Sha256 => ("sha256", digest::of_file(Sha256::new(), path)?),
            Algorithm::GitBlob => {
                let head = format!("blob {}\0", std::fs::metadata(path)?.len());
                ("git blob sha1", digest::of_file(Sha1::new_with_prefix(head), path)?)
            }
        };
        Ok(if found == self.0 { Ok(()) } else { Err(Mismatch { algorithm: name, found }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(value: &str) -> Etag {
        Etag::from_header(value).unwrap()
    }

    /// From `sha256sum` and `git hash-object` on the five bytes `hello`.
    const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const GIT_BLOB: &str = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";

    #[test]
    fn content_is_checked_against_either_kind_of_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "hello").unwrap();
        for right in [SHA256, GIT_BLOB, "etag-of-a-mirror", "5d41402abc4b2a76b9719d911017c592-2"] {
            assert_eq!(etag(right).check(&path).unwrap(), Ok(()), "{right}");
        }
        std::fs::write(&path, "hellO").unwrap();
        let wrong = etag(SHA256).check(&path).unwrap().unwrap_err();
        assert_eq!((wrong.algorithm, wrong.found.len()), ("sha256", 64));
        let wrong = etag(GIT_BLOB).check(&path).unwrap().unwrap_err();
        assert_eq!((wrong.algorithm, wrong.found.len()), ("git blob sha1", 40));
    }

    #[test]
    fn a_tag_is_taken_out_of_its_quotes_and_never_leads_out_of_the_cache() {
        assert_eq!(etag("\"abc\"").as_str(), "abc");
        assert_eq!(etag("W/\"abc\"").as_str(), "abc");
        for bad in ["", "\"\"", "../x", "a/b", "..", ".lock", "a b", &"a".repeat(201)] {
            assert_eq!(Etag::from_header(bad), None, "{bad}");
        }
    }
}
