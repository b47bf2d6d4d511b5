//! What makes the scores of a run mean something else than they seem to.

use sah_request::AnswerEnd;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Record, RecordStats};

/// A warning that stands in the results of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about, for programs.
    pub kind: WarningKind,
    /// What it says, as one sentence without a full stop. Names no flag.
    pub message: String,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// More than a tenth of the answers ended at their limit on new tokens.
    AnswersAtLimit,
    /// Answers are empty.
    EmptyAnswers,
    /// Thoughts had no end, so that nothing is known of the answer.
    UnfinishedThoughts,
    /// The chat template makes the model think before it answers, or would if it were not told otherwise.
    TemplateThinks,
    /// Limits on new tokens are higher than those of the benchmark's authors.
    LimitsAboveAuthors,
    /// Limits on new tokens are lower than those of the benchmark's authors.
    LimitsBelowAuthors,
    /// Reasoning and answer come of one request, where the benchmark's authors ask for the answer in a second one.
    ReasoningWithAnswer,
    /// The model is not run as its checkpoint may mean it: fields have no effect, parts or tensors are not read.
    Checkpoint,
    /// Text of contexts or questions gave special tokens, such as the end of a turn.
    SpecialTokensInText,
    /// The tokenizer does something else than its files say.
    Tokenizer,
    /// The model's generation config has fields that would change answers and are not applied.
    GenerationConfigNotApplied,
    /// The model's generation config asks for tokens drawn at random, and decoding is greedy.
    GreedyInsteadOfSampling,
    /// A text that rows are made of is shorter than they are and stands in them more than once.
    RepeatedText,
    /// One that only a later version knows.
    #[serde(other)]
    Other,
}

impl Warning {
    /// A warning of this kind.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What the answers of a run give rise to.
    pub(super) fn of_records(records: &[Record]) -> Vec<Self> {
        let answered: Vec<&Record> = records.iter().filter(|record| record.stats.is_some()).collect();
        let all = [
            answers_at_limit(&answered),
            unfinished_thoughts(&answered),
            empty_answers(&answered),
            special_tokens(&answered),
        ];
        all.into_iter().flatten().collect()
    }

    /// Those that are known before the first request: `warnings` in a `config.json`.
    pub(super) fn of_config(config: &Value) -> Vec<Self> {
        serde_json::from_value(config["warnings"].clone()).unwrap_or_default()
    }
}

/// Whether more than a tenth ended there. Answers whose thoughts had no end are counted apart.
fn answers_at_limit(answered: &[&Record]) -> Option<Warning> {
    let (cut, of) = (count(answered, |record| end(record) == Some(AnswerEnd::Limit)), answered.len());
    let message = format!("{cut} of {of} answers ended at their limit on new tokens");
    (10 * cut > of).then(|| Warning::new(WarningKind::AnswersAtLimit, message))
}

fn unfinished_thoughts(answered: &[&Record]) -> Option<Warning> {
    let thoughts = |record: &Record| record.thoughts.as_ref().map(|thoughts| thoughts.is_finished);
    let (all, unfinished) = (
        count(answered, |record| thoughts(record).is_some()),
        count(answered, |record| thoughts(record) == Some(false)),
    );
    let message = format!("{unfinished} of {all} thoughts had no end, so that their answers are unknown");
    (unfinished > 0).then(|| Warning::new(WarningKind::UnfinishedThoughts, message))
}

fn empty_answers(answered: &[&Record]) -> Option<Warning> {
    let empty = count(answered, |record| record.predicted_answer.trim().is_empty());
    let message = format!("{empty} of {} answers are empty", answered.len());
    (empty > 0).then(|| Warning::new(WarningKind::EmptyAnswers, message))
}

fn end(record: &Record) -> Option<AnswerEnd> {
    record.stats.as_ref()?.answer.end
}

fn count(records: &[&Record], is_so: impl Fn(&Record) -> bool) -> usize {
    records.iter().filter(|record| is_so(record)).count()
}

