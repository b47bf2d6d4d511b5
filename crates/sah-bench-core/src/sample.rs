//! One row of a benchmark, before and after the model answered it.

use std::fmt;

use sah_request::{AnswerStats, ContextStats, Thoughts};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// One question of a benchmark with the context it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The subset the row belongs to.
    pub task: String,
    /// The long text. Rows with equal contexts are answered together.
    pub context: String,
    /// The question about it.
    pub question: String,
    /// How the answer begins.
    pub answer_prefix: String,
    /// At most this many new tokens.
    pub max_new_tokens: usize,
    /// The benchmark's own columns, in the order of its [`Benchmark::extra_columns`](crate::Benchmark::extra_columns).
    pub extra: Vec<Value>,
}

/// A column that a benchmark adds to those every [`Sample`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the data and in the result files.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a [`Column`] holds. Every kind may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit integer.
    Integer,
    /// A list of texts.
    TextList,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Integer => "an integer",
            Self::TextList => "a list of texts",
        })
    }
}

/// One value of a [`Column`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing there.
    Null,
    /// See [`ColumnKind::Text`].
    Text(String),
    /// See [`ColumnKind::Integer`].
    Integer(i64),
    /// See [`ColumnKind::TextList`].
    TextList(Vec<String>),
}

impl Value {
    /// The kind of column it belongs in; `None` for null, which fits every column.
    #[must_use]
    pub fn kind(&self) -> Option<ColumnKind> {
        match self {
            Self::Null => None,
            Self::Text(_) => Some(ColumnKind::Text),
            Self::Integer(_) => Some(ColumnKind::Integer),
            Self::TextList(_) => Some(ColumnKind::TextList),
        }
    }

    /// The texts of a list; none of any other value.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        match self {
            Self::TextList(texts) => texts,
            _ => &[],
        }
    }
}

/// SHA-256 of all samples in their order, in lower-case hexadecimal: equal where a run has the same rows.
///
/// # Panics
///
/// Never: values of columns are plain data.
#[must_use]
pub fn samples_hash(samples: &[Sample]) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for Sample { task, context, question, answer_prefix, max_new_tokens, extra } in samples {
        for text in [task, context, question, answer_prefix] {
            add(text.as_bytes());
        }
        let extra = serde_json::to_vec(extra).expect("values of columns are plain data");
        add(&(*max_new_tokens as u64).to_le_bytes());
        add(&extra);
    }
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Every sample has a value of the right kind, or null, for each of `columns`.
pub(crate) fn check_samples<'a>(
    columns: &[Column],
    samples: impl IntoIterator<Item = &'a Sample>,
) -> Result<(), Error> {
    for (row, sample) in samples.into_iter().enumerate() {
        if sample.extra.len() != columns.len() {
            return Err(Error::ColumnCount {
                row,
                task: sample.task.clone(),
                expected: columns.iter().map(|column| column.name).collect(),
                found: sample.extra.len(),
            });
        }
        for (column, value) in columns.iter().zip(&sample.extra) {
            if let Some(found) = value.kind()
                && found != column.kind
            {
                return Err(Error::ColumnKind {
                    row,
                    task: sample.task.clone(),
                    column: column.name,
                    expected: column.kind,
                    found,
                });
            }
        }
    }
    Ok(())
}

/// A [`Sample`] and what the model made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the run, from 0: the order of the result files.
    pub index: usize,
    /// The sample.
    pub sample: Sample,
    /// Which of several answers to the sample it is, from 0; `None` where a sample has one.
    #[serde(default)]
    pub repeat: Option<usize>,
    /// What the model wrote before it was asked for the answer [in a request of its own](crate::Benchmark::follow_up).
    #[serde(default)]
    pub reasoning: Option<Reasoning>,
    /// The answer; empty where `error` says why there is none.
    pub predicted_answer: String,
    /// What the model thought before, which is not scored.
    #[serde(default)]
    pub thoughts: Option<Thoughts>,
    /// Why the row has no answer.
    pub error: Option<String>,
    /// What the answer cost; `None` for a row that failed.
    pub stats: Option<RecordStats>,
}

