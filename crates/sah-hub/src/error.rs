//! Why a hub did not give a file, and what to do about it.

use std::path::PathBuf;

use crate::RepoKind;

/// Errors of this crate. Each names the place and the remedy, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The hub did not give a file.
    #[error(transparent)]
    Hub(Box<HubError>),
    /// An environment variable has an impossible value.
    #[error("{variable}: {problem}; {remedy}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A file that an environment variable names cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// Why the hub did not give a file; `None` for errors of the environment.
    #[must_use]
    pub fn problem(&self) -> Option<&HubProblem> {
        match self {
            Self::Hub(error) => Some(&error.problem),
            _ => None,
        }
    }

    /// Whether the network or the hub's server is at fault, so that a later try may succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.problem().is_some_and(HubProblem::may_pass)
    }
}

/// Which file a hub did not give, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hub {endpoint}: {file} of {repo} ({revision}): {problem}; {}", self.remedy())]
pub struct HubError {
    /// Address of the hub or its mirror, without user and password.
    pub endpoint: String,
    /// What the repository holds.
    pub kind: RepoKind,
    /// `org/name`.
    pub repo: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// Path inside the repository.
    pub file: String,
    /// What happened.
    pub problem: HubProblem,
}

/// What kept a file from being fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubProblem {
    /// No connection, no answer in time, or a connection that broke before the answer.
    #[error("the hub cannot be reached ({reason})")]
    Unreachable {
        /// What the connection said.
        reason: String,
    },
    /// `HF_HUB_OFFLINE` is set and the cache does not have the file.
    #[error("it is not in the cache, and HF_HUB_OFFLINE is set")]
    NotCached,
    /// The repository is there, the file is not.
    #[error("the repository has no such file")]
    NoSuchFile,
    /// The repository has no such branch, tag or commit.
    #[error("no such revision (404)")]
    NoSuchRevision,
    /// No such repository, or one that is hidden from whoever asks: the hub does not tell them apart.
    #[error("no such repository ({status}), or a private one")]
    NoSuchRepository {
        /// Status of the answer.
        status: u16,
        /// Whether an access token was sent.
        with_token: bool,
    },
    /// A repository whose owner wants to be asked first.
    #[error("access to the repository must be asked for ({status}{})", said(.message.as_ref()))]
    Gated {
        /// Status of the answer.
        status: u16,
        /// Whether an access token was sent.
        with_token: bool,
        /// What the hub says about it, if anything.
        message: Option<String>,
    },
    /// The hub knows the token, or the lack of one, and says no.
    #[error("the hub refuses access ({status}{})", said(.message.as_ref()))]
    Refused {
        /// Status of the answer.
        status: u16,
        /// Whether an access token was sent.
        with_token: bool,
        /// What the hub says about it, if anything.
        message: Option<String>,
    },
    /// Too many requests.
    #[error("too many requests (429)")]
    RateLimited,
    /// Any other status, mostly a hub in trouble.
    #[error("the hub answers with status {status}")]
    Status {
        /// Status of the answer.
        status: u16,
    },
    /// An answer that no hub would give: a proxy's page, or an address that is no hub.
    #[error("the answer is not a hub's: {what}")]
    NotAHub {
        /// What is wrong with it.
        what: String,
    },
    /// The transfer broke or stood still, again and again.
    #[error("the transfer ended at {done} of {size} bytes ({reason})")]
    Interrupted {
        /// Bytes that are there and stay there.
        done: u64,
        /// Bytes of the whole file.
        size: u64,
        /// What the connection said the last time.
        reason: String,
    },
    /// The bytes are not those that the hub announced. They have been thrown away.
    #[error("what came is damaged: {algorithm} is {found}, the hub says {expected}")]
    Checksum {
        /// `sha256`, or `git blob sha1`.
        algorithm: &'static str,
        /// What the hub announced, in hexadecimal.
        expected: String,
        /// Of what came, in hexadecimal.
        found: String,
    },
    /// The cache cannot be read or written.
    #[error("{}: {reason}", path.display())]
    Cache {
        /// Where in the cache.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// A name that would lead out of the cache, or that no hub has.
    #[error("`{name}` is no {what}")]
    BadName {
        /// The name.
        name: String,
        /// What it was to be.
        what: &'static str,
    },
}

impl HubProblem {
    /// Whether the network or the hub's server is at fault, so that a later try may succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::RateLimited | Self::Interrupted { .. } => true,
            Self::Status { status } => *status >= 500,
            _ => false,
        }
    }
}

