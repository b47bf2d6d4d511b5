//! What the environment says about the hub, and a first request that fails fast and says why.
//!
//! `hf-hub` waits as long as the system does for a hub that does not answer and reports a refusal as a status code;
//! a short question before each download makes both clear.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;

use crate::Error;

/// What to do where the hub is out of reach.
pub(super) const INSTEAD: &str =
    "give a local folder or a GGUF file instead, set HF_ENDPOINT to a mirror, or check the network";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Where the hub is and how to speak to it.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) endpoint: String,
    pub(super) cache: PathBuf,
    pub(super) token: Option<String>,
    pub(super) offline: bool,
}

impl Settings {
    pub(super) fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// As [`Settings::from_env`], with the environment as a value.
    pub(super) fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let home = get("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = get("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")));
            Some(cache?.join("huggingface"))
        });
        let home =
            home.ok_or_else(|| Error::Other("no home folder for the hub's cache; set HF_HOME".into()))?;
        let cache = get("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let token_file = || std::fs::read_to_string(home.join("token")).ok();
        let token = get("HF_TOKEN").or_else(token_file).map(|token| token.trim().to_owned());
        let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let offline = get("HF_HUB_OFFLINE")
            .is_some_and(|value| matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"));
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache,
            token: token.filter(|token| !token.is_empty()),
            offline,
        })
    }
}

/// What the hub says about a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Available,
    /// The repository is there, the file is not.
    NoSuchFile {
        commit: Option<String>,
    },
    Refused {
        problem: String,
        remedy: &'static str,
    },
}

/// Asks for a file's headers only.
pub(super) fn ask(settings: &Settings, url: &str) -> Answer {
    ask_within(settings, url, ANSWER_TIMEOUT)
}

/// As [`ask`], waiting at most `timeout` for an answer once connected.
pub(super) fn ask_within(settings: &Settings, url: &str, timeout: Duration) -> Answer {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        // The first answer has what is to be known; where it leads is for the download.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(timeout))
        .build()
        .into();
    let mut request = agent.head(url);
    if let Some(token) = &settings.token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(error) => {
            return Answer::Refused { problem: format!("cannot be reached ({error})"), remedy: INSTEAD };
        }
    };
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let refused = |problem: String, remedy| Answer::Refused { problem, remedy };
    let token = if settings.token.is_some() {
        "check that the access token (HF_TOKEN) is valid and may read the repository, and that you have accepted \
         the model's terms on the hub"
    } else {
        "check the name; if the repository is private or gated, set HF_TOKEN to your access token"
    };
    match (response.status().as_u16(), header("x-error-code")) {
        (200..=399, _) => Answer::Available,
        (404, Some("EntryNotFound")) => {
            Answer::NoSuchFile { commit: header("x-repo-commit").map(str::to_owned) }
        }
        (404, Some("RevisionNotFound")) => refused("no such revision (404)".into(), "check the revision"),
        (404, _) => refused("no such repository (404)".into(), token),
        (401 | 403, Some("GatedRepo")) => refused("access to the repository must be asked for".into(), token),
        // The hub does not tell a missing repository from one that it hides.
        (401, _) => refused(
            "the hub asks for authorisation (401): no such repository, or a private one".into(),
            token,
        ),
        (403, _) => refused("the hub refuses access (403)".into(), token),
        (429, _) => refused("too many requests (429)".into(), "wait a little, or set HF_TOKEN"),
        (status, _) => refused(format!("the hub answers with status {status}"), INSTEAD),
    }
}
