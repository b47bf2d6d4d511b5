//! Data that looks like LongBench to a reader: words by Zipf's law, so that it compresses as text does.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use sah_longbench::{Metric, TASKS};
use serde_json::json;

/// Rows that the data set's own files have in a group.
const GROUP: usize = 1000;
/// The tasks' rows together.
const PREDICTIONS: usize = 4750;

/// A stream of words.
struct Words {
    state: u64,
    vocabulary: Vec<String>,
}

impl Words {
    fn new(seed: u64) -> Self {
        let mut words = Self { state: seed, vocabulary: Vec::new() };
        for _ in 0..4000 {
            let letters = 2 + words.below(9);
            let word = (0..letters).map(|_| char::from(b'a' + words.below(26) as u8)).collect();
            words.vocabulary.push(word);
        }
        words
    }

    /// A number below `limit`, by the linear congruential generator of Knuth's MMIX.
    fn below(&mut self, limit: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.state >> 33) as usize) % limit
    }

    /// Frequent words come first in the vocabulary.
    fn word(&mut self) -> &str {
        let limit = 1 + self.below(self.vocabulary.len());
        let at = self.below(limit);
        &self.vocabulary[at]
    }

    fn sentence(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            text.push_str(self.word());
            text.push(' ');
        }
        text
    }

    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            text.push_str(self.word());
            text.push(' ');
        }
        text.truncate(bytes);
        text
    }

    fn chinese(&mut self, characters: usize) -> String {
        let mut text = String::new();
        for _ in 0..characters {
            let limit = 1 + self.below(3000);
            // Common characters stand all over this block.
            text.extend(char::from_u32(0x4e00 + (self.below(limit) * 7) as u32));
        }
        text
    }
}

/// Writes `samples` rows with a context of `bytes` each, in the columns of the hub's data set.
pub(crate) fn write_samples(file: &Path, samples: usize, bytes: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(file.parent().ok_or("a file in a folder")?)?;
    let mut words = Words::new(1);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    for first in (0..samples).step_by(100) {
        let rows = first..samples.min(first + 100);
        let texts = |text: &mut dyn FnMut() -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.clone().map(|_| text())))
        };
        let integer =
            |value: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.clone().map(|_| value))) };
        let mut answers = ListBuilder::new(StringBuilder::new());
        for _ in rows.clone() {
            answers.values().append_value(words.sentence(4));
            answers.append(true);
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("context", texts(&mut || words.text(bytes))),
            ("question", texts(&mut || "What does it say?".to_owned())),
            ("answer_prefix", texts(&mut || "Answer:".to_owned())),
            ("answers", Arc::new(answers.finish())),
            ("length", integer(18_000)),
            ("max_new_tokens", integer(148)),
        ];
        let batch = RecordBatch::try_from_iter(columns)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(ArrowWriter::try_new(
                File::create(file)?,
                batch.schema(),
                Some(properties.clone()),
            )?),
        };
        writer.write(&batch)?;
    }
    writer.ok_or("no samples")?.close()?;
    Ok(())
}

/// Writes predictions for the 21 tasks of LongBench, as long as a model's are; how many.
pub(crate) fn write_predictions(folder: &Path) -> Result<usize, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut words = Words::new(2);
    let tasks: Vec<_> = TASKS.iter().filter(|task| !task.is_extended()).collect();
    for (number, task) in tasks.iter().enumerate() {
        let rows = PREDICTIONS * (number + 1) / tasks.len() - PREDICTIONS * number / tasks.len();
        let mut lines = Vec::new();
        for row in 0..rows {
            let mut answer = |long: usize| match task.metric {
                Metric::QaF1Zh => words.chinese(12),
                Metric::RougeZh => words.chinese(long),
                Metric::Rouge => words.sentence(long),
                Metric::Retrieval => format!("Paragraph {}", 1 + words.below(30)),
                Metric::RetrievalZh => format!("段落{}", 1 + words.below(30)),
                Metric::Count => words.below(20).to_string(),
                Metric::Classification => format!("class {}", words.below(50)),
                _ => words.sentence(8),
            };
            let classes: Vec<String> = (0..50).map(|class| format!("class {class}")).collect();
            let classes = (task.metric == Metric::Classification).then_some(classes);
            let line = json!({
                "predicted_answer": answer(300),
                "answers": [answer(350)],
                "all_classes": classes,
                "length": 1000 * (row % 12),
            });
            writeln!(lines, "{line}")?;
        }
        fs::write(folder.join(format!("{}.jsonl", task.name)), lines)?;
    }
    Ok(PREDICTIONS)
}
