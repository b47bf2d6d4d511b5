//! The rows of a run as one table: what `raw_results.csv` and `raw_results.parquet` have in common.

use std::collections::HashSet;
use std::path::Path;

use sah_request::AnswerStats;

use crate::sample::check_samples;
use crate::{Column, ColumnKind, Error, Record, RecordStats, Value};

/// What a column of the result files holds. Every kind may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    TextList,
}

/// One value of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Integer(i64),
    Float(f64),
    TextList(&'a [String]),
}

type Read = for<'a> fn(&'a Record) -> Cell<'a>;

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// Something that every record has.
    Record(Read),
    /// The benchmark's own column of this number.
    Extra(usize),
}

/// One column of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableColumn {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    source: Source,
}

impl TableColumn {
    pub(super) fn cell<'a>(&self, record: &'a Record) -> Cell<'a> {
        match self.source {
            Source::Record(read) => read(record),
            Source::Extra(number) => match &record.sample.extra[number] {
                Value::Null => Cell::Null,
                Value::Text(text) => Cell::Text(text),
                Value::Integer(integer) => Cell::Integer(*integer),
                Value::TextList(list) => Cell::TextList(list),
            },
        }
    }
}

/// The rows of a run with the columns of the result files. Every cell fits its column.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) columns: Vec<TableColumn>,
    pub(super) records: &'a [Record],
}

impl<'a> Table<'a> {
    pub(super) fn new(extra: &[Column], records: &'a [Record]) -> Result<Self, Error> {
        check_samples(extra, records.iter().map(|record| &record.sample))?;
        let all = columns(extra, Present { repeats: true, reasoning: true });
        let mut names = HashSet::new();
        if let Some(twice) = all.iter().find(|column| !names.insert(column.name)) {
            return Err(Error::ColumnName { column: twice.name });
        }
        let present = Present {
            repeats: records.iter().any(|record| record.repeat.is_some()),
            reasoning: records.iter().any(|record| record.reasoning.is_some()),
        };
        Ok(Self { columns: columns(extra, present), records })
    }