fn special_tokens(answered: &[&Record]) -> Option<Warning> {
    let stats = || answered.iter().filter_map(|record| record.stats.as_ref());
    let rows = stats().filter(|stats| stats.context.special_tokens > 0).count();
    // Rows of one group share its tokens.
    let share = |stats: &RecordStats| stats.context.special_tokens as f64 / stats.group_size as f64;
    let tokens = stats().map(share).sum::<f64>().round();
    let message =
        || format!("the text of {rows} of {} rows has {tokens} special tokens in it", answered.len());
    (rows > 0).then(|| Warning::new(WarningKind::SpecialTokensInText, message()))
}

#[cfg(test)]
mod tests {
    use sah_request::{AnswerEnd, AnswerStats, ContextStats, Thoughts};
    use serde_json::json;

    use super::{Warning, WarningKind};
    use crate::{Record, RecordStats, Sample};

    /// An answered row.
    fn record(answer: &str, end: AnswerEnd, thoughts_finished: Option<bool>) -> Record {
        let sample = Sample {
            task: "qa".to_owned(),
            context: String::new(),
            question: String::new(),
            answer_prefix: String::new(),
            max_new_tokens: 1,
            extra: Vec::new(),
        };
        let thoughts = thoughts_finished.map(|is_finished| Thoughts { text: "hmm".to_owned(), is_finished });
        let answer_stats = AnswerStats { end: Some(end), ..AnswerStats::default() };
        let stats = RecordStats { answer: answer_stats, ..RecordStats::default() };
        let predicted_answer = answer.to_owned();
        Record { predicted_answer, thoughts, stats: Some(stats), ..Record::unanswered(0, sample) }
    }

    #[test]
    fn more_than_a_tenth_of_the_answers_at_their_limit_is_said() {
        let answers = |at_limit: usize| {
            let end = |row| if row < at_limit { AnswerEnd::Limit } else { AnswerEnd::EndOfTurn };
            let records: Vec<Record> = (0..20).map(|row| record("a", end(row), None)).collect();
            Warning::of_records(&records)
        };
        assert_eq!(answers(2), []);
        let message = "3 of 20 answers ended at their limit on new tokens";
        assert_eq!(answers(3), [Warning::new(WarningKind::AnswersAtLimit, message)]);
    }

    #[test]
    fn thoughts_without_an_end_and_rows_that_failed_are_told_apart() {
        let mut failed = record("", AnswerEnd::Limit, None);
        failed.stats = None;
        let records = [
            record("a", AnswerEnd::EndOfTurn, Some(true)),
            record("", AnswerEnd::ThinkingLimit, Some(false)),
            record("b", AnswerEnd::EndOfTurn, None),
            failed,
        ];
        let warnings = Warning::of_records(&records);
        let said: Vec<_> = warnings.iter().map(|warning| (warning.kind, &*warning.message)).collect();
        let expected = [
            (
                WarningKind::UnfinishedThoughts,
                "1 of 2 thoughts had no end, so that their answers are unknown",
            ),
            (WarningKind::EmptyAnswers, "1 of 3 answers are empty"),
        ];
        assert_eq!(said, expected);
        assert_eq!(Warning::of_records(&[]), []);
    }

    #[test]
    fn special_tokens_in_texts_are_counted_once_for_a_context() {
        let record = |special_tokens: usize, group_size: usize| {
            let mut record = record("a", AnswerEnd::EndOfTurn, None);
            let context = ContextStats { special_tokens, ..ContextStats::default() };
            record.stats = Some(RecordStats { context, group_size, ..RecordStats::default() });
            record
        };
        assert_eq!(Warning::of_records(&[record(0, 1)]), []);
        let found = Warning::of_records(&[record(4, 2), record(4, 2), record(1, 1), record(0, 1)]);
        assert_eq!(found[0].kind, WarningKind::SpecialTokensInText);
        assert_eq!(found[0].message, "the text of 3 of 4 rows has 5 special tokens in it");
    }

    #[test]
    fn they_are_read_back_and_those_of_later_versions_too() {
        let config = json!({"warnings": [
            {"kind": "empty_answers", "message": "a"}, {"kind": "of_tomorrow", "message": "b"}]});
        let expected = [Warning::new(WarningKind::EmptyAnswers, "a"), Warning::new(WarningKind::Other, "b")];
        assert_eq!(Warning::of_config(&config), expected);
        assert_eq!(Warning::of_config(&json!({})), []);
    }
}
