//! What the model is asked about the rows of a group, and what it answers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sah_request::{
    Answer, ContextStats, Draws, MicroMetrics, Question, Request, RequestObserver, RequestResponse,
};

use super::Runner;
use super::check::check;
use super::streams::stream;
use crate::error::{full_text, panic_text};
use crate::{FollowUp, Record, RunObserver};

/// What came of the rows of a group.
pub(super) struct GroupAnswers {
    pub(super) context: ContextStats,
    /// For each row, in the order asked.
    pub(super) rows: Vec<RowAnswer>,
}

/// What came of a row.
pub(super) struct RowAnswer {
    /// What the model wrote first, where it was asked again.
    pub(super) reasoning: Option<Answer>,
    pub(super) answer: Answer,
}

impl Runner<'_> {
    /// The answers of one group, or why there are none.
    pub(super) fn answer(
        &self,
        records: &mut [Record],
        rows: &[usize],
        observer: &mut dyn RunObserver,
    ) -> Result<GroupAnswers, String> {
        let form = self.form(&records[rows[0]].sample);
        let questions: Vec<Question> = rows.iter().map(|row| question(&records[*row])).collect();
        // Lent to the request and given back: contexts are long.
        let context = std::mem::take(&mut records[rows[0]].sample.context);
        let request = Request { context, questions, answer_prefix: String::new(), form };
        let response = self.ask(&request, observer);
        records[rows[0]].sample.context = request.context;
        let RequestResponse { answers, context } = response?;
        let answered = rows.iter().zip(answers).map(|(row, first)| {
            let record = &records[*row];
            match self.benchmark.follow_up(&record.sample, &first.text) {
                None => Ok(RowAnswer { reasoning: None, answer: first }),
                Some(follow_up) => {
                    let second = self.ask_again(record, follow_up, observer)?;
                    Ok(RowAnswer { reasoning: Some(first), answer: second })
                }
            }
        });
        Ok(GroupAnswers { context, rows: answered.collect::<Result<_, String>>()? })
    }

    /// The answer to a second question about a row, with all that its request cost.
    fn ask_again(
        &self,
        record: &Record,
        follow_up: FollowUp,
        observer: &mut dyn RunObserver,
    ) -> Result<Answer, String> {
        let FollowUp { prompt, max_new_tokens } = follow_up;
        let repeat = record.repeat.unwrap_or_default() as u64;
        let draws = Some(Draws { repeat, stream: stream(["", "", &prompt, ""]) });
        let max_new_tokens = Some(max_new_tokens);
        let question = Question { text: prompt, answer_prefix: None, max_new_tokens, draws };
        let form = self.form(&record.sample);
        let request = Request { form, ..Request::new("", question) };
        let response = self.ask(&request, observer);
        let response = response.map_err(|error| format!("the request after the reasoning: {error}"))?;
        let RequestResponse { mut answers, context } = response;
        // There is one for each question.
        let mut answer = answers.pop().unwrap_or_default();
        // A chat template may put tokens before it, which are read as a context.
        answer.stats.question_tokens += context.tokens;
        answer.stats.question_seconds += context.prefill_seconds;
        Ok(answer)
    }

    fn ask(&self, request: &Request, observer: &mut dyn RunObserver) -> Result<RequestResponse, String> {
        let observer: &mut dyn RequestObserver = observer;
        // Models on libtorch report some failures, such as running out of memory, by panicking.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let response = self.adapter.process_observed(request, self.generation, self.limits, observer);
            response.map_err(|error| full_text(&error))
        }));
        let response = result
            .unwrap_or_else(|panic| Err(format!("the model panicked: {}", panic_text(panic.as_ref()))))?;
        check(&response, request.questions.len())?;
        Ok(response)
    }
}

impl RowAnswer {
    /// What both requests measured of their attention calls.
    pub(super) fn take_micro_metrics(&mut self) -> Option<MicroMetrics> {
        let first = self.reasoning.as_mut().and_then(|first| first.micro_metrics.take());
        let second = self.answer.micro_metrics.take();
        let join = |one: MicroMetrics, other: MicroMetrics| MicroMetrics {
            calls: one.calls + other.calls,
            sampled: [one.sampled, other.sampled].concat(),
        };
        first.into_iter().chain(second).reduce(join)
    }

    pub(super) fn generated_tokens(&self) -> usize {
        self.reasoning.iter().chain([&self.answer]).map(|answer| answer.stats.generated_tokens).sum()
    }
}

fn question(Record { sample, repeat, .. }: &Record) -> Question {
    let texts = || [&sample.task, &sample.context, &sample.question, &sample.answer_prefix];
    Question {
        text: sample.question.clone(),
        answer_prefix: Some(sample.answer_prefix.clone()),
        max_new_tokens: Some(sample.max_new_tokens),
        draws: repeat
            .map(|repeat| Draws { repeat: repeat as u64, stream: stream(texts().map(String::as_str)) }),
    }
}
