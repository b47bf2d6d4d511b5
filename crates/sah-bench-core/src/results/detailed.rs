//! `detailed_results.json`: what the run cost, in all, per task and per row.

use indexmap::IndexMap;
use sah_request::{AnswerStats, AttentionBackends, ContextStats};
use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use crate::{Record, RecordStats};

/// What only the caller can measure about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunMeasures {
    /// Seconds from the first request to the last answer, with everything between; `None` where nobody measured it.
    pub run_seconds: Option<f64>,
    /// Seconds to load the model.
    pub model_load_seconds: Option<f64>,
    /// The most memory in use during the run, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// What `peak_memory_bytes` counts, such as `process resident set` or `CUDA allocator`.
    pub peak_memory_source: Option<String>,
}

/// The content of `detailed_results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetailedResults {
    /// Rows of the run.
    pub rows: usize,
    /// Rows that have no answer.
    pub rows_failed: usize,
    /// What the caller measured.
    #[serde(flatten)]
    pub measures: RunMeasures,
    /// The kernels that computed attention of answered rows; empty where the model does not say.
    #[serde(default)]
    pub attention_backends: AttentionBackends,
    /// Time and tokens of all answered rows.
    pub total: Cost,
    /// How single answered rows differ.
    pub per_row: PerRow,
    /// Share of their keys that contexts kept in each layer and KV head, `[layer][head]`: the mean over contexts, to four decimals.
    /// Not in the file where there is no retention.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_by_head: Vec<Vec<f64>>,
    /// The same for each task, in the order of the rows.
    pub tasks: IndexMap<String, TaskCost>,
}

/// What one task cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskCost {
    /// Rows of the task.
    pub rows: usize,
    /// Rows of it that have no answer.
    pub rows_failed: usize,
    /// Time and tokens of its answered rows.
    pub total: Cost,
    /// How single answered rows differ.
    pub per_row: PerRow,
}

/// Time and tokens of a set of answered rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Processing contexts.
    pub prefill: Phase,
    /// Processing questions, up to the first new token of each.
    pub question: Phase,
    /// Generating the tokens after the first.
    pub decode: Phase,
    /// Seconds of all three phases.
    pub seconds: f64,
    /// New tokens, those that the question phase gives included.
    pub generated_tokens: u64,
    /// Context tokens that truncation dropped; of a context shared by several rows, each row's part.
    pub truncated_tokens: u64,
    /// Tokens at the ends of contexts that rows read with their questions, each row its own.
    #[serde(default)]
    pub border_tokens: u64,
    /// Mean of the rows' densities, 1 for dense attention; `None` where no row has one.
    pub density: Option<f64>,
    /// Mean over the rows of the share of their contexts' keys that a retention left; not in the file where there is no retention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<f64>,
}

/// Seconds and tokens of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Seconds.
    pub seconds: f64,
    /// Tokens that went through the model.
    pub tokens: u64,
    /// Tokens a second; `None` where no time was spent.
    pub tokens_per_second: Option<f64>,
}

/// Mean, median, 95th percentile and greatest value over answered rows; `None` where there are none.
///
/// A context that several rows share counts in each of them at its full length, and at its share of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerRow {
    /// Tokens of the context.
    pub context_tokens: Option<Distribution>,
    /// New tokens.
    pub generated_tokens: Option<Distribution>,
    /// The row's share of the seconds that its context took.
    pub prefill_seconds: Option<Distribution>,
    /// Seconds from the question to the first new token.
    pub question_seconds: Option<Distribution>,
    /// Seconds for the new tokens after the first.
    pub decode_seconds: Option<Distribution>,
    /// Seconds of all three phases.
    pub seconds: Option<Distribution>,
    /// Density of the attention.
    pub density: Option<Distribution>,
    /// Bytes that maskers remember, over the tokens of context, question and answer.
    pub masker_state_bytes_per_token: Option<Distribution>,
    /// Bytes of the context's keys and values, after eviction.
    #[serde(default)]
    pub cache_bytes: Option<Distribution>,
    /// The same over the tokens of the context, those whose keys went included.
    #[serde(default)]
    pub cache_bytes_per_token: Option<Distribution>,
    /// The most bytes of KV caches until the context was read and keys were dropped.
    #[serde(default)]
    pub peak_cache_bytes: Option<Distribution>,
}

