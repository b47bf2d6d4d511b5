//! The hub against a small server that speaks its API, and against none.

mod cache;
mod refusal;
mod transfer;

use std::path::Path;
use std::time::Duration;

use sah_hub_server::{Fault, File, Server, git_sha1, sha256};

use super::*;
use crate::settings::Patience;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Settings as an environment with `HF_HOME` and `HF_ENDPOINT` gives them, but with little patience.
fn settings(home: &Path, endpoint: &str, more: &[(&str, &str)]) -> Settings {
    let settings = Settings::from_variables(|name| match name {
        "HF_HOME" => Some(home.display().to_string()),
        "HF_ENDPOINT" => Some(endpoint.to_owned()),
        name => more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
    });
    let patience = Patience {
        answer: Duration::from_secs(2),
        stall: Duration::from_millis(300),
        failures: 2,
        pause: Duration::from_millis(10),
        ..Patience::default()
    };
    Settings { patience, ..settings.unwrap() }
}

fn model(settings: &Settings, revision: Option<&str>) -> Repository {
    Repository::with_settings(settings.clone(), RepoKind::Model, "org/name", revision).unwrap()
}

/// What is in a file, fetched through a repository of its own.
fn content(settings: &Settings, path: &str) -> Result<String, Error> {
    model(settings, None).fetch(path, &mut ()).map(|path| std::fs::read_to_string(path).unwrap())
}

/// The one line of an error.
fn problem<T>(result: Result<T, Error>) -> String {
    let Err(error) = result else { panic!("expected an error") };
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

/// Text of so many bytes that is nowhere like itself.
fn text(bytes: usize) -> String {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    };
    (0..bytes).map(|_| next()).collect()
}
