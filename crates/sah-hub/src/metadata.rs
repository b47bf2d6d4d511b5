//! What the hub says about a file, in the headers of its answers.

use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::HubProblem;
use crate::cache::is_commit_name;
use crate::checksum::Etag;
use crate::http::header;

/// What the hub says about a file.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) commit: String,
    pub(crate) etag: Etag,
    /// In bytes.
    pub(crate) size: u64,
}

impl Metadata {
    /// From the headers of an answer and of the redirects before it. What the hub says about a file that it keeps
    /// elsewhere comes before what that place says.
    pub(crate) fn of(steps: &[Response<Body>]) -> Result<Self, HubProblem> {
        let missing = |header: &str| HubProblem::NotAHub { what: format!("no valid {header}") };
        let commit = first(steps, "x-repo-commit").filter(|commit| is_commit_name(commit));
        let ended = steps.last().filter(|last| last.status() == StatusCode::OK);
        let own = |name: &str| ended.and_then(|last| header(last.headers(), name));
        let etag = first(steps, "x-linked-etag").or_else(|| own("etag")).and_then(Etag::from_header);
        let size = first(steps, "x-linked-size").or_else(|| own("content-length"));
        Ok(Self {
            commit: commit.ok_or_else(|| missing("X-Repo-Commit"))?.to_owned(),
            etag: etag.ok_or_else(|| missing("ETag"))?,
            size: size.and_then(|size| size.parse().ok()).ok_or_else(|| missing("Content-Length"))?,
        })
    }
}

/// A header of the first step that has it.
pub(crate) fn first<'a>(steps: &'a [Response<Body>], name: &str) -> Option<&'a str> {
    steps.iter().find_map(|step| header(step.headers(), name))
}
