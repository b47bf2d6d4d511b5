//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Fails where [`write()`] could not begin: for files that are written after a long measurement.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let temporary = temporary(path)?;
    create(&temporary, path)?;
    fs::remove_file(&temporary).with_context(|| format!("{}: cannot be removed", temporary.display()))
}

/// Lets `write` make a file under a temporary name beside `path`, and gives it its name when it is whole. A place that
/// cannot be written to is found before `write` begins; nothing is left behind when it fails.
pub(crate) fn write<T>(path: &Path, write: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let temporary = temporary(path)?;
    create(&temporary, path)?;
    let place = || format!("{}: cannot be written", path.display());
    let written = write(&temporary).and_then(|done| {
        fs::File::open(&temporary).and_then(|file| file.sync_all()).with_context(place)?;
        fs::rename(&temporary, path).with_context(place)?;
        Ok(done)
    });
    if written.is_err() {
        // The error that led here is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The temporary name of `path`.
fn temporary(path: &Path) -> anyhow::Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().with_context(|| format!("{}: is no name of a file", path.display()))?);
    name.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(name))
}

/// Makes an empty file that will become `path`.
fn create(temporary: &Path, path: &Path) -> anyhow::Result<()> {
    fs::File::create(temporary).with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("sah-whole-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("channels.json");
        super::write(&path, |temporary| Ok(fs::write(temporary, "old")?)).unwrap();
        let failed: anyhow::Result<()> = super::write(&path, |temporary| {
            fs::write(temporary, "half of the n")?;
            anyhow::bail!("why")
        });
        assert_eq!(failed.unwrap_err().to_string(), "why");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        super::check(&path).unwrap();
        super::check(&folder.join("channels.json/other")).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
        let mut began = false;
        let nowhere = super::write(&path, |_| {
            began = true;
            Ok(())
        })
        .unwrap_err();
        assert!(nowhere.to_string().contains("channels.json: cannot be written") && !began, "{nowhere}");
    }
}
