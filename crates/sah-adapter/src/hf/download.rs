//! The files of a hub repository that make up a checkpoint.

use std::path::{Path, PathBuf};

use super::folder::missing_tokenizer;
use super::tokenizer::{MERGES, TokenizerFiles, VOCABULARY};
use crate::Error;
use crate::weights::safetensors::{INDEX, SINGLE, missing_shards, missing_weights, shards};
use sah_hub::{HubProblem, Progress, Repository};

/// What a model may have beside weights. `config.json` decides the commit, so it comes first.
const SMALL: [&str; 7] = [
    "config.json",
    "tokenizer.json",
    TokenizerFiles::CONFIG,
    TokenizerFiles::MAP,
    TokenizerFiles::ADDED,
    "generation_config.json",
    "chat_template.jinja",
];

/// Weights in forms that are never fetched: Python's pickles, which cannot be read here.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// A repository at one commit, on this machine.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Holds the files under their names.
    pub(super) folder: PathBuf,
    pub(super) commit: String,
}

/// Fetches what is needed to run the model and nothing else.
pub(super) fn checkpoint(repository: &Repository, progress: &mut dyn Progress) -> Result<Snapshot, Error> {
    let snapshot = small_files(repository, progress)?;
    // Before gigabytes are fetched for nothing.
    if !has_tokenizer(repository, progress)? {
        return Err(missing_tokenizer(&snapshot.folder));
    }
    for (file, _) in weights(repository, &snapshot, progress)? {
        repository.fetch(&file, progress)?;
    }
    Ok(snapshot)
}

/// Whether the repository has `tokenizer.json`, or GPT-2's two files, which are fetched only where it has not.
fn has_tokenizer(repository: &Repository, progress: &mut dyn Progress) -> Result<bool, Error> {
    Ok(exists(repository.fetch("tokenizer.json", progress))?
        || (exists(repository.fetch(VOCABULARY, progress))? && exists(repository.fetch(MERGES, progress))?))
}

/// Fetches everything but the weights.
pub(super) fn small_files(repository: &Repository, progress: &mut dyn Progress) -> Result<Snapshot, Error> {
    let config = repository.fetch(SMALL[0], progress)?;
    for file in &SMALL[1..] {
        let fetched = repository.fetch_optional(file, progress)?;
        if *file == "tokenizer.json" && fetched.is_none() {
            for file in [VOCABULARY, MERGES] {
                repository.fetch_optional(file, progress)?;
            }
        }
    }
    Ok(Snapshot {
        folder: config.parent().map(Path::to_owned).unwrap_or_default(),
        commit: repository.commit().unwrap_or_default().to_owned(),
    })
}

/// The weight files and their sizes in bytes. Fetches at most the index that lists them.
pub(super) fn weights(
    repository: &Repository,
    snapshot: &Snapshot,
    progress: &mut dyn Progress,
) -> Result<Vec<(String, u64)>, Error> {
    if let Some(size) = repository.size(SINGLE)? {
        return Ok(vec![(SINGLE.to_owned(), size)]);
    }
    let Some(index) = repository.fetch_optional(INDEX, progress)? else {
        for file in [SINGLE, INDEX] {
            // Where nobody knows whether the repository has it, that is the error.
            exists(repository.fetch(file, progress))?;
        }
        let mut pickled = false;
        for file in PICKLED {
            pickled = pickled || repository.size(file)?.is_some();
        }
        return Err(missing_weights(&snapshot.folder, pickled));
    };
    let mut files = vec![];
    let mut missing = vec![];
    for file in shards(&index)?.into_keys() {
        match repository.size(&file)? {
            Some(size) => files.push((file, size)),
            // Known to be missing; where nobody knows, that is the error.
            None if exists(repository.fetch(&file, progress))? => {}
            None => missing.push(file),
        }
    }
    if missing.is_empty() {
        return Ok(files);
    }
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    Err(missing_shards(&snapshot.folder, &missing))
}

/// False for a file that the repository is known not to have.
fn exists(fetched: Result<PathBuf, sah_hub::Error>) -> Result<bool, Error> {
    match fetched {
        Ok(_) => Ok(true),
        Err(error) if error.problem() == Some(&HubProblem::NoSuchFile) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
