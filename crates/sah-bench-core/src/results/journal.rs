//! The journal: what was computed so far, safe on disk.
//!
//! One line of JSON for each group of rows that share a context, appended and fsynced before the next group starts.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sah_request::{ContextStats, Thoughts};
use serde::{Deserialize, Serialize};

use super::atomic::sync_folder;
use super::finite::{Refusal, check_finite};
use crate::error::line_problem;
use crate::{Error, Reasoning, Record, RecordStats, Sample, Value};

/// The journal of a run in progress. Its file is locked while this value lives.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Creates the journal at `path`, in a folder that exists. An empty journal, left by a run that never answered
    /// anything, is taken over.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`], [`Error::FolderBusy`] where another process holds it, and [`Error::FolderUsed`] where
    /// it already has lines.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let unwritable = |source| Error::Unwritable { path: path.to_path_buf(), source };
        let journal = Self::open(path, OpenOptions::new().create(true))?;
        if journal.file.metadata().map_err(unwritable)?.len() > 0 {
            return Err(Error::FolderUsed { path: folder_of(path), found: super::folder::JOURNAL });
        }
        journal.file.sync_all().map_err(unwritable)?;
        sync_folder(&folder_of(path))?;
        Ok(journal)
    }

    /// Opens the journal at `path` to append to it, and returns what it holds. A torn last line is cut off.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Unwritable`], [`Error::FolderBusy`] where another process holds it, and those of
    /// [`read_journal`].
    pub fn resume(path: &Path) -> Result<(Self, Vec<Record>), Error> {
        if !path.exists() {
            return Err(Error::Missing { path: path.to_path_buf() });
        }
        let journal = Self::open(path, &mut OpenOptions::new())?;
        let contents = read_journal(path)?;
        if contents.torn_bytes > 0 {
            let cut = journal.file.set_len(contents.complete_bytes).and_then(|()| journal.file.sync_all());
            cut.map_err(|source| Error::Unwritable { path: path.to_path_buf(), source })?;
        }
        Ok((journal, contents.records))
    }

    /// Opens the file to append to it, and locks it.
    fn open(path: &Path, options: &mut OpenOptions) -> Result<Self, Error> {
        let unwritable = |source| Error::Unwritable { path: path.to_path_buf(), source };
        let file = options.read(true).append(true).open(path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::FolderBusy { path: folder_of(path) }),
            // Not every file system has locks; the journal works without.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends the finished rows of one group as one line and waits until the disk has it.
    ///
    /// The rows share their context, which is written once, with the keys that stayed of it.
    pub(crate) fn append(&mut self, rows: &[&Record]) -> Result<(), Error> {
        let Some(first) = rows.first() else { return Ok(()) };
        let line = Line {
            context: Cow::Borrowed(&first.sample.context),
            kept_keys: kept_keys(first).map(Cow::Borrowed),
            rows: rows.iter().map(|record| Row::borrowed(record)).collect(),
        };
        if let Err(Refusal::NotFinite { key, value }) = check_finite(&line) {
            return Err(Error::NotFinite { path: self.path.clone(), key, value });
        }
        let mut bytes =
            serde_json::to_vec(&line).map_err(|source| Error::Json { path: self.path.clone(), source })?;
        bytes.push(b'\n');
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

fn folder_of(journal: &Path) -> PathBuf {
    journal.parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalContents {
    /// The finished rows, in the order in which they were finished. [`Record::index`] says where each belongs.
    pub records: Vec<Record>,
    /// Length of the complete lines, in bytes.
    pub complete_bytes: u64,
    /// Bytes of a last line that was not written to its end; 0 where the journal ends well.
    pub torn_bytes: u64,
}

/// Reads a journal back. A torn last line, as a crash leaves it, is left out and counted.
///
/// # Errors
///
/// [`Error::Journal`] names an earlier line that is broken; [`Error::Missing`] where there is no journal.
pub fn read_journal(path: &Path) -> Result<JournalContents, Error> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { path: path.to_path_buf() },
        _ => Error::Io { path: path.to_path_buf(), source },
    })?;
    let mut records = Vec::new();
    let mut complete_bytes = 0;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = complete_bytes + line.len() == bytes.len();
        if is_last && line.last() != Some(&b'\n') {
            break;
        }
        match serde_json::from_slice::<Line<'_>>(line) {
            Ok(line) => line.push_records(&mut records),
            // A crash of the system can leave the length of the line without its content.
            Err(_) if is_last => break,
            Err(source) => {
                return Err(Error::Journal {
                    path: path.to_path_buf(),
                    line: number + 1,
                    problem: line_problem(&source),
                });
            }
        }
        complete_bytes += line.len();
    }
    Ok(JournalContents {
        records,
        complete_bytes: complete_bytes as u64,
        torn_bytes: (bytes.len() - complete_bytes) as u64,
    })
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    context: Cow<'a, str>,
    /// Those of [`ContextStats`], where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_keys: Option<Cow<'a, [Vec<usize>]>>,
    rows: Vec<Row<'a>>,
}