impl HubError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        let local = match self.kind {
            RepoKind::Model => "a local folder or a GGUF file",
            RepoKind::Dataset => "a local folder",
        };
        let instead = format!("give {local} instead, set HF_ENDPOINT to a mirror, or check the network");
        let token = |with_token: bool| {
            if with_token {
                "check that the access token (HF_TOKEN, or the token file) is valid and may read the repository"
            } else {
                "if the repository is private, set HF_TOKEN to an access token that may read it"
            }
        };
        match &self.problem {
            HubProblem::Unreachable { .. } | HubProblem::Status { .. } => instead,
            HubProblem::NotAHub { .. } => format!("check HF_ENDPOINT and the proxy settings; or {instead}"),
            HubProblem::NotCached => format!("unset HF_HUB_OFFLINE to fetch it, or give {local}"),
            HubProblem::NoSuchFile => "check the name and the revision".into(),
            HubProblem::NoSuchRevision => {
                "check the revision: a branch, a tag or a full commit of the repository".into()
            }
            HubProblem::NoSuchRepository { with_token, .. } => {
                format!("check the name; {}", token(*with_token))
            }
            HubProblem::Gated { with_token: false, .. } => format!(
                "ask for access on {}, then set HF_TOKEN to an access token of the same account",
                self.page()
            ),
            HubProblem::Gated { with_token: true, .. } => format!(
                "ask for access on {} with the account of the access token (HF_TOKEN, or the token file), \
                 or wait until it is granted",
                self.page()
            ),
            HubProblem::Refused { with_token, .. } => token(*with_token).into(),
            HubProblem::RateLimited => "wait some minutes, or set HF_TOKEN to an access token".into(),
            HubProblem::Interrupted { .. } => "run it again: it goes on where it stopped".into(),
            HubProblem::Checksum { .. } => {
                "run it again; if it stays so, the mirror (HF_ENDPOINT) or a proxy changes the files".into()
            }
            HubProblem::Cache { .. } => {
                "check space and permissions there, or set HF_HOME to another folder".into()
            }
            HubProblem::BadName { .. } => "write it as the hub shows it".into(),
        }
    }

    /// The repository's page, where access is asked for.
    fn page(&self) -> String {
        match self.kind {
            RepoKind::Model => format!("{}/{}", self.endpoint, self.repo),
            RepoKind::Dataset => format!("{}/datasets/{}", self.endpoint, self.repo),
        }
    }
}

/// `: message`, where there is one.
fn said(message: Option<&String>) -> String {
    message.map_or_else(String::new, |message| format!(": {message}"))
}

#[cfg(test)]
mod tests {
    use super::{Error, HubError, HubProblem};
    use crate::RepoKind;

    #[test]
    fn only_the_network_and_the_server_may_be_better_later() {
        let unreachable = HubProblem::Unreachable { reason: String::new() };
        let interrupted = HubProblem::Interrupted { done: 0, size: 1, reason: String::new() };
        for problem in [unreachable, interrupted, HubProblem::RateLimited, HubProblem::Status { status: 503 }]
        {
            assert!(problem.may_pass(), "{problem}");
        }
        for problem in [HubProblem::NoSuchFile, HubProblem::NotCached, HubProblem::Status { status: 418 }] {
            assert!(!problem.may_pass(), "{problem}");
        }
        let environment = Error::Environment { variable: "X", problem: String::new(), remedy: String::new() };
        assert!(!environment.may_pass() && environment.problem().is_none());
    }

    #[test]
    fn messages_are_one_line_and_name_place_and_remedy() {
        let error = HubError {
            endpoint: "http://h".into(),
            kind: RepoKind::Model,
            repo: "org/name".into(),
            revision: "main".into(),
            file: "config.json".into(),
            problem: HubProblem::NoSuchFile,
        };
        assert_eq!(
            error.to_string(),
            "hub http://h: config.json of org/name (main): the repository has no such file; check the name and the \
             revision"
        );
        let problem = HubProblem::Gated { status: 403, with_token: false, message: Some("ask me".into()) };
        let gated = HubError { problem, ..error };
        let text = gated.to_string();
        assert!(
            text.contains("(403: ask me); ask for access on http://h/org/name, then set HF_TOKEN"),
            "{text}"
        );
        let of_data = HubError { kind: RepoKind::Dataset, ..gated };
        assert!(of_data.to_string().contains(" on http://h/datasets/org/name, "), "{of_data}");
        let offline = HubError { problem: HubProblem::NotCached, ..of_data };
        assert!(offline.to_string().ends_with("to fetch it, or give a local folder"), "{offline}");
    }
}
