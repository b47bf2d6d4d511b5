//! Atomic writes: a file appears complete or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// How the name of a file ends that is still being written.
const TEMPORARY: &str = ".tmp";

/// Lets `write` make a file under a temporary name in the same folder, fsyncs it, renames it to `path`, and fsyncs the
/// folder.
///
/// A reader sees the old file or the new one, never a part. A place that cannot be written to is found before `write`
/// begins.
///
/// # Errors
///
/// That of `write`, and [`Error::Io`]; nothing is left on disk then.
pub fn replace_file<T, E: From<Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let temporary = create_temporary(path)?;
    let written = write(&temporary).and_then(|done| {
        File::open(&temporary).and_then(|file| file.sync_all()).map_err(at(&temporary))?;
        fs::rename(&temporary, path).map_err(at(path))?;
        sync_folder(parent_of(path))?;
        Ok(done)
    });
    if written.is_err() {
        // Best effort: the error that led here is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Fails where [`replace_file`] could not begin: for files that are written after long work.
///
/// # Errors
///
/// [`Error::Io`].
pub fn check_writable(path: &Path) -> Result<(), Error> {
    let temporary = create_temporary(path)?;
    fs::remove_file(&temporary).map_err(at(&temporary))
}

/// Writes `bytes` to `path`: a reader sees the old file or the new one, never a part, and the disk has it when this returns.
///
/// # Errors
///
/// [`Error::Io`]; nothing is left on disk then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_file(path, |temporary| fs::write(temporary, bytes).map_err(at(path)))
}

/// [`replace_file`] for what is written piece by piece.
pub(super) fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    replace_file(path, |temporary| {
        let mut writer = BufWriter::with_capacity(1 << 20, File::create(temporary).map_err(at(temporary))?);
        fill(&mut writer)?;
        writer.flush().map_err(at(temporary))
    })
}

/// Makes an empty file that will become `path`. Errors name `path`, which people know.
fn create_temporary(path: &Path) -> Result<PathBuf, Error> {
    let Some(file_name) = path.file_name() else {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "is no name of a file");
        return Err(at(path)(source));
    };
    let mut name = OsString::from(".");
    name.push(file_name);
    name.push(format!(".{}{TEMPORARY}", std::process::id()));
    let temporary = path.with_file_name(name);
    File::create(&temporary).map_err(at(path))?;
    Ok(temporary)
}

/// Names the file or folder of an error of the system.
fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, source }
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
            Err(at(folder)(error))
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

/// Removes what processes that were killed while they wrote left in `folder`, in which nobody else writes.
pub(super) fn remove_temporaries(folder: &Path) -> Result<(), Error> {
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
    fn a_place_that_cannot_be_written_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("channels.json");
        fs::write(&path, "old").unwrap();
        check_writable(&path).unwrap();
        check_writable(&path.join("other")).unwrap_err();
        check_writable(Path::new("/")).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["channels.json"]);
        drop(folder);
        let mut began = false;
        let failed = replace_file(&path, |_| {
            began = true;
            Ok::<_, Error>(())
        });
        assert!(matches!(failed, Err(Error::Io { path: named, .. }) if named == path) && !began);
    }

    #[test]
    fn the_file_has_its_name_only_when_complete() {
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
