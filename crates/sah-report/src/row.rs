//! One answer of a run, with its score.

use std::borrow::Cow;
use std::collections::HashMap;

use sah_bench_core::{Benchmark, ResultRow, RowScore, samples_hash};

use crate::{Error, Excerpt, Group};

/// Characters of a context's beginning and end that are kept.
const CONTEXT: (usize, usize) = (700, 700);

/// Which sample a row answers: equal for all answers to it, and in all runs that have the sample, whatever else they have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// SHA-256 of the sample.
    hash: String,
    /// How many samples before it in the run are the same.
    before: usize,
}

/// One answer with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which sample it answers.
    pub key: RowKey,
    /// Which of several answers to it this is, from 0; 0 where it has one.
    pub repeat: usize,
    /// Position in the run, from 0.
    pub index: usize,
    /// The task, and the bucket in it.
    pub group: Group,
    /// The score of the answer, in the units of the task's.
    pub score: f64,
    /// The beginning and the end of the context.
    pub context: Excerpt,
    /// The question.
    pub question: String,
    /// How the answer begins; not repeated in it.
    pub answer_prefix: String,
    /// The answers that would be right.
    pub references: Vec<String>,
    /// What the model wrote before it was asked for the answer; not scored.
    pub reasoning: Option<String>,
    /// The answer of the model; empty where it failed.
    pub answer: String,
    /// What it thought before; not scored.
    pub thoughts: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
}

/// Makes rows, one after another, in the order of the run.
pub(crate) struct Rows<'a> {
    benchmark: &'a dyn Benchmark,
    /// How often each sample was answered, by its hash and the number of the repeat.
    seen: HashMap<(String, usize), usize>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(benchmark: &'a dyn Benchmark) -> Self {
        Self { benchmark, seen: HashMap::new() }
    }

    pub(crate) fn row(&mut self, result: ResultRow) -> Result<Row, Error> {
        let ResultRow { index, sample, repeat, reasoning, predicted_answer, thoughts, error } = result;
        let repeat = repeat.unwrap_or_default();
        let hash = samples_hash(std::slice::from_ref(&sample));
        let seen = self.seen.entry((hash.clone(), repeat)).or_default();
        let key = RowKey { hash, before: *seen };
        *seen += 1;
        let RowScore { value, bucket } = self.benchmark.score(&sample, &predicted_answer)?;
        let references = self.benchmark.references(&sample).to_vec();
        let group = Group { task: sample.task, bucket: bucket.map(Cow::into_owned) };
        let context = Excerpt::of(&sample.context, CONTEXT.0, CONTEXT.1);
        Ok(Row {
            key,
            repeat,
            index,
            group,
            score: value,
            context,
            question: sample.question,
            answer_prefix: sample.answer_prefix,
            references,
            reasoning,
            answer: predicted_answer,
            thoughts,
            error,
        })
    }
}
