//! Atomic writes: a file appears complete or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// How the name of a file ends that is still being written.
const TEMPORARY: &str = ".tmp";

/// Writes a file under a temporary name in the same folder, fsyncs it, renames it to `path`, and fsyncs the folder.
///
/// A reader sees the old file or the new one, never a part. Nothing is left on disk when `fill` fails.
pub(super) fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    let temporary = temporary_name(path);
    let written = write_and_rename(path, &temporary, fill);
    if written.is_err() {
        // Best effort: the error that led here is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes `bytes` to `path`: a reader sees the old file or the new one, never a part, and the disk has it when this returns.
///
/// # Errors
///
/// [`Error::Io`]; nothing is left on disk then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_atomically(path, |writer| {
        writer.write_all(bytes).map_err(|source| Error::Io { path: path.to_path_buf(), source })
    })
}

fn write_and_rename(
    path: &Path,
    temporary: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { path, source }
    };
    let opened =
        OpenOptions::new().write(true).create(true).truncate(true).open(temporary).map_err(at(temporary))?;
    let mut writer = BufWriter::with_capacity(1 << 20, opened);
    fill(&mut writer)?;
    writer.flush().map_err(at(temporary))?;
    writer.get_ref().sync_all().map_err(at(temporary))?;
    drop(writer);
    fs::rename(temporary, path).map_err(at(path))?;
    sync_folder(parent_of(path))
}

/// Makes the names in `folder` durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(not(unix)) {
        // Only Unix opens a folder as a file.
        return Ok(());
    }
    match File::open(folder).and_then(|handle| handle.sync_all()) {
        // Some network file systems cannot do it; the files themselves are synced.
        Err(error) if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::Io { path: folder.to_path_buf(), source: error })
        }
        _ => Ok(()),
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}{TEMPORARY}", std::process::id()));
    path.with_file_name(name)
}

/// Removes what processes that were killed while they wrote left in `folder`, in which nobody else writes.
pub(super) fn remove_temporaries(folder: &Path) -> Result<(), Error> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { path, source }
    };
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(TEMPORARY.as_bytes()) {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        write_atomically(&path, |writer| {
            writer.write_all(b"old").unwrap();
            Ok(())
        })
        .unwrap();
        let failed = write_atomically(&path, |writer| {
            writer.write_all(b"half of the n").unwrap();
            Err(Error::Missing { path: "why".into() })
        });
        assert!(matches!(failed, Err(Error::Missing { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["metrics.json"]);
    }

    #[test]
    fn the_file_has_its_name_only_when_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        write_atomically(&path, |writer| {
            writer.write_all(b"new").unwrap();
            assert!(!path.exists());
            Ok(())
        })
        .unwrap();
        assert_eq!(names(folder.path()), ["metrics.json"]);
    }

    #[test]
    fn a_bare_file_name_is_in_the_current_folder() {
        assert_eq!(parent_of(Path::new("a.json")), Path::new("."));
        assert_eq!(parent_of(Path::new("/r/a.json")), Path::new("/r"));
    }
}
