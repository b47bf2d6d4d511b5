//! Small Parquet files, and what is read of folders.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use parquet::arrow::ArrowWriter;
use sah_aime::{Aime, Edition};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Sample};

pub(crate) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Lists of one text each.
pub(crate) fn lists(values: &[&str]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for value in values {
        builder.values().append_value(value);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

pub(crate) fn write(file: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The samples of a folder, or the error, in which the folder is called DIR.
pub(crate) fn load(folder: &Path, edition: Edition) -> Result<Vec<Sample>, String> {
    let benchmark = Aime::new(edition, DataSource::Folder(folder.to_owned()));
    let loaded = benchmark.load(&benchmark.subsets(), &NoTokenizer);
    loaded.map_err(|error| error.to_string().replace(&folder.display().to_string(), "DIR"))
}
