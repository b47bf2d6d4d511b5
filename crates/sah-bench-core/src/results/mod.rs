//! The files of a run. What is in them: docs/results-format.md.

mod atomic;
mod config;
mod csv;
mod detailed;
mod distribution;
mod finite;
mod folder;
mod journal;
mod json;
mod micro;
mod parquet;
mod read;
mod shards;
mod table;
mod unchanged;
mod warning;

pub use atomic::{check_writable, replace_file, write_file};
pub use config::{
    AnswerLimits, ChatTemplateConfig, DataConfig, GenerationConfigUsed, ModelConfig, RunConfig,
    TemplateThinking, Versions,
};
pub use detailed::{Cost, DetailedResults, PerRow, Phase, RunMeasures, TaskCost};
pub use distribution::Distribution;
pub use folder::{FinishedRun, Resumed, RunFolder, check_run_name};
pub use journal::{Journal, JournalContents, read_journal};
pub use json::{read_json, write_json};
pub use micro::{
    ContextMetrics, LayerMetrics, MeasuredHead, MeasuredHeads, MicroSummary, read_micro_metrics,
};
pub use read::{ResultRow, ResultRows, read_results};
pub use shards::{ShardResults, merge_shards};
pub use warning::{Warning, WarningKind};
