//! RULER's rows, made for the tokenizer of the model that reads them.

mod cwe;
mod fit;
mod fwe;
mod haystack;
mod niah;
mod prose;
mod qa;
mod random;
mod vt;
mod words;

use std::path::PathBuf;

use rayon::prelude::*;
use sah_bench_core::{Sample, TokenCount};

pub use self::haystack::Haystack;

use self::cwe::CommonWords;
use self::fit::{Counter, Draft, Fitted, fit};
use self::fwe::CodeWords;
use self::haystack::Words;
use self::niah::{Form, Hay, Niah, Settings};
use self::qa::{Documents, Questions, Source};
use self::random::RowSeed;
use self::vt::Tracing;
use crate::benchmark::extra;
use crate::dataset::interleave;
use crate::error::Error;
use crate::tasks::{TASKS, Task};

/// The version of the generator. Rows of one version are the same on every machine; scores of different versions do not compare.
pub const VERSION: u32 = 1;

/// Makes rows of RULER's tasks with their published parameters; the wording is this project's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// Of everything that is drawn.
    pub seed: u64,
    /// Rows of each task and length.
    pub rows: usize,
    /// Tokens of prompt and answer together.
    pub lengths: Vec<usize>,
    /// What needles are hidden in where RULER has essays.
    pub haystack: Haystack,
    /// Files of questions: `SQuAD` 2.0's for `qa_1`, `HotpotQA`'s for `qa_2`. A task without a file is left out.
    pub questions: Vec<PathBuf>,
}

impl Default for Generator {
    fn default() -> Self {
        Self {
            seed: 42,
            rows: 5,
            lengths: vec![512, 1024],
            haystack: Haystack::default(),
            questions: Vec::new(),
        }
    }
}

/// What rows are made of, read once.
struct Material {
    words: Option<Words>,
    squad: Option<Questions>,
    hotpot: Option<Questions>,
}

/// One row to be made.
#[derive(Clone, Copy)]
struct Job {
    task: &'static Task,
    length: usize,
    row: usize,
}

impl Generator {
    /// The generator, its version and what rows depend on, for results.
    #[must_use]
    pub fn description(&self) -> String {
        let Self { seed, haystack, .. } = self;
        format!("sah-ruler generator {VERSION}, seed {seed}, haystack {}", haystack.name())
    }

    /// The rows of `tasks`, task by task; of each the first row of every length, then the second, and so on.
    pub(crate) fn samples(
        &self,
        tasks: &[&'static Task],
        tokens: &dyn TokenCount,
    ) -> Result<Vec<Sample>, Error> {
        let material = self.material(tasks)?;
        let counter = Counter::new(tokens);
        let has_rows = |task: &&&'static Task| match task.name {
            "qa_1" => material.squad.is_some(),
            "qa_2" => material.hotpot.is_some(),
            _ => true,
        };
        let tasks: Vec<&'static Task> = tasks.iter().filter(has_rows).copied().collect();
        let Some(_) = tasks.first() else { return Err(Error::NoQuestions) };
        let rows_of = |task: &Task| match task.name {
            "qa_1" => self.rows.min(material.squad.as_ref().map_or(0, Questions::len)),
            "qa_2" => self.rows.min(material.hotpot.as_ref().map_or(0, Questions::len)),
            _ => self.rows,
        };
        let jobs: Vec<Job> = (tasks.iter())
            .flat_map(|&task| {
                let of_length =
                    |&length: &usize| (0..rows_of(task)).map(|row| Job { task, length, row }).collect();
                interleave(self.lengths.iter().map(of_length).collect())
            })
            .collect();
        jobs.into_par_iter().map(|job| self.sample(job, &material, &counter)).collect()
    }

