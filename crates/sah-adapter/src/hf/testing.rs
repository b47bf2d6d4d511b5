//! A hub for tests.

use std::path::Path;

use sah_hub::{RepoKind, Repository, Settings};

/// The model `org/name` on the hub at `endpoint`, with a cache in `home` and `more` environment variables.
pub(super) fn model(home: &Path, endpoint: &str, more: &[(&str, &str)]) -> Repository {
    let settings = Settings::from_variables(|name| match name {
        "HF_HOME" => Some(home.display().to_string()),
        "HF_ENDPOINT" => Some(endpoint.to_owned()),
        name => more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
    });
    Repository::with_settings(settings.unwrap(), RepoKind::Model, "org/name", None).unwrap()
}