impl Record {
    /// A row that nobody has answered yet.
    #[must_use]
    pub fn unanswered(index: usize, sample: Sample) -> Self {
        Self {
            index,
            sample,
            repeat: None,
            reasoning: None,
            predicted_answer: String::new(),
            thoughts: None,
            error: None,
            stats: None,
        }
    }
}

/// What a model wrote about a sample before it was asked for the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// The text, without thoughts.
    pub text: String,
    /// What the model thought before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<Thoughts>,
}

/// What one answered row cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordStats {
    /// What the context cost. Rows of one group share it: it is the same in each.
    pub context: ContextStats,
    /// How many rows shared the context.
    pub group_size: usize,
    /// What the reasoning cost, which was asked for with the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<AnswerStats>,
    /// What the answer cost.
    pub answer: AnswerStats,
    /// Its calls of sparse attention, where some were to be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_calls: Option<u64>,
}

impl RecordStats {
    /// What the model wrote cost, request by request.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &AnswerStats> {
        self.reasoning.iter().chain([&self.answer])
    }

    /// Of the request that had the context.
    pub(crate) fn with_context(&self) -> &AnswerStats {
        self.reasoning.as_ref().unwrap_or(&self.answer)
    }

    /// Mean share of the visible keys that attention read, over the rows of all requests.
    pub(crate) fn density(&self) -> Option<f64> {
        let Some(reasoning) = &self.reasoning else { return self.answer.density };
        // The last new token is never read.
        let read = |stats: &AnswerStats| {
            (stats.question_tokens + stats.generated_tokens).saturating_sub(1).max(1) as f64
        };
        let (first, last) = (read(reasoning), read(&self.answer));
        Some((reasoning.density? * first + self.answer.density? * last) / (first + last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 2] = [
        Column { name: "answers", kind: ColumnKind::TextList },
        Column { name: "length", kind: ColumnKind::Integer },
    ];

    #[test]
    fn a_hash_tells_one_letter_and_the_order() {
        let sample = |context: &str, question: &str| Sample {
            task: "qa".to_owned(),
            context: context.to_owned(),
            question: question.to_owned(),
            answer_prefix: String::new(),
            max_new_tokens: 1,
            extra: vec![Value::Integer(1)],
        };
        let rows = [sample("ab", "c"), sample("d", "e")];
        assert_eq!(samples_hash(&rows), samples_hash(&rows.clone()));
        let others = [
            vec![sample("ab", "d"), sample("d", "e")],
            vec![sample("a", "bc"), sample("d", "e")],
            vec![sample("d", "e"), sample("ab", "c")],
            vec![sample("ab", "c")],
        ];
        for other in others {
            assert_ne!(samples_hash(&rows), samples_hash(&other));
        }
    }

    fn check(extra: Vec<Value>) -> Result<(), String> {
        let sample = Sample {
            task: "trec".to_owned(),
            context: String::new(),
            question: String::new(),
            answer_prefix: String::new(),
            max_new_tokens: 1,
            extra,
        };
        check_samples(&COLUMNS, [&sample]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_sample_fits_its_columns() {
        assert_eq!(check(vec![Value::TextList(vec!["a".to_owned()]), Value::Integer(3)]), Ok(()));
        assert_eq!(check(vec![Value::Null, Value::Null]), Ok(()));
    }

    #[test]
    fn a_misfit_names_row_and_column() {
        assert_eq!(
            check(vec![Value::Text("a".to_owned()), Value::Integer(3)]).unwrap_err(),
            "row 0 (trec), column \"answers\": expected a list of texts or null, found a text"
        );
        assert_eq!(
            check(vec![Value::Null]).unwrap_err(),
            "row 0 (trec): 1 values for the benchmark's own columns, which are answers, length"
        );
    }

    #[test]
    fn values_survive_json() {
        for value in [
            Value::Null,
            Value::Text(String::new()),
            Value::Text("5".to_owned()),
            Value::Integer(i64::MIN),
            Value::TextList(Vec::new()),
            Value::TextList(vec!["\u{4e2d}\n\"".to_owned()]),
        ] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{json}");
        }
    }
}
