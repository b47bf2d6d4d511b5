//! Puts samples through a model, one request for each context.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sah_adapter::{
    Answer, AnswerStats, GenerationParams, MicroMetrics, ModelAdapter, PromptForm, Question, Request,
    RequestLimits, RequestResponse,
};

use crate::error::{full_text, panic_text};
use crate::{
    Error, GroupFinished, GroupStarted, Record, RecordStats, RunFolder, RunObserver, Sample, Shard,
    group_by_context,
};

/// How samples are put through a model.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    /// The model.
    pub adapter: &'a dyn ModelAdapter,
    /// How answers are generated. The limit of each sample applies too: the smaller one counts.
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
            .field("generation", self.generation)
            .field("limits", self.limits)
            .field("plain_subsets", &self.plain_subsets)
            .finish_non_exhaustive()
    }
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// One for each sample of the part that was run, in the order of the samples.
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
    /// Rows of a group may differ in answer prefix and limit: each keeps its own. A context that fails (the adapter
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
        // A context in a chat template is another text than the same without.
        let groups =
            group_by_context(samples.iter().map(|sample| (sample.context.as_str(), self.form(sample))));
        let groups: Vec<Vec<usize>> = groups
            .into_iter()
            .enumerate()
            .filter(|(group, _)| shard.has(*group))
            .map(|(_, rows)| rows)
            .collect();
        let mut records: Vec<Record> = samples.into_iter().enumerate().map(unanswered).collect();
        let rows_total = groups.iter().map(Vec::len).sum();
        let answered = folder.take_answered();
        let is_resumed = !answered.is_empty();
        let mut rows_done = 0;
        for (row, answered) in answered {
            let same = records.get_mut(row).filter(|record| record.sample == answered.sample);
            let Some(record) = same else {
                let (task, folder) = (answered.sample.task, folder.path().to_path_buf());
                return Err(Error::SampleChanged { row, task, folder });
            };
            *record = answered;
            rows_done += 1;
        }
        let (mut rows_failed, mut groups_failed) = (0, 0);

        for (group, rows) in groups.iter().enumerate() {
            if rows.iter().all(|row| records[*row].stats.is_some()) {
                continue;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted {
                    rows_done,
                    rows_total,
                    attention: folder.attention().to_owned(),
                    run: folder.run_path().to_path_buf(),
                });
            }
            let first = &records[rows[0]].sample;
            observer.group_started(&GroupStarted {
                group,
                groups: groups.len(),
                rows: rows.len(),
                rows_done,
                rows_total,
                task: &first.task,
                context_bytes: first.context.len(),
                new_tokens_limit: rows.iter().map(|row| self.limit(&records[*row].sample)).sum(),
            });
            let group_start = Instant::now();
            let span = tracing::info_span!("context", task = first.task, rows = rows.len()).entered();
            let answered = self.answer(&mut records, rows, observer);
            span.exit();
            let elapsed = group_start.elapsed();

            let (mut context_tokens, mut generated_tokens, mut error) = (0, 0, None);
            let mut measured = Vec::new();
            match answered {
                Ok(response) => {
                    context_tokens = response.context.tokens;
                    generated_tokens =
                        response.answers.iter().map(|answer| answer.stats.generated_tokens).sum();
                    measured = fill(&mut records, rows, response);
                }
                Err(reason) => {
                    for row in rows {
                        records[*row].error = Some(reason.clone());
                    }
                    groups_failed += 1;
                    rows_failed += rows.len();
                    error = Some(reason);
                }
            }
            let finished: Vec<&Record> = rows.iter().map(|row| &records[*row]).collect();
            let measured: Vec<_> =
                measured.into_iter().map(|(row, metrics)| (&records[row], metrics)).collect();
            folder.keep(&finished, &measured)?;
            rows_done += rows.len();
            observer.group_finished(&GroupFinished {
                group,
                groups: groups.len(),
                rows: rows.len(),
                rows_done,
                rows_total,
                rows_failed,
                task: &records[rows[0]].sample.task,
                context_tokens,
                generated_tokens,
                elapsed,
                error: error.as_deref(),
            });
        }
        let mine: HashSet<usize> = groups.iter().flatten().copied().collect();
        records.retain(|record| mine.contains(&record.index));
        let seconds = (!is_resumed).then(|| start.elapsed().as_secs_f64());
        Ok(RunOutcome { records, rows_failed, groups: groups.len(), groups_failed, seconds })
    }

    /// How a sample is put before the model.
    fn form(&self, sample: &Sample) -> PromptForm {
        if self.plain_subsets.contains(&sample.task) { PromptForm::Plain } else { PromptForm::Chat }
    }

    /// New tokens of the answer to a sample, at most.
    fn limit(&self, sample: &Sample) -> usize {
        let question = Question { max_new_tokens: Some(sample.max_new_tokens), ..Question::default() };
        self.generation.limit_for(&question)
    }

    /// The response for one group, or why there is none.
    fn answer(
        &self,
        records: &mut [Record],
        rows: &[usize],
        observer: &mut dyn RunObserver,
    ) -> Result<RequestResponse, String> {
        let form = self.form(&records[rows[0]].sample);
        let questions: Vec<Question> = rows.iter().map(|row| question(&records[*row].sample)).collect();
        // Lent to the request and given back: contexts are long.
        let context = std::mem::take(&mut records[rows[0]].sample.context);
        let request = Request { context, questions, answer_prefix: String::new(), form };
        // Models on libtorch report some failures, such as running out of memory, by panicking.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let response = self.adapter.process_observed(&request, self.generation, self.limits, observer);
            response.map_err(|error| full_text(&error))
        }));
        records[rows[0]].sample.context = request.context;
        let response = result
            .unwrap_or_else(|panic| Err(format!("the model panicked: {}", panic_text(panic.as_ref()))))?;
        check(&response, rows.len())?;
        Ok(response)
    }
}