    /// The first number that is not finite, as an error of the file `path`.
    pub(super) fn check_finite(&self, path: &Path) -> Result<(), Error> {
        for (row, record) in self.records.iter().enumerate() {
            for column in self.columns.iter().filter(|column| column.kind == Kind::Float) {
                if let Cell::Float(value) = column.cell(record)
                    && !value.is_finite()
                {
                    return Err(Error::NotFinite {
                        path: path.to_path_buf(),
                        key: format!("{}[{row}]", column.name),
                        value,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The first columns of the table.
const BEFORE: [(&str, Kind, Read); 4] = [
    ("task", Kind::Text, |record| Cell::Text(&record.sample.task)),
    ("context", Kind::Text, |record| Cell::Text(&record.sample.context)),
    ("question", Kind::Text, |record| Cell::Text(&record.sample.question)),
    ("answer_prefix", Kind::Text, |record| Cell::Text(&record.sample.answer_prefix)),
];

/// The column after the benchmark's own.
const LIMIT: (&str, Kind, Read) =
    ("max_new_tokens", Kind::Integer, |record| Cell::Integer(record.sample.max_new_tokens as i64));

/// The column that tells several answers to a sample apart.
const REPEAT: (&str, Kind, Read) = ("repeat", Kind::Integer, |record| {
    record.repeat.map_or(Cell::Null, |repeat| Cell::Integer(repeat as i64))
});

/// The columns of an answer.
const ANSWER: [(&str, Kind, Read); 15] = [
    ("predicted_answer", Kind::Text, |record| Cell::Text(&record.predicted_answer)),
    ("thoughts", Kind::Text, |record| {
        record.thoughts.as_ref().map_or(Cell::Null, |thoughts| Cell::Text(&thoughts.text))
    }),
    ("ended_by", Kind::Text, |record| {
        let end = record.stats.as_ref().and_then(|stats| stats.answer.end);
        end.map_or(Cell::Null, |end| Cell::Text(end.name()))
    }),
    ("error", Kind::Text, |record| record.error.as_deref().map_or(Cell::Null, Cell::Text)),
    ("group_size", Kind::Integer, |record| count(record, |stats| stats.group_size)),
    ("context_tokens", Kind::Integer, |record| count(record, |stats| stats.context.tokens)),
    ("truncated_tokens", Kind::Integer, |record| count(record, |stats| stats.context.truncated_tokens)),
    ("border_tokens", Kind::Integer, |record| count(record, |stats| stats.context.border_tokens)),
    ("prefill_seconds", Kind::Float, |record| figure(record, |stats| Some(stats.context.prefill_seconds))),
    ("question_tokens", Kind::Integer, |record| count(record, |stats| stats.answer.question_tokens)),
    ("question_seconds", Kind::Float, |record| figure(record, |stats| Some(stats.answer.question_seconds))),
    ("generated_tokens", Kind::Integer, |record| count(record, |stats| stats.answer.generated_tokens)),
    ("thinking_tokens", Kind::Integer, |record| count(record, |stats| stats.answer.thinking_tokens)),
    ("decode_seconds", Kind::Float, |record| figure(record, |stats| Some(stats.answer.decode_seconds))),
    ("density", Kind::Float, |record| figure(record, |stats| stats.answer.density)),
];

/// The columns of what was written before an answer, in a request of its own.
const REASONING: [(&str, Kind, Read); 9] = [
    ("reasoning", Kind::Text, |record| {
        record.reasoning.as_ref().map_or(Cell::Null, |reasoning| Cell::Text(&reasoning.text))
    }),
    ("reasoning_thoughts", Kind::Text, |record| {
        let thoughts = record.reasoning.as_ref().and_then(|reasoning| reasoning.thoughts.as_ref());
        thoughts.map_or(Cell::Null, |thoughts| Cell::Text(&thoughts.text))
    }),
    ("reasoning_ended_by", Kind::Text, |record| {
        let end = reasoning(record).and_then(|stats| stats.end);
        end.map_or(Cell::Null, |end| Cell::Text(end.name()))
    }),
    ("reasoning_question_tokens", Kind::Integer, |record| {
        count_of_reasoning(record, |stats| stats.question_tokens)
    }),
    ("reasoning_question_seconds", Kind::Float, |record| {
        reasoning(record).map_or(Cell::Null, |stats| Cell::Float(stats.question_seconds))
    }),
    ("reasoning_generated_tokens", Kind::Integer, |record| {
        count_of_reasoning(record, |stats| stats.generated_tokens)
    }),
    ("reasoning_thinking_tokens", Kind::Integer, |record| {
        count_of_reasoning(record, |stats| stats.thinking_tokens)
    }),
    ("reasoning_decode_seconds", Kind::Float, |record| {
        reasoning(record).map_or(Cell::Null, |stats| Cell::Float(stats.decode_seconds))
    }),
    ("reasoning_density", Kind::Float, |record| {
        reasoning(record).and_then(|stats| stats.density).map_or(Cell::Null, Cell::Float)
    }),
];

/// What the reasoning of an answered row cost.
fn reasoning(record: &Record) -> Option<&AnswerStats> {
    record.stats.as_ref()?.reasoning.as_ref()
}

fn count_of_reasoning(record: &Record, read: fn(&AnswerStats) -> usize) -> Cell<'_> {
    reasoning(record).map_or(Cell::Null, |stats| Cell::Integer(read(stats) as i64))
}

fn count(record: &Record, read: fn(&RecordStats) -> usize) -> Cell<'_> {
    record.stats.as_ref().map_or(Cell::Null, |stats| Cell::Integer(read(stats) as i64))
}

fn figure(record: &Record, read: fn(&RecordStats) -> Option<f64>) -> Cell<'_> {
    record.stats.as_ref().and_then(read).map_or(Cell::Null, Cell::Float)
}

/// Which columns there are beside those of every run.
#[derive(Clone, Copy)]
struct Present {
    repeats: bool,
    reasoning: bool,
}

fn columns(extra: &[Column], present: Present) -> Vec<TableColumn> {
    let fixed = |(name, kind, read): (&'static str, Kind, Read)| TableColumn {
        name,
        kind,
        source: Source::Record(read),
    };
    let own = extra.iter().enumerate().map(|(number, column)| TableColumn {
        name: column.name,
        kind: match column.kind {
            ColumnKind::Text => Kind::Text,
            ColumnKind::Integer => Kind::Integer,
            ColumnKind::TextList => Kind::TextList,
        },
        source: Source::Extra(number),
    });
    let repeat = [REPEAT].into_iter().filter(|_| present.repeats);
    let reasoning = REASONING.into_iter().filter(|_| present.reasoning);
    let after = std::iter::once(LIMIT).chain(repeat).chain(ANSWER).chain(reasoning);
    BEFORE.into_iter().map(fixed).chain(own).chain(after.map(fixed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_column_stands_between_and_must_have_a_name_of_its_own() {
        let own = |name| [Column { name, kind: ColumnKind::Text }];
        let table = Table::new(&own("answers"), &[]).unwrap();
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names[3..6], ["answer_prefix", "answers", "max_new_tokens"]);
        assert!(matches!(Table::new(&own("error"), &[]), Err(Error::ColumnName { column: "error" })));
    }
}
