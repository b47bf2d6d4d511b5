//! The three forms in which a model can be asked for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::folder::FolderConfig;
use super::{ExternalModel, download};
use crate::Error;
use crate::model::{ConfigOverrides, ModelSpec};
use crate::weights::gguf::{Gguf, hf_config};
use sah_hub::{Progress, RepoKind, Repository};

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A folder with `config.json`, safetensors and tokenizer files.
    Folder(PathBuf),
    /// One GGUF file, which carries its configuration and tokenizer in it.
    Gguf(PathBuf),
    /// A repository on a Hugging Face style hub.
    Hub {
        /// `org/name`.
        repo: String,
        /// Branch, tag or commit; `None` is the hub's `main`.
        revision: Option<String>,
    },
    /// A model that another library has in memory.
    External(ExternalModel),
}

impl ModelSource {
    /// Reads what a user wrote: an existing folder, an existing `.gguf` file, or a hub id `org/name`, optionally
    /// with `@revision`.
    ///
    /// What is on the disk wins over a hub id of the same form. A text that can only be a path (it starts with `.`,
    /// `/` or `~`, has more than one slash, or ends in `.gguf`) must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for a path that leads nowhere, a file that is no `.gguf`, and anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = |problem: &str| Error::Source { given: text.to_owned(), problem: problem.to_owned() };
        let path = PathBuf::from(text);
        let is_gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if path.is_dir() {
            return Ok(Self::Folder(path));
        }
        if path.is_file() {
            return if is_gguf { Ok(Self::Gguf(path)) } else { Err(problem("a file, but not a .gguf file")) };
        }
        if is_gguf {
            return Err(problem("no such file"));
        }
        let (repo, revision) = match text.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision)),
            None => (text, None),
        };
        if repo.starts_with(['.', '/', '~']) || repo.ends_with('/') || repo.matches('/').count() > 1 {
            return Err(problem("no such folder"));
        }
        let well_formed = repo.split('/').count() == 2
            && repo.split('/').all(|part| !part.is_empty() && part.chars().all(is_repo_char) && part != "..");
        if !well_formed || revision.is_some_and(str::is_empty) {
            return Err(problem("neither a path that exists nor a hub id"));
        }
        Ok(Self::Hub { repo: repo.to_owned(), revision: revision.map(str::to_owned) })
    }

    /// The same repository at `revision`: a branch, a tag or a commit.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for a path, which has no revisions, and where a revision was given already.
    pub fn at_revision(self, revision: &str) -> Result<Self, Error> {
        let problem = match &self {
            Self::Hub { revision: None, .. } if revision.is_empty() => "an empty revision",
            Self::Hub { repo, revision: None } => {
                return Ok(Self::Hub { repo: repo.clone(), revision: Some(revision.to_owned()) });
            }
            Self::Hub { .. } => "has a revision already; give it once",
            Self::External(_) => "a model in memory, which has no revisions; only a hub id has",
            Self::Folder(_) | Self::Gguf(_) => "a path, which has no revisions; only a hub id has",
        };
        Err(Error::Source { given: self.to_string(), problem: problem.to_owned() })
    }

    /// Fetches what is missing on this machine and fixes the revision to the commit that it is now. Nothing to do for
    /// paths.
    ///
    /// [`crate::LoadedModel::load`] does this itself; this is for telling `progress` how far it is.
    ///
    /// # Errors
    ///
    /// [`Error::Hub`] where the hub does not give a file, [`Error::MissingFile`] where the repository lacks one.
    pub fn fetch(&self, progress: &mut dyn Progress) -> Result<Self, Error> {
        Ok(match self {
            Self::Folder(_) | Self::Gguf(_) | Self::External(_) => self.clone(),
            Self::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                let snapshot = download::checkpoint(&repository, progress)?;
                Self::Hub { repo: repo.clone(), revision: Some(snapshot.commit) }
            }
        })
    }

    /// How many positions a prompt and its answer may take, as the model's config has it or `overrides` in its place. Weights are
    /// not read; of a model on a hub the small files are fetched.
    ///
    /// # Errors
    ///
    /// Those of loading the model, as far as they concern its config.
    pub fn positions(&self, overrides: &ConfigOverrides) -> Result<usize, Error> {
        let of_folder = |folder: &Path| {
            let FolderConfig { json, path, .. } = FolderConfig::read(folder)?;
            ModelSpec::read(&json, &path, overrides)
        };
        let spec = match self {
            Self::Folder(folder) => of_folder(folder)?,
            Self::Gguf(path) => ModelSpec::read(&hf_config(&Gguf::open(path)?)?, path, overrides)?,
            Self::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                of_folder(&download::small_files(&repository, &mut ())?.folder)?
            }
            Self::External(model) => return Ok(model.network.facts().positions),
        };
        Ok(spec.positions())
    }
}

