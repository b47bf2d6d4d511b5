//! `micro_metrics.jsonl`: the measured attention calls, as they come.
//!
//! Names and fields are those of the reference's `MicroMetricLogger`: a line for each metric of a call.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sah_request::{AttentionCall, MicroMetrics};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::results::atomic::sync_folder;
use crate::{DataError, DataErrorKind, Error, Record};

/// What was measured, in the reference's form: the function whose result it is.
const LOCATION: &str = "sah_attention.ResearchAttention.attend";

/// The name of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Metric {
    #[serde(rename = "research_attention_density")]
    Density,
    #[serde(rename = "research_attention_output_error")]
    OutputError,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    /// UTC, ISO 8601 with microseconds and offset.
    pub(super) timestamp: Cow<'a, str>,
    pub(super) metric: Metric,
    /// Of the call, all heads included.
    pub(super) value: Option<f64>,
    pub(super) metadata: Metadata<'a>,
    location: Cow<'a, str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which call it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Metadata<'a> {
    pub(super) layer_idx: usize,
    /// Position of the row in `raw_results.csv`, from 0.
    pub(super) index: usize,
    pub(super) task: Cow<'a, str>,
    /// Whether it read a part of the row's context; not in the line of one that did not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) context: bool,
    pub(super) step: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) backend: Cow<'a, str>,
    /// The same metric of each query head.
    pub(super) heads: Vec<Option<f64>>,
}

impl Metadata<'_> {
    /// Whether `other` names the same call of as many heads.
    pub(super) fn is_of_the_same_call(&self, other: &Self) -> bool {
        let place =
            |of: &Self| (of.layer_idx, of.index, of.context, of.step, of.queries, of.keys, of.heads.len());
        place(self) == place(other) && self.task == other.task && self.backend == other.backend
    }
}

/// The log of a run in progress.
#[derive(Debug)]
pub(in crate::results) struct MicroMetricsLog {
    path: PathBuf,
    file: BufWriter<File>,
    /// Attention calls that were measured.
    pub(in crate::results) sampled_calls: u64,
}

impl MicroMetricsLog {
    /// Creates the log at `path`, which must not exist yet.
    pub(in crate::results) fn create(path: &Path) -> Result<Self, Error> {
        let unwritable = |source| Error::Unwritable { path: path.to_path_buf(), source };
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(unwritable)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self::at(path, file, 0))
    }

    /// Opens the log at `path` to go on with it. Only rows that `is_kept` stay: what was measured of a context is written
    /// before its rows enter the journal, so a run that is cut off can leave lines of the last one, the last line torn.
    pub(in crate::results) fn resume(path: &Path, is_kept: impl Fn(usize) -> bool) -> Result<Self, Error> {
        let unwritable = |source| Error::Unwritable { path: path.to_path_buf(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(unwritable)?;
        let (mut kept_bytes, mut calls, mut bytes) = (0, 0, 0);
        let mut lines = BufReader::new(&file);
        let mut text = Vec::new();
        for number in 1_u64.. {
            text.clear();
            bytes += lines.read_until(b'\n', &mut text).map_err(unwritable)? as u64;
            let line = serde_json::from_slice::<Line<'_>>(&text);
            if !line.is_ok_and(|line| text.ends_with(b"\n") && is_kept(line.metadata.index)) {
                break;
            }
            // Two lines for each call.
            if number % 2 == 0 {
                (kept_bytes, calls) = (bytes, number / 2);
            }
        }
        let cut = file
            .set_len(kept_bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(unwritable)?;
        Ok(Self::at(path, file, calls))
    }

    fn at(path: &Path, file: File, sampled_calls: u64) -> Self {
        Self { path: path.to_path_buf(), file: BufWriter::with_capacity(1 << 20, file), sampled_calls }
    }

    /// Adds what was measured of the answer of `record`.
    pub(in crate::results) fn append(
        &mut self,
        record: &Record,
        metrics: &MicroMetrics,
    ) -> Result<(), Error> {
        for call in &metrics.sampled {
            for metric in [Metric::Density, Metric::OutputError] {
                let line = Line::new(record, call, metric)?;
                serde_json::to_writer(&mut self.file, &line)
                    .map_err(io::Error::from)
                    .and_then(|()| self.file.write_all(b"\n"))
                    .map_err(|source| self.failed(source))?;
            }
            self.sampled_calls += 1;
        }
        Ok(())
    }

    /// Waits until the disk has everything.
    pub(in crate::results) fn sync(&mut self) -> Result<(), Error> {
        self.file.flush().and_then(|()| self.file.get_ref().sync_data()).map_err(|source| self.failed(source))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }
}

impl<'a> Line<'a> {
    fn new(record: &'a Record, call: &'a AttentionCall, metric: Metric) -> Result<Self, Error> {
        let (value, heads) = match metric {
            Metric::Density => {
                (Some(call.density), call.heads.iter().map(|head| Some(head.density)).collect())
            }
            Metric::OutputError => {
                (call.output_error, call.heads.iter().map(|head| head.output_error).collect())
            }
        };
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6][offset_hour sign:mandatory]:[offset_minute]"
        );
        let time = OffsetDateTime::from(call.time);
        let timestamp =
            time.format(&format).map_err(|error| DataError::new(DataErrorKind::Invalid, error))?;
        Ok(Self {
            timestamp: Cow::Owned(timestamp),
            metric,
            value,
            metadata: Metadata {
                layer_idx: call.layer,
                index: record.index,
                task: Cow::Borrowed(&record.sample.task),
                context: call.reads_context,
                step: call.step,
                queries: call.queries,
                keys: call.keys,
                backend: Cow::Borrowed(&call.backend),
                heads,
            },
            location: Cow::Borrowed(LOCATION),
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::SystemTime;

    use sah_request::AttentionHead;

    use super::*;
    use crate::Sample;

    /// What is buffered and cannot be written is an error of `sync` at the latest, and names the file.
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        for capacity in [0, 1 << 20] {
            let file = BufWriter::with_capacity(capacity, file.try_clone().unwrap());
            let mut log = MicroMetricsLog { path: path.to_path_buf(), file, sampled_calls: 0 };
            let sample = Sample {
                task: "qa".to_owned(),
                context: String::new(),
                question: String::new(),
                answer_prefix: String::new(),
                max_new_tokens: 1,
                extra: Vec::new(),
            };
            let record = Record::unanswered(0, sample);
            let head = AttentionHead { density: 0.5, output_error: None };
            let call = AttentionCall {
                time: SystemTime::UNIX_EPOCH,
                reads_context: false,
                step: 0,
                layer: 0,
                queries: 1,
                keys: 9,
                backend: "gather".to_owned(),
                density: 0.5,
                output_error: None,
                heads: vec![head],
            };
            let metrics = MicroMetrics { calls: 1, sampled: vec![call] };
            let error = log.append(&record, &metrics).and_then(|()| log.sync()).unwrap_err();
            assert!(matches!(&error, Error::Io { path: named, .. } if named == path), "{error}");
        }
    }
}
