//! The retentions that the command line names.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use sah_adapter::RetentionSees;
use sah_attention::{Error, RetentionConfig};
use sah_bench_core::data::read_text;
use serde_json::Value;

use super::settings::Settings;
use super::unknown;
use crate::App;
use crate::plan_file::toml_problem;
use crate::usage::UsageError;

/// Drops nothing, and has no configuration.
pub(super) const NONE: &str = "none";

/// A retention and its part of the name of a result folder.
#[derive(Clone, Debug)]
pub(crate) struct NamedRetention {
    pub(crate) name: String,
    pub(crate) config: RetentionConfig,
    /// What is read before it chooses.
    pub(crate) sees: RetentionSees,
}

/// Reads one of `--retention`; `None` where it drops nothing.
pub(super) fn one(app: &App, name: &str, settings: &mut Settings) -> anyhow::Result<Option<NamedRetention>> {
    if name == NONE {
        return Ok(None);
    }
    let registry = &app.retentions;
    if let Some((name, config)) = app.named_retentions.iter().find(|retention| retention.0 == name) {
        let (name, config) = (name.clone(), config.clone());
        return Ok(Some(NamedRetention { name, config, sees: RetentionSees::default() }));
    }
    let path = Path::new(name);
    let is_file = matches!(path.extension().and_then(OsStr::to_str), Some("json" | "toml"));
    let (name, config) = if let Some((folder, config)) = app.retention_names.and_then(|read| read(name)) {
        let config = RetentionConfig::read(registry, config);
        let config = config.map_err(|error| UsageError(format!("--retention {name}: {error}")))?;
        let config = config.with(registry, &settings.of_retention(&folder));
        (folder, config)
    } else if is_file {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let config = RetentionConfig::read(registry, from_file(path)?);
        let config = config.with_context(|| path.display().to_string())?;
        let config = config.with(registry, &settings.of_retention(&stem));
        (stem, config)
    } else {
        (name.to_owned(), RetentionConfig::preset_in(registry, name, &settings.of_retention(name)))
    };
    match config {
        Ok(config) => Ok(Some(NamedRetention { name, config, sees: RetentionSees::default() })),
        Err(Error::NoRetention { known, .. }) => {
            let known = std::iter::once(NONE).chain(known).collect::<Vec<_>>();
            bail!(unknown("--retention", &name, &known))
        }
        Err(error) => bail!(UsageError(format!("--retention {name}: {error}"))),
    }
}

fn from_file(path: &Path) -> anyhow::Result<Value> {
    let text = read_text(path)?;
    let config = if path.extension().is_some_and(|extension| extension == "toml") {
        toml::from_str(&text).map_err(|error| anyhow!(toml_problem(&error, &text)))
    } else {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    };
    config.with_context(|| path.display().to_string())
}