impl DetailedResults {
    /// Sums up finished rows. All rows of a group that shared a context must be there.
    #[must_use]
    pub fn new(records: &[Record], measures: RunMeasures) -> Self {
        let mut tasks: IndexMap<&str, Vec<&Record>> = IndexMap::new();
        for record in records {
            tasks.entry(&record.sample.task).or_default().push(record);
        }
        let all: Vec<&Record> = records.iter().collect();
        let TaskCost { rows, rows_failed, total, per_row } = TaskCost::of(&all);
        let tasks = tasks.into_iter().map(|(task, rows)| (task.to_owned(), TaskCost::of(&rows))).collect();
        let mut attention_backends = AttentionBackends::default();
        for stats in records.iter().filter_map(|record| record.stats.as_ref()) {
            stats.answers().for_each(|answer| attention_backends.merge(&answer.attention_backends));
        }
        let kept_by_head = kept_by_head(records.iter().filter_map(|record| record.stats.as_ref()));
        Self { rows, rows_failed, measures, attention_backends, total, per_row, kept_by_head, tasks }
    }

    /// Rows that have an answer.
    #[must_use]
    pub fn rows_answered(&self) -> usize {
        self.rows - self.rows_failed
    }
}

impl TaskCost {
    fn of(records: &[&Record]) -> Self {
        let stats: Vec<&RecordStats> = records.iter().filter_map(|record| record.stats.as_ref()).collect();
        Self {
            rows: records.len(),
            rows_failed: records.iter().filter(|record| record.error.is_some()).count(),
            total: Cost::of(&stats),
            per_row: PerRow::of(&stats),
        }
    }
}

/// Of each layer and head the mean over contexts; of a context that several rows share, each row bears its part.
fn kept_by_head<'a>(rows: impl Iterator<Item = &'a RecordStats>) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> = Vec::new();
    let mut contexts = 0.0;
    for row in rows.filter(|row| !row.context.kept_keys.is_empty()) {
        contexts += share(row, 1.0);
        sums.resize_with(sums.len().max(row.context.kept_keys.len()), Vec::new);
        for (sums, kept) in sums.iter_mut().zip(&row.context.kept_keys) {
            sums.resize(sums.len().max(kept.len()), 0.0);
            for (sum, kept) in sums.iter_mut().zip(kept) {
                *sum += share(row, *kept as f64 / row.context.tokens.max(1) as f64);
            }
        }
    }
    let mean = |sum: f64| (sum / contexts * 1e4).round() / 1e4;
    sums.into_iter().map(|heads| heads.into_iter().map(mean).collect()).collect()
}

/// The row's part of what its context cost: rows of one group share it equally, whatever their tasks.
fn share(stats: &RecordStats, of: f64) -> f64 {
    of / stats.group_size.max(1) as f64
}

fn prefill_share(stats: &RecordStats) -> f64 {
    share(stats, stats.context.prefill_seconds)
}

impl Cost {
    fn of(rows: &[&RecordStats]) -> Self {
        // Not `sum`, which gives -0 where there are no rows.
        let sum = |read: fn(&RecordStats) -> f64| rows.iter().fold(0.0, |sum, row| sum + read(row));
        let count = |read: fn(&AnswerStats) -> usize| {
            rows.iter().flat_map(|row| row.answers()).map(read).sum::<usize>() as u64
        };
        let prefill_tokens = sum(|row| share(row, row.context.tokens as f64)).round() as u64;
        let truncated_tokens = sum(|row| share(row, row.context.truncated_tokens as f64)).round() as u64;
        let prefill = Phase::new(sum(prefill_share), prefill_tokens);
        let question = Phase::new(sum(question_seconds), count(|answer| answer.question_tokens));
        // The first new token comes out of the question phase.
        let decoded = count(|answer| answer.generated_tokens.saturating_sub(1));
        let decode = Phase::new(sum(decode_seconds), decoded);
        let densities: Vec<f64> = rows.iter().filter_map(|row| row.density()).collect();
        Self {
            prefill,
            question,
            decode,
            seconds: prefill.seconds + question.seconds + decode.seconds,
            generated_tokens: count(|answer| answer.generated_tokens),
            truncated_tokens,
            border_tokens: rows.iter().map(|row| row.context.border_tokens as u64).sum(),
            density: Distribution::of(densities).map(|densities| densities.mean),
            kept: Distribution::of(rows.iter().filter_map(|row| row.context.kept).collect())
                .map(|shares| shares.mean),
        }
    }
}