fn is_repo_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

impl FromStr for ModelSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The form that [`ModelSource::parse`] reads.
impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) | Self::Gguf(path) => write!(f, "{}", path.display()),
            Self::External(model) => write!(f, "{}", model.name),
            Self::Hub { repo, revision: None } => write!(f, "{repo}"),
            Self::Hub { repo, revision: Some(revision) } => write!(f, "{repo}@{revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ModelSource;

    fn problem(text: &str) -> String {
        ModelSource::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_exists_on_the_disk_is_taken_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let gguf = folder.path().join("m.Q4_1.GGUF");
        std::fs::write(&gguf, b"").unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, b"").unwrap();
        let parse = |path: &std::path::Path| ModelSource::parse(path.to_str().unwrap());
        assert_eq!(parse(folder.path()).unwrap(), ModelSource::Folder(folder.path().into()));
        assert_eq!(parse(&gguf).unwrap(), ModelSource::Gguf(gguf.clone()));
        assert!(parse(&text).unwrap_err().to_string().contains("not a .gguf file"));
    }

    #[test]
    fn a_hub_id_has_two_parts_and_may_name_a_revision() {
        let hub = |repo: &str, revision: Option<&str>| ModelSource::Hub {
            repo: repo.into(),
            revision: revision.map(Into::into),
        };
        assert_eq!(ModelSource::parse("org/name-1.5_b").unwrap(), hub("org/name-1.5_b", None));
        assert_eq!(ModelSource::parse("org/name@refs/pr/1").unwrap(), hub("org/name", Some("refs/pr/1")));
        assert_eq!(ModelSource::parse("org/name@v1").unwrap(), hub("org/name", Some("v1")));
        assert_eq!("org/name@v1".parse::<ModelSource>().unwrap().to_string(), "org/name@v1");
    }

    #[test]
    fn only_a_hub_id_without_a_revision_takes_one() {
        let at = |text: &str, revision: &str| ModelSource::parse(text).unwrap().at_revision(revision);
        assert_eq!(at("org/name", "v1").unwrap().to_string(), "org/name@v1");
        let problem = |text: &str, revision: &str| at(text, revision).unwrap_err().to_string();
        assert!(problem("org/name@v1", "v1").contains("has a revision already"));
        assert!(problem("org/name", "").contains("empty revision"));
        let folder = tempfile::tempdir().unwrap();
        let error = problem(folder.path().to_str().unwrap(), "main");
        assert!(error.contains("a path, which has no revisions"), "{error}");
    }

    #[test]
    fn everything_else_says_what_is_wrong_and_lists_the_forms() {
        for (text, expected) in [
            ("./nowhere", "no such folder"),
            ("/no/such/place", "no such folder"),
            ("a/b/c", "no such folder"),
            ("nowhere.gguf", "no such file"),
            ("org/nowhere.gguf", "no such file"),
            ("gpt2", "neither a path that exists nor a hub id"),
            ("", "neither a path"),
            ("org/", "no such folder"),
            ("org/na me", "neither a path"),
            ("org/name@", "neither a path"),
            ("org/..", "neither a path"),
        ] {
            let found = problem(text);
            assert!(found.contains(expected), "{text}: {found}");
            assert!(
                found.contains("folder") && found.contains(".gguf") && found.contains("org/name"),
                "{found}"
            );
        }
    }
}