fn unanswered((index, sample): (usize, Sample)) -> Record {
    Record { index, sample, predicted_answer: String::new(), error: None, stats: None }
}

fn question(sample: &Sample) -> Question {
    Question {
        text: sample.question.clone(),
        answer_prefix: Some(sample.answer_prefix.clone()),
        max_new_tokens: Some(sample.max_new_tokens),
    }
}

/// Puts the answers into their rows, and gives what was measured in each of `rows`.
fn fill(records: &mut [Record], rows: &[usize], response: RequestResponse) -> Vec<(usize, MicroMetrics)> {
    let RequestResponse { answers, context } = response;
    let mut measured = Vec::new();
    for (&row, Answer { text, stats, micro_metrics }) in rows.iter().zip(answers) {
        records[row].predicted_answer = text;
        let attention_calls = micro_metrics.as_ref().map(|metrics| metrics.calls);
        records[row].stats =
            Some(RecordStats { context, group_size: rows.len(), answer: stats, attention_calls });
        measured.extend(micro_metrics.map(|metrics| (row, metrics)));
    }
    measured
}

/// One answer for each question, and figures that are figures.
fn check(response: &RequestResponse, questions: usize) -> Result<(), String> {
    let answers = response.answers.len();
    if answers != questions {
        return Err(format!("the model gave {answers} answers to {questions} questions"));
    }
    check_seconds("prefill_seconds", response.context.prefill_seconds)?;
    for Answer { stats, micro_metrics, .. } in &response.answers {
        let &AnswerStats { question_seconds, decode_seconds, density, .. } = stats;
        check_seconds("question_seconds", question_seconds)?;
        check_seconds("decode_seconds", decode_seconds)?;
        density.map_or(Ok(()), check_density)?;
        for call in micro_metrics.iter().flat_map(|metrics| &metrics.sampled) {
            let heads = call.heads.iter().map(|head| (head.density, head.output_error));
            for (density, error) in heads.chain([(call.density, call.output_error)]) {
                check_density(density)?;
                error.map_or(Ok(()), check_error)?;
            }
        }
    }
    Ok(())
}

fn check_density(density: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&density) {
        Ok(())
    } else {
        Err(format!("the model reported a density of {density}, which is not between 0 and 1"))
    }
}

fn check_error(error: f64) -> Result<(), String> {
    if error.is_finite() && error >= 0.0 {
        Ok(())
    } else {
        Err(format!("the model reported an attention error of {error}, which is no relative error"))
    }
}

fn check_seconds(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("the model reported {name} = {value}, which is no length of time"))
    }
}
