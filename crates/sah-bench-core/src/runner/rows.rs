//! The rows of a run while it goes on: which are answered, and which failed.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use sah_request::{Answer, MicroMetrics};

use super::RunOutcome;
use super::ask::{GroupAnswers, RowAnswer};
use crate::{Error, GroupFinished, GroupStarted, Reasoning, Record, RecordStats, RunFolder, Sample};

/// The rows of a shard, by groups with equal contexts.
pub(super) struct RunRows {
    /// All samples of the run, those of other shards included.
    pub(super) records: Vec<Record>,
    /// The rows of each group of the shard, by their places in `records`, in the order in which they are asked: all rows of one
    /// repeat follow each other.
    pub(super) groups: Vec<Vec<usize>>,
    rows_total: usize,
    rows_done: usize,
    rows_failed: usize,
    groups_failed: usize,
}

/// What came of a group.
#[derive(Default)]
pub(super) struct GroupResult {
    context_tokens: usize,
    generated_tokens: usize,
    /// What was measured of the attention of each row.
    measured: Vec<(usize, MicroMetrics)>,
    /// Why the rows have no answers.
    error: Option<String>,
}

impl RunRows {
    /// `samples` without answers, of which those in `groups` are to be answered, each so often.
    pub(super) fn new(samples: Vec<Sample>, groups: Vec<Vec<usize>>, repeats: NonZeroUsize) -> Self {
        let all = repeats.get();
        let rows_of = |samples: Vec<usize>| -> Vec<usize> {
            (0..all).flat_map(|repeat| samples.iter().map(move |sample| sample * all + repeat)).collect()
        };
        let groups: Vec<Vec<usize>> = groups.into_iter().map(rows_of).collect();
        let rows_total = groups.iter().map(Vec::len).sum();
        let copies = samples.into_iter().flat_map(|sample| std::iter::repeat_n(sample, all));
        let record = |(index, sample)| Record {
            repeat: (all > 1).then_some(index % all),
            ..Record::unanswered(index, sample)
        };
        let records = copies.enumerate().map(record).collect();
        Self { records, groups, rows_total, rows_done: 0, rows_failed: 0, groups_failed: 0 }
    }

    /// Takes over the rows that an earlier process answered in `folder`, and says whether there are any.
    pub(super) fn restore(&mut self, folder: &mut RunFolder) -> Result<bool, Error> {
        let answered = folder.take_answered();
        let any = !answered.is_empty();
        for (row, answered) in answered {
            let is_same =
                |record: &&mut Record| record.sample == answered.sample && record.repeat == answered.repeat;
            let same = self.records.get_mut(row).filter(is_same);
            let Some(record) = same else {
                let (task, folder) = (answered.sample.task, folder.path().to_path_buf());
                return Err(Error::SampleChanged { row, task, folder });
            };
            *record = answered;
            self.rows_done += 1;
        }
        Ok(any)
    }

    /// Whether every row of a group has an answer.
    pub(super) fn is_answered(&self, group: usize) -> bool {
        self.groups[group].iter().all(|row| self.records[*row].stats.is_some())
    }

    /// The first row of a group, which has its context.
    pub(super) fn first(&self, group: usize) -> &Sample {
        &self.records[self.groups[group][0]].sample
    }

    /// The rows of a group.
    pub(super) fn rows(&self, group: usize) -> impl Iterator<Item = &Record> {
        self.groups[group].iter().map(|row| &self.records[*row])
    }

    /// Puts the answers of a group, or the reason why there are none, into its rows.
    pub(super) fn fill(&mut self, group: usize, answered: Result<GroupAnswers, String>) -> GroupResult {
        let rows = &self.groups[group];
        match answered {
            Ok(response) => GroupResult {
                context_tokens: response.context.tokens,
                generated_tokens: response.rows.iter().map(RowAnswer::generated_tokens).sum(),
                measured: fill(&mut self.records, rows, response),
                error: None,
            },
            Err(reason) => {
                for row in rows {
                    self.records[*row].error = Some(reason.clone());
                }
                self.groups_failed += 1;
                self.rows_failed += rows.len();
                GroupResult { error: Some(reason), ..GroupResult::default() }
            }
        }
    }

    /// Puts a group into the journal of `folder`.
    pub(super) fn keep(
        &mut self,
        group: usize,
        result: &mut GroupResult,
        folder: &mut RunFolder,
    ) -> Result<(), Error> {
        let finished: Vec<&Record> = self.rows(group).collect();
        let measured = std::mem::take(&mut result.measured);
        let measured: Vec<_> =
            measured.into_iter().map(|(row, metrics)| (&self.records[row], metrics)).collect();
        folder.keep(&finished, &measured)?;
        self.rows_done += finished.len();
        Ok(())
    }

    /// What an observer is told of a group about to run.
    pub(super) fn started(&self, group: usize, new_tokens_limit: usize) -> GroupStarted<'_> {
        let first = self.first(group);
        GroupStarted {
            group,
            groups: self.groups.len(),
            rows: self.groups[group].len(),
            rows_done: self.rows_done,
            rows_total: self.rows_total,
            task: &first.task,
            context_bytes: first.context.len(),
            new_tokens_limit,
        }
    }

    /// What an observer is told of a group that has run.
    pub(super) fn finished<'a>(
        &'a self,
        group: usize,
        result: &'a GroupResult,
        elapsed: Duration,
    ) -> GroupFinished<'a> {
        GroupFinished {
            group,
            groups: self.groups.len(),
            rows: self.groups[group].len(),
            rows_done: self.rows_done,
            rows_total: self.rows_total,
            rows_failed: self.rows_failed,
            task: &self.first(group).task,
            context_tokens: result.context_tokens,
            generated_tokens: result.generated_tokens,
            elapsed,
            error: result.error.as_deref(),
        }
    }

    /// Of a run that was stopped here.
    pub(super) fn interrupted(&self, folder: &RunFolder) -> Error {
        Error::Interrupted {
            rows_done: self.rows_done,
            rows_total: self.rows_total,
            attention: folder.attention().to_owned(),
            run: folder.run_path().to_path_buf(),
        }
    }

    /// The records of the shard, and what failed.
    pub(super) fn into_outcome(self, seconds: Option<f64>) -> RunOutcome {
        let Self { mut records, groups, rows_failed, groups_failed, .. } = self;
        let own: HashSet<usize> = groups.iter().flatten().copied().collect();
        records.retain(|record| own.contains(&record.index));
        RunOutcome { records, rows_failed, groups: groups.len(), groups_failed, seconds }
    }
}

/// Puts the answers into their rows, and gives what was measured in each of `rows`.
fn fill(records: &mut [Record], rows: &[usize], answers: GroupAnswers) -> Vec<(usize, MicroMetrics)> {
    let GroupAnswers { context, rows: answers } = answers;
    let mut measured = Vec::new();
    for (&row, mut answered) in rows.iter().zip(answers) {
        let micro_metrics = answered.take_micro_metrics();
        let RowAnswer { reasoning, answer: Answer { text, thoughts, stats, .. } } = answered;
        let record = &mut records[row];
        let reasoning = reasoning.map(|Answer { text, thoughts, stats, .. }| {
            record.reasoning = Some(Reasoning { text, thoughts });
            stats
        });
        record.predicted_answer = text;
        record.thoughts = thoughts;
        let attention_calls = micro_metrics.as_ref().map(|metrics| metrics.calls);
        let group_size = rows.len();
        let context = context.clone();
        record.stats = Some(RecordStats { context, group_size, reasoning, answer: stats, attention_calls });
        measured.extend(micro_metrics.map(|metrics| (row, metrics)));
    }
    measured
}
