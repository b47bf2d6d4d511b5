//! Puts samples through a model, one request for each context.

mod ask;
mod check;
mod rows;
mod streams;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sah_request::{GenerationParams, ModelAdapter, PromptForm, Question, RequestLimits};

use self::rows::RunRows;
use crate::{Benchmark, Error, Record, RunFolder, RunObserver, Sample, Shard, group_by_context};

/// How samples are put through a model.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    /// Whose samples they are: it may ask [more](Benchmark::follow_up) about them.
    pub benchmark: &'a dyn Benchmark,
    /// How many answers each sample gets. Several differ where something is drawn at random.
    pub repeats: NonZeroUsize,
    /// The model.
    pub adapter: &'a dyn ModelAdapter,
    /// How answers are generated. Without a limit on new tokens each sample has its own.
    pub generation: &'a GenerationParams,
    /// Limits on each request.
    pub limits: &'a RequestLimits,
    /// Subsets whose rows are given as plain text, whatever chat template the model has.
    pub plain_subsets: &'a [String],
    /// Once it is true, the run ends before the next context.
    pub stop: &'a AtomicBool,
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("benchmark", &self.benchmark.name())
            .field("repeats", &self.repeats)
            .field("generation", self.generation)
            .field("limits", self.limits)
            .field("plain_subsets", &self.plain_subsets)
            .finish_non_exhaustive()
    }
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// One for each answer to a sample of the part that was run, in the order of the samples.
    pub records: Vec<Record>,
    /// Rows that have no answer. Where it is not 0, the run as a whole is not a success.
    pub rows_failed: usize,
    /// Groups of rows with equal contexts.
    pub groups: usize,
    /// Groups that failed, with all their rows.
    pub groups_failed: usize,
    /// Seconds from the first request to the last answer, with everything between; `None` where an earlier process answered
    /// some of the rows.
    pub seconds: Option<f64>,
}

impl Runner<'_> {
    /// Answers `samples`, one request for each distinct context (and way of putting it), in
    /// order of first appearance.
    ///
    /// Rows of a group may differ in answer prefix and limit: each keeps its own. Where a sample gets several answers, each is
    /// a row, and all of them are asked for in the same request: what they draw at random follows from the seed, the sample's
    /// texts and the number of the repeat, and from nothing else. A context that fails (the adapter
    /// reports an error or panics, or gives an answer too few or a figure that is no number) costs its own rows only: they
    /// get an empty answer and the reason, and the run goes on. The rows of each group are in the journal of `folder` before
    /// the next group starts, and what was measured of their attention is in its `micro_metrics.jsonl`. Rows that `folder`
    /// [had answers for](RunFolder::resume) are not asked again.
    ///
    /// # Errors
    ///
    /// When one of the two cannot be written, and [`Error::Interrupted`] when the run was stopped: all rows of earlier groups
    /// are in them. [`Error::SampleChanged`] where an answered row is none of `samples`.
    pub fn run(
        &self,
        samples: Vec<Sample>,
        folder: &mut RunFolder,
        observer: &mut dyn RunObserver,
    ) -> Result<RunOutcome, Error> {
        self.run_shard(Shard::UNDIVIDED, samples, folder, observer)
    }

    /// The same for a part of `samples`, which are those of the whole run: the outcome has the records of that part.
    ///
    /// # Errors
    ///
    /// As [`Runner::run`].
    pub fn run_shard(
        &self,
        shard: Shard,
        samples: Vec<Sample>,
        folder: &mut RunFolder,
        observer: &mut dyn RunObserver,
    ) -> Result<RunOutcome, Error> {
        let start = Instant::now();
        let groups = self.groups(shard, &samples);
        let mut rows = RunRows::new(samples, groups, self.repeats);
        let is_resumed = rows.restore(folder)?;
        for group in 0..rows.groups.len() {
            if rows.is_answered(group) {
                continue;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(rows.interrupted(folder));
            }
            self.run_group(group, &mut rows, folder, observer)?;
        }
        let seconds = (!is_resumed).then(|| start.elapsed().as_secs_f64());
        Ok(rows.into_outcome(seconds))
    }

    /// The rows of each context of `shard`.
    fn groups(&self, shard: Shard, samples: &[Sample]) -> Vec<Vec<usize>> {
        // A context in a chat template is another text than the same without.
        let groups =
            group_by_context(samples.iter().map(|sample| (sample.context.as_str(), self.form(sample))));
        let of_shard = groups.into_iter().enumerate().filter(|(group, _)| shard.has(*group));
        of_shard.map(|(_, rows)| rows).collect()
    }

    /// Answers a group and puts it into the journal of `folder`.
    fn run_group(
        &self,
        group: usize,
        rows: &mut RunRows,
        folder: &mut RunFolder,
        observer: &mut dyn RunObserver,
    ) -> Result<(), Error> {
        let limit = rows.rows(group).map(|record| self.limit(&record.sample)).sum();
        observer.group_started(&rows.started(group, limit));
        let start = Instant::now();
        let span = {
            let (task, rows) = (&rows.first(group).task, rows.groups[group].len());
            tracing::info_span!("context", task, rows).entered()
        };
        let answered = self.answer(&mut rows.records, &rows.groups[group], observer);
        span.exit();
        let elapsed = start.elapsed();
        let mut result = rows.fill(group, answered);
        rows.keep(group, &mut result, folder)?;
        observer.group_finished(&rows.finished(group, &result, elapsed));
        Ok(())
    }

    /// How a sample is put before the model.
    fn form(&self, sample: &Sample) -> PromptForm {
        if self.plain_subsets.contains(&sample.task) { PromptForm::Plain } else { PromptForm::Chat }
    }

    /// New tokens of the answer to a sample, at most.
    fn limit(&self, sample: &Sample) -> usize {
        let question = Question { max_new_tokens: Some(sample.max_new_tokens), ..Question::default() };
        self.generation.limit_for(&question) + self.generation.thinking_tokens
    }
}
