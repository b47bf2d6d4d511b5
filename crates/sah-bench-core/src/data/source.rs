//! Where the rows of a run come from.

use std::path::{Path, PathBuf};

use super::{ConfigFiles, DataFolder, ReadError, fetch_configs};

/// Where the rows of a benchmark come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataSource {
    /// The benchmark itself: a bundled sample, or rows that it makes.
    #[default]
    Own,
    /// The benchmark's data set on the hub, or the cache's copy of it.
    Hub,
    /// A folder.
    Folder(PathBuf),
}

impl DataSource {
    /// The files of `configs`, in their order, of the data set `hub_id` or of a folder in its layout; `None` for
    /// [`DataSource::Own`], which has no files. `all` are the configs that there may be.
    ///
    /// # Errors
    ///
    /// Those of [`fetch_configs`] and [`DataFolder::files`].
    pub fn files(
        &self,
        hub_id: &str,
        configs: &[&str],
        all: &[&str],
        split: &str,
    ) -> Result<Option<Vec<ConfigFiles>>, ReadError> {
        match self {
            Self::Own => Ok(None),
            Self::Hub => fetch_configs(hub_id, configs, split).map(Some),
            Self::Folder(path) => {
                let folder = DataFolder::open(path, all, split)?;
                configs.iter().map(|config| folder.files(config)).collect::<Result<_, _>>().map(Some)
            }
        }
    }

    /// The folder, where it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Own | Self::Hub => None,
        }
    }
}