    fn material(&self, tasks: &[&'static Task]) -> Result<Material, Error> {
        let needs_words = tasks.iter().any(|task| self.reads_text(task));
        let most = self.lengths.iter().copied().max().unwrap_or_default();
        let words = needs_words.then(|| Words::open(&self.haystack, most)).transpose()?;
        let mut material = Material { words, squad: None, hotpot: None };
        for file in &self.questions {
            let (source, questions) = Questions::open(file)?;
            let place = match source {
                Source::Squad => &mut material.squad,
                Source::HotpotQa => &mut material.hotpot,
            };
            if let Some(first) = place {
                return Err(Error::TwoFiles { first: first.file.clone(), second: file.clone() });
            }
            *place = Some(questions);
        }
        Ok(material)
    }

    /// Whether the haystack of a task is a text.
    fn reads_text(&self, task: &Task) -> bool {
        let is_text = matches!(self.haystack, Haystack::Prose | Haystack::Text(_));
        is_text && settings(task.name).is_some_and(|(_, hay)| matches!(hay, PublishedHay::Essay))
    }

    fn sample(&self, job: Job, material: &Material, tokens: &Counter<'_>) -> Result<Sample, Error> {
        let Job { task, length, row } = job;
        let count = |error| Error::Count { task: task.name, source: error };
        let number = TASKS.iter().position(|one| one == task).unwrap_or_default() as u32;
        let seed = RowSeed { seed: self.seed, task: number, length: length as u64, row: row as u64 };
        let draft: Box<dyn Draft + '_> = match (task.name, settings(task.name)) {
            (_, Some((settings, hay))) => {
                let hay = match (hay, &self.haystack, &material.words) {
                    (PublishedHay::Essay, Haystack::Prose | Haystack::Text(_), Some(words)) => {
                        Hay::Text(words)
                    }
                    (PublishedHay::Needle, ..) | (PublishedHay::Essay, Haystack::Needles, _) => Hay::Needles,
                    _ => Hay::Noise,
                };
                Box::new(Niah::new(settings, hay, seed))
            }
            ("vt", _) => Box::new(Tracing::new(seed, length, tokens).map_err(count)?),
            ("cwe", _) => Box::new(CommonWords::new(seed, length)),
            ("fwe", _) => Box::new(CodeWords::new(seed, length, task.max_new_tokens)),
            (name, _) => {
                let file = if name == "qa_1" { &material.squad } else { &material.hotpot };
                let questions = file.as_ref().ok_or(Error::NoQuestions)?;
                Box::new(Documents::new(questions, seed, row))
            }
        };
        let room = length.saturating_sub(task.max_new_tokens);
        match fit(&*draft, room, tokens).map_err(count)? {
            Fitted::Row(prompt, used) => {
                let used = used + task.max_new_tokens;
                Ok(Sample {
                    task: task.name.to_owned(),
                    context: prompt.context,
                    question: prompt.question,
                    answer_prefix: prompt.answer_prefix,
                    max_new_tokens: task.max_new_tokens,
                    extra: extra(prompt.answers, Some(length), Some(used)),
                })
            }
            Fitted::TooShort(used) => {
                Err(Error::TooShort { task: task.name, length, needed: used + task.max_new_tokens })
            }
            Fitted::NotCounted(used) => {
                Err(Error::NotCounted { task: task.name, length, used: used + task.max_new_tokens })
            }
            Fitted::TooFew(used) => {
                let file = match task.name {
                    "qa_1" => material.squad.as_ref(),
                    _ => material.hotpot.as_ref(),
                };
                let file = file.map(|questions| questions.file.clone());
                Err(Error::TooFew { task: task.name, length, used: used + task.max_new_tokens, file })
            }
        }
    }
}

/// What the published tasks hide needles in.
#[derive(Clone, Copy, Debug)]
enum PublishedHay {
    Essay,
    Noise,
    Needle,
}

/// The published parameters of a retrieval task.
fn settings(task: &str) -> Option<(Settings, PublishedHay)> {
    use Form::{Number, Uuid, Words};
    let of = |key, value, keys, values, queries| Settings { key, value, keys, values, queries };
    Some(match task {
        "niah_single_1" => (of(Words, Number, 1, 1, 1), PublishedHay::Noise),
        "niah_single_2" => (of(Words, Number, 1, 1, 1), PublishedHay::Essay),
        "niah_single_3" => (of(Words, Uuid, 1, 1, 1), PublishedHay::Essay),
        "niah_multikey_1" => (of(Words, Number, 4, 1, 1), PublishedHay::Essay),
        "niah_multikey_2" => (of(Words, Number, 1, 1, 1), PublishedHay::Needle),
        "niah_multikey_3" => (of(Uuid, Uuid, 1, 1, 1), PublishedHay::Needle),
        "niah_multivalue" => (of(Words, Number, 1, 4, 1), PublishedHay::Essay),
        "niah_multiquery" => (of(Words, Number, 4, 1, 4), PublishedHay::Essay),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
