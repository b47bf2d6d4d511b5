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
use crate::tasks::{Group, TASKS, Task};

/// The version of the generator. Rows of one version are the same on every machine; scores of different versions do not compare.
pub const VERSION: u32 = 2;

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
            rows: 3,
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

impl Material {
    /// The questions of a task over documents.
    fn questions(&self, task: &str) -> Option<&Questions> {
        match task {
            "qa_1" => self.squad.as_ref(),
            "qa_2" => self.hotpot.as_ref(),
            _ => None,
        }
    }
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
        if let Some(positions) = tokens.positions().map_err(Error::Positions)?
            && let Some(&length) = self.lengths.iter().find(|&&length| length > positions)
        {
            return Err(Error::AbovePositions { length, positions });
        }
        let material = self.material(tasks)?;
        let counter = Counter::new(tokens);
        let has_rows =
            |task: &&&'static Task| task.group != Group::Questions || material.questions(task.name).is_some();
        let tasks: Vec<&'static Task> = tasks.iter().filter(has_rows).copied().collect();
        let Some(_) = tasks.first() else { return Err(Error::NoQuestions) };
        let jobs: Vec<Job> = (tasks.iter())
            .flat_map(|&task| {
                let of_length =
                    |&length: &usize| (0..self.rows).map(|row| Job { task, length, row }).collect();
                interleave(self.lengths.iter().map(of_length).collect())
            })
            .collect();
        jobs.into_par_iter().map(|job| self.sample(job, &material, &counter)).collect()
    }

    fn material(&self, tasks: &[&'static Task]) -> Result<Material, Error> {
        if self.haystack != Haystack::Prose && !tasks.iter().any(|task| has_essays(task)) {
            return Err(Error::UnusedHaystack);
        }
        let needs_words = tasks.iter().any(|task| self.reads_text(task));
        let most = self.lengths.iter().copied().max().unwrap_or_default();
        let words = needs_words.then(|| Words::open(&self.haystack, most)).transpose()?;
        let mut material = Material { words, squad: None, hotpot: None };
        for file in &self.questions {
            let (source, found) = Questions::open(file)?;
            let place = match source {
                Source::Squad => &mut material.squad,
                Source::HotpotQa => &mut material.hotpot,
            };
            if let Some(first) = place {
                return Err(Error::TwoFiles { first: first.file.clone(), second: file.clone() });
            }
            let task = source.task();
            if !tasks.iter().any(|one| one.name == task) {
                return Err(Error::UnusedQuestions { file: file.clone(), task });
            }
            let (questions, rows) = (found.len(), self.rows);
            if questions < rows {
                return Err(Error::FewQuestions { file: file.clone(), task, questions, rows });
            }
            *place = Some(found);
        }
        Ok(material)
    }

    /// Whether the haystack of a task is a text.
    fn reads_text(&self, task: &Task) -> bool {
        matches!(self.haystack, Haystack::Prose | Haystack::Text(_)) && has_essays(task)
    }

    /// A row whose haystack has no size yet.
    fn draft<'a>(
        &self,
        job: Job,
        material: &'a Material,
        tokens: &Counter<'_>,
    ) -> Result<Box<dyn Draft + 'a>, Error> {
        let Job { task, length, row } = job;
        let number = TASKS.iter().position(|one| one == task).unwrap_or_default() as u32;
        let seed = RowSeed { seed: self.seed, task: number, length: length as u64, row: row as u64 };
        if let Some((settings, hay)) = settings(task.name) {
            let hay = match (hay, &self.haystack, &material.words) {
                (PublishedHay::Essay, Haystack::Prose | Haystack::Text(_), Some(words)) => Hay::Text(words),
                (PublishedHay::Needle, ..) | (PublishedHay::Essay, Haystack::Needles, _) => Hay::Needles,
                _ => Hay::Noise,
            };
            return Ok(Box::new(Niah::new(settings, hay, seed)));
        }
        Ok(match task.name {
            "vt" => {
                let count = |source| Error::Count { task: task.name, source };
                Box::new(Tracing::new(seed, length, tokens).map_err(count)?)
            }
            "cwe" => Box::new(CommonWords::new(seed, length)),
            "fwe" => Box::new(CodeWords::new(seed, length, task.max_new_tokens)),
            name => {
                let questions = material.questions(name).ok_or(Error::NoQuestions)?;
                Box::new(Documents::new(questions, seed, row))
            }
        })
    }

    fn sample(&self, job: Job, material: &Material, tokens: &Counter<'_>) -> Result<Sample, Error> {
        let Job { task, length, .. } = job;
        let draft = self.draft(job, material, tokens)?;
        let answer = tokens.answer_room(task.max_new_tokens);
        let room = length.saturating_sub(answer);
        let fitted = fit(&*draft, room, tokens).map_err(|source| Error::Count { task: task.name, source })?;
        match fitted {
            Fitted::Row(prompt, used) => Ok(Sample {
                task: task.name.to_owned(),
                context: prompt.context,
                question: prompt.question,
                answer_prefix: prompt.answer_prefix,
                max_new_tokens: task.max_new_tokens,
                extra: extra(prompt.answers, Some(length), Some(used + answer)),
            }),
            Fitted::TooShort(used) => Err(Error::TooShort { task: task.name, length, needed: used + answer }),
            Fitted::NotCounted(used) => {
                Err(Error::NotCounted { task: task.name, length, used: used + answer })
            }
            Fitted::TooFew(used) => {
                let file = material.questions(task.name).map(|questions| questions.file.clone());
                Err(Error::TooFew { task: task.name, length, used: used + answer, file })
            }
        }
    }
}

/// Whether RULER hides the needles of a task in essays.
fn has_essays(task: &Task) -> bool {
    settings(task.name).is_some_and(|(_, hay)| matches!(hay, PublishedHay::Essay))
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