fn kept_keys(record: &Record) -> Option<&[Vec<usize>]> {
    let kept = &record.stats.as_ref()?.context.kept_keys;
    (!kept.is_empty()).then_some(kept)
}

/// A [`Record`] without what its line has.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    index: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat: Option<usize>,
    task: Cow<'a, str>,
    question: Cow<'a, str>,
    answer_prefix: Cow<'a, str>,
    max_new_tokens: usize,
    extra: Cow<'a, [Value]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cow<'a, Reasoning>>,
    predicted_answer: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thoughts: Option<Cow<'a, Thoughts>>,
    error: Option<Cow<'a, str>>,
    stats: Option<Cow<'a, RecordStats>>,
}

impl<'a> Row<'a> {
    fn borrowed(record: &'a Record) -> Self {
        let Record { index, sample, repeat, reasoning, predicted_answer, thoughts, error, stats } = record;
        Self {
            index: *index,
            repeat: *repeat,
            task: Cow::Borrowed(&sample.task),
            question: Cow::Borrowed(&sample.question),
            answer_prefix: Cow::Borrowed(&sample.answer_prefix),
            max_new_tokens: sample.max_new_tokens,
            extra: Cow::Borrowed(&sample.extra),
            reasoning: reasoning.as_ref().map(Cow::Borrowed),
            predicted_answer: Cow::Borrowed(predicted_answer),
            thoughts: thoughts.as_ref().map(Cow::Borrowed),
            error: error.as_deref().map(Cow::Borrowed),
            stats: stats.as_ref().map(without_kept_keys),
        }
    }
}

fn without_kept_keys(stats: &RecordStats) -> Cow<'_, RecordStats> {
    if stats.context.kept_keys.is_empty() {
        return Cow::Borrowed(stats);
    }
    let context = ContextStats { kept_keys: Vec::new(), ..stats.context.clone() };
    Cow::Owned(RecordStats { context, ..stats.clone() })
}

impl Line<'_> {
    fn push_records(self, records: &mut Vec<Record>) {
        for row in self.rows {
            let mut stats = row.stats.map(Cow::into_owned);
            if let (Some(stats), Some(kept)) = (&mut stats, &self.kept_keys) {
                stats.context.kept_keys = kept.to_vec();
            }
            records.push(Record {
                index: row.index,
                sample: Sample {
                    task: row.task.into_owned(),
                    context: self.context.clone().into_owned(),
                    question: row.question.into_owned(),
                    answer_prefix: row.answer_prefix.into_owned(),
                    max_new_tokens: row.max_new_tokens,
                    extra: row.extra.into_owned(),
                },
                repeat: row.repeat,
                reasoning: row.reasoning.map(Cow::into_owned),
                predicted_answer: row.predicted_answer.into_owned(),
                thoughts: row.thoughts.map(Cow::into_owned),
                error: row.error.map(Cow::into_owned),
                stats,
            });
        }
    }
}