/// Of all requests of a row.
fn question_seconds(row: &RecordStats) -> f64 {
    row.answers().fold(0.0, |sum, answer| sum + answer.question_seconds)
}

/// Of all requests of a row.
fn decode_seconds(row: &RecordStats) -> f64 {
    row.answers().fold(0.0, |sum, answer| sum + answer.decode_seconds)
}

impl Phase {
    fn new(seconds: f64, tokens: u64) -> Self {
        let tokens_per_second = Some(tokens as f64 / seconds).filter(|speed| speed.is_finite());
        Self { seconds, tokens, tokens_per_second }
    }
}

impl PerRow {
    fn of(rows: &[&RecordStats]) -> Self {
        let each = |read: fn(&RecordStats) -> f64| Distribution::of(rows.iter().copied().map(read).collect());
        // 0 is a model that does not say.
        let bytes = |read: fn(&ContextStats) -> f64| {
            let figures = rows.iter().map(|row| read(&row.context)).filter(|bytes| *bytes > 0.0);
            Distribution::of(figures.collect())
        };
        Self {
            context_tokens: each(|row| row.context.tokens as f64),
            generated_tokens: each(|row| {
                row.answers().map(|answer| answer.generated_tokens).sum::<usize>() as f64
            }),
            prefill_seconds: each(prefill_share),
            question_seconds: each(question_seconds),
            decode_seconds: each(decode_seconds),
            seconds: each(|row| prefill_share(row) + question_seconds(row) + decode_seconds(row)),
            density: Distribution::of(rows.iter().filter_map(|row| row.density()).collect()),
            masker_state_bytes_per_token: each(|row| {
                let answer = row.with_context();
                let tokens = row.context.tokens + answer.question_tokens + answer.generated_tokens;
                answer.masker_state_bytes as f64 / tokens.max(1) as f64
            }),
            cache_bytes: bytes(|context| context.cache_bytes as f64),
            cache_bytes_per_token: bytes(|context| context.cache_bytes as f64 / context.tokens.max(1) as f64),
            peak_cache_bytes: bytes(|context| context.peak_cache_bytes as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;

    fn record(task: &str, group_size: usize, density: Option<f64>) -> Record {
        let sample = Sample {
            task: task.to_owned(),
            context: "shared".to_owned(),
            question: String::new(),
            answer_prefix: String::new(),
            max_new_tokens: 5,
            extra: Vec::new(),
        };
        Record {
            predicted_answer: "x".to_owned(),
            stats: Some(RecordStats {
                context: ContextStats {
                    tokens: 90,
                    truncated_tokens: 9,
                    special_tokens: 0,
                    border_tokens: 2,
                    prefill_seconds: 3.0,
                    ..ContextStats::default()
                },
                group_size,
                reasoning: None,
                attention_calls: None,
                answer: AnswerStats {
                    question_tokens: 10,
                    generated_tokens: 5,
                    thinking_tokens: 0,
                    end: None,
                    question_seconds: 0.5,
                    decode_seconds: 2.0,
                    density,
                    masker_state_bytes: 840,
                    attention_backends: AttentionBackends::default(),
                },
            }),
            ..Record::unanswered(0, sample)
        }
    }

    #[test]
    fn a_shared_context_counts_once_and_is_shared_by_the_rows() {
        let records = [record("a", 3, Some(0.2)), record("a", 3, Some(0.4)), record("b", 3, None)];
        let detailed = DetailedResults::new(&records, RunMeasures::default());
        assert_eq!(detailed.total.prefill, Phase { seconds: 3.0, tokens: 90, tokens_per_second: Some(30.0) });
        assert_eq!(detailed.total.decode, Phase { seconds: 6.0, tokens: 12, tokens_per_second: Some(2.0) });
        assert_eq!(
            detailed.total.question,
            Phase { seconds: 1.5, tokens: 30, tokens_per_second: Some(20.0) }
        );
        assert_eq!((detailed.total.generated_tokens, detailed.total.truncated_tokens), (15, 9));
        assert_eq!(detailed.total.border_tokens, 6, "each row reads them");
        assert!((detailed.total.seconds - 10.5).abs() < 1e-12);
        assert!((detailed.total.density.unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(detailed.tasks["a"].total.prefill.tokens, 60);
        assert_eq!(
            detailed.tasks["b"].total.prefill,
            Phase { seconds: 1.0, tokens: 30, tokens_per_second: Some(30.0) }
        );
        assert_eq!(detailed.tasks["b"].total.density, None);
        let seconds = Distribution { mean: 3.5, median: 3.5, p95: 3.5, max: 3.5 };
        assert_eq!(detailed.tasks["b"].per_row.seconds, Some(seconds));
        // 90 + 10 + 5 tokens.
        let bytes = Distribution { mean: 8.0, median: 8.0, p95: 8.0, max: 8.0 };
        assert_eq!(detailed.per_row.masker_state_bytes_per_token, Some(bytes));
    }

    #[test]
    fn kept_keys_are_means_over_contexts_and_bytes_over_rows() {
        let keeping = |group_size, kept: [[usize; 2]; 2], cache_bytes| {
            let mut record = record("a", group_size, None);
            let context = &mut record.stats.as_mut().unwrap().context;
            context.kept_keys = kept.map(Vec::from).to_vec();
            (context.cache_bytes, context.peak_cache_bytes) = (cache_bytes, 10 * cache_bytes);
            record
        };
        let shared = keeping(2, [[90, 9], [0, 45]], 180);
        let records = [shared.clone(), shared, keeping(1, [[90, 27], [30, 0]], 360)];
        let detailed = DetailedResults::new(&records, RunMeasures::default());
        assert_eq!(detailed.kept_by_head, [[1.0, 0.2], [0.1667, 0.25]], "a shared context counts once");
        let PerRow { cache_bytes, cache_bytes_per_token, peak_cache_bytes, .. } = detailed.per_row;
        let bytes = [cache_bytes, cache_bytes_per_token, peak_cache_bytes].map(Option::unwrap);
        let expected = [("median", 180.0), ("max", 4.0), ("max", 3600.0)];
        for (figures, (key, expected)) in bytes.iter().zip(expected) {
            assert_eq!(serde_json::to_value(figures).unwrap()[key], expected, "{figures:?}");
        }

        let without = DetailedResults::new(&[record("a", 1, None)], RunMeasures::default());
        assert_eq!((without.kept_by_head.len(), without.per_row.cache_bytes), (0, None));
        let mut old = serde_json::to_value(&without).unwrap();
        for key in ["cache_bytes", "cache_bytes_per_token", "peak_cache_bytes"] {
            old["per_row"].as_object_mut().unwrap().remove(key);
        }
        assert_eq!(serde_json::from_value::<DetailedResults>(old).unwrap(), without, "as before these keys");
    }

    #[test]
    fn failed_rows_are_counted_and_cost_nothing() {
        let mut failed = record("a", 1, None);
        failed.error = Some("out of memory".to_owned());
        failed.stats = None;
        let detailed = DetailedResults::new(&[failed, record("a", 1, None)], RunMeasures::default());
        assert_eq!((detailed.rows, detailed.rows_failed, detailed.rows_answered()), (2, 1, 1));
        assert_eq!(detailed.total.prefill.tokens, 90);
        let tokens = Distribution { mean: 90.0, median: 90.0, p95: 90.0, max: 90.0 };
        assert_eq!(detailed.per_row.context_tokens, Some(tokens));
    }

    #[test]
    fn nothing_answered_gives_null_not_nan() {
        let detailed = DetailedResults::new(&[], RunMeasures::default());
        assert_eq!(detailed.total, Cost::default());
        assert!(detailed.total.seconds.is_sign_positive(), "-0 would be printed");
        assert_eq!(detailed.per_row, PerRow::default());
    }
}
