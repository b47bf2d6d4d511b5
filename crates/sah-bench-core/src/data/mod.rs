//! Readers of data sets, for any benchmark: Parquet and JSON Lines, from a folder or from the hub.
//!
//! - [`DataFolder`] finds the files of a config in a folder, [`fetch`] and [`fetch_configs`] those of a data set on the hub;
//!   [`DataSource`] is which of the two a user wants.
//! - [`PromptReader`] reads rows that are cut into prompts already, with the columns that copies of benchmarks on the hub share.
//! - [`score_predictions`] scores a file of predictions that something else made, row by row.
//! - [`read_parquet`] reads the rows of a Parquet file, [`json_lines`] those of a text of JSON objects,
//!   [`json_array`] those of a JSON array. All give [`Row`]s, so
//!   that what a benchmark makes of its columns is written once.
//! - [`Template`] makes prompts of rows that have none; [`TemplateFile`] has those of a benchmark's authors by task.
//! - [`read_text`] reads UTF-8, whatever marks it, and tells compressed files and other encodings by their names.
//! - [`ReadError`] names file, row, field, what was expected and what was found. Rows count from 1; those of JSON Lines are
//!   the file's lines, blank ones included.
//!
//! ```
//! use std::path::Path;
//!
//! use sah_bench_core::data::{ReadError, json_lines};
//!
//! let text = "{\"question\": \"Why?\", \"length\": 12}\n\n{\"question\": \"When?\"}\n";
//! let lengths = json_lines(text, Path::new("rows.jsonl")).map(|line| line.parse()?.integer("length"));
//! let error = lengths.collect::<Result<Vec<i64>, ReadError>>().unwrap_err();
//! assert_eq!(error.to_string(), "rows.jsonl: row 3, field length: expected an integer, found nothing");
//! ```

mod card;
mod error;
mod folder;
mod hint;
mod hub;
mod json_array;
mod jsonl;
mod parquet;
mod predictions;
mod prompt_rows;
mod row;
mod source;
mod template;
mod template_file;
mod text;

pub use error::ReadError;
pub use folder::{ConfigFiles, DEFAULT_CONFIG, DataFolder};
pub use hint::Hint;
pub use hub::{fetch, fetch_configs};
pub use json_array::json_array;
pub use jsonl::{JsonLine, json_lines};
pub use parquet::{Columns, read_parquet};
pub use predictions::{
    Prediction, RowsWithThoughts, ScoredRow, ScoredRows, prediction_id, score_prediction_files,
    score_predictions, score_repeated_predictions,
};
pub use prompt_rows::{PromptReader, PromptRow};
pub use row::Row;
pub use source::DataSource;
pub use template::{FilledTemplate, Template};
pub use template_file::{TemplateError, TemplateFile};
pub use text::{ends_sentence, read_text, text};
