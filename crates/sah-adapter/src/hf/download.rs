//! The files of a hub repository that make up a checkpoint.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::hub::{RepoKind, commit_of, fetch, fetch_optional};
use crate::weights::safetensors::{INDEX, SINGLE, shards};

/// A repository at one commit, on this machine.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Holds the files under their names.
    pub(super) folder: PathBuf,
    pub(super) commit: String,
}

/// Fetches what is needed to run the model and nothing else.
///
/// The first file fixes the commit, so that the others match it even if the repository changes meanwhile.
pub(super) fn checkpoint(repo: &str, revision: Option<&str>) -> Result<Snapshot, Error> {
    let config = fetch(RepoKind::Model, repo, revision, "config.json")?;
    let commit = commit_of(&config).or(revision).unwrap_or("main").to_owned();
    let require = |file: &str| fetch(RepoKind::Model, repo, Some(&commit), file);
    let optional = |file: &str| fetch_optional(RepoKind::Model, repo, Some(&commit), file);

    require("tokenizer.json")?;
    for file in
        ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja"]
    {
        optional(file)?;
    }
    if optional(SINGLE)?.is_none() {
        // The error names the index; the remedy in it fits both.
        for shard in shards(&require(INDEX)?)?.keys() {
            require(shard)?;
        }
    }
    let folder = config.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Snapshot { folder, commit })
}
