//! Files of a Hugging Face style hub, through its local cache.
//!
//! The cache is the one that Python's `huggingface_hub` uses, so a file that either has fetched is found by the
//! other, and a download that either left unfinished is finished by the other. Every file is checked against the hash
//! that the hub gives it.
//!
//! A branch or tag is resolved to a commit once, and all files come from that commit. Files of a commit that are in the cache
//! are not requested again. Where the hub cannot be reached, the last commit known for the branch is used, with a warning.
//!
//! Environment variables as in Python:
//!
//! - `HF_HOME`: where cache and token lie (default `~/.cache/huggingface`); `HF_HUB_CACHE`: the cache alone.
//! - `HF_ENDPOINT`: another hub, such as a mirror.
//! - `HF_TOKEN`: the access token, instead of the file `token` in `HF_HOME` (`HF_TOKEN_PATH`). It is sent to the hub
//!   and never to where the hub redirects to.
//! - `HF_HUB_OFFLINE`: with `1`, only the cache is used.
//! - `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE`: a file of authorities to trust instead of Mozilla's.
//! - `HF_HUB_ETAG_TIMEOUT`, `HF_HUB_DOWNLOAD_TIMEOUT`: seconds to wait for an answer, and for a transfer that stands
//!   still (default 10 each).

mod address;
mod cache;
mod checksum;
pub mod digest;
mod error;
mod http;
mod metadata;
mod progress;
mod repository;
mod roots;
mod settings;
mod transfer;

pub use error::{Error, HubError, HubProblem};
pub use progress::Progress;
pub use repository::{RepoKind, Repository};
pub use settings::Settings;

#[cfg(test)]
mod tests;
