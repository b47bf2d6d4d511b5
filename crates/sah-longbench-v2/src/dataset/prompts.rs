//! The prompts of a subset, from a folder with the authors' files.

use std::path::{Path, PathBuf};

use super::prompt::{AnswerPrompt, Prompt};
use crate::{Error, Subset};

/// How the questions of a subset are asked.
#[derive(Debug)]
pub(super) struct Prompts {
    pub(super) first: Prompt,
    /// The file of that.
    pub(super) first_file: PathBuf,
    /// What asks for the answer where the first one asks for a reasoning.
    pub(super) answer: Option<AnswerPrompt>,
}

impl Prompts {
    /// Those in `folder`.
    pub(super) fn open(folder: &Path, subset: Subset) -> Result<Self, Error> {
        let first_file = folder.join(subset.prompt_file());
        let answer = match subset {
            Subset::ZeroShot => None,
            Subset::ChainOfThought => Some(AnswerPrompt::open(&folder.join(Subset::ANSWER_PROMPT_FILE))?),
        };
        Ok(Self { first: Prompt::open(&first_file)?, first_file, answer })
    }
}
