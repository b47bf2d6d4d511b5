//! The authors' `data.json`, whose questions get the prompts of the authors' files.

use std::path::Path;

use sah_bench_core::Sample;
use sah_bench_core::data::{Row, json_array, read_text};

use super::copy;
use super::prompt::RowTexts;
use super::prompts::Prompts;
use crate::{Error, Subset};

/// The rows in `file` for each of `subsets`, with the prompts in the folder `prompts`.
///
/// A filled prompt is the user's turn as a whole, as the authors have it: the context is what it begins with up to the end of
/// the text, the question is the rest, and there is no answer prefix. Limits on new tokens are the authors'.
pub(super) fn load(file: &Path, prompts: &Path, subsets: &[Subset]) -> Result<Vec<Sample>, Error> {
    let text = read_text(file)?;
    let mut samples = Vec::new();
    for &subset in subsets {
        let prompts = Prompts::open(prompts, subset)?;
        for row in json_array(&text, file)? {
            samples.push(sample(row, subset, &prompts)?);
        }
    }
    Ok(samples)
}

fn sample(row: Row<'_>, subset: Subset, prompts: &Prompts) -> Result<Sample, Error> {
    let texts = RowTexts { question: row.text("question")?, choices: copy::choices(&row)? };
    let prompt = prompts.first.fill(row.text("context")?, &texts);
    let answer_prompt = prompts.answer.as_ref().map(|prompt| prompt.fill(&texts));
    let answers = vec![row.text("answer")?.to_owned()];
    Ok(copy::as_authors(subset, prompt, copy::extra(row, answers, answer_prompt)?))
}
