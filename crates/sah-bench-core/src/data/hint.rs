//! What is in the place of the data that is missing: it was not unpacked, or lies a folder deeper.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Where data may be that is not where it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A compressed file.
    Unpack {
        /// Its path.
        file: PathBuf,
        /// `gzip`, `zip`, ...
        format: &'static str,
    },
    /// The data of another folder.
    Deeper {
        /// The folder to give instead.
        folder: PathBuf,
    },
}

impl Hint {
    /// For files of the names `names`, such as `qasper.jsonl`, that are not in `folder`.
    #[must_use]
    pub fn of(folder: &Path, names: &[String]) -> Option<Self> {
        let has_any = |folder: &Path| names.iter().any(|name| folder.join(name).exists());
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort();
        let packed = |path: &PathBuf| {
            let format = compression(path)?;
            let name = path.file_name()?.to_str()?;
            let is_of_data = names.iter().any(|wanted| name.starts_with(wanted.as_str()));
            // An archive of the whole: nothing else is there.
            (path.is_file() && (is_of_data || format == "zip" || name.contains(".tar")))
                .then(|| Self::Unpack { file: path.clone(), format })
        };
        let below = |path: &PathBuf| path.is_dir().then(|| deeper(path, &has_any)).flatten();
        let deeper = entries.iter().find_map(below).map(|folder| Self::Deeper { folder });
        deeper.or_else(|| entries.iter().find_map(packed))
    }
}

/// `folder`, or a folder in it, that has the data.
fn deeper(folder: &Path, has_any: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    if has_any(folder) {
        return Some(folder.to_owned());
    }
    let mut inner: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    inner.sort();
    inner.into_iter().find(|path| path.is_dir() && has_any(path))
}

/// How a file is compressed, by its name.
pub(super) fn compression(file: &Path) -> Option<&'static str> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "gz" | "tgz" => Some("gzip"),
        "zst" => Some("zstd"),
        "zip" => Some("zip"),
        "bz2" => Some("bzip2"),
        "xz" => Some("xz"),
        _ => None,
    }
}

/// As the end of a sentence.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpack { file, format } => {
                write!(f, "there is {} ({format}): unpack it first", file.display())
            }
            Self::Deeper { folder } => write!(f, "the data is in {}: give that folder", folder.display()),
        }
    }
}
