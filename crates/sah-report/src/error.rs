//! What can go wrong between result files and a report.

use std::path::PathBuf;

/// Errors of this crate. Each names the file or folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A result file that cannot be read, or a file of the report that cannot be written.
    #[error(transparent)]
    Files(#[from] sah_bench_core::Error),
    /// A folder without any attention's results.
    #[error(
        "{}: no run; a run is a folder that holds one folder for each attention, as benchmark_results/NAME does",
        folder.display()
    )]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder of one attention, where that of the run was asked for.
    #[error("{}: the results of one attention; name the run, {}", folder.display(), run.display())]
    OneAttention {
        /// The folder.
        folder: PathBuf,
        /// The folder around it.
        run: PathBuf,
    },
    /// A run that did not come to its end.
    #[error("{} has no metrics.json: the run did not finish", folder.display())]
    Unfinished {
        /// The attention's folder.
        folder: PathBuf,
        /// The run's.
        run: PathBuf,
    },
    /// Results of another benchmark than the one that scores them.
    #[error("{}: results of the benchmark {found:?}, not of {expected:?}", folder.display())]
    OtherBenchmark {
        /// The attention's folder.
        folder: PathBuf,
        /// Whose results they are.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A config that names no benchmark.
    #[error("{}: names no benchmark; is it the config of a run?", file.display())]
    NoBenchmark {
        /// The config.
        file: PathBuf,
    },
    /// Answers that are worth something else than `metrics.json` says.
    #[error(
        "{}: the answers in raw_results.parquet are worth {recomputed:.4} in {group}, and metrics.json says \
         {recorded:.4}: one of the two was changed, or made by another version; run the benchmark again",
        folder.display()
    )]
    ScoresDiffer {
        /// The attention's folder.
        folder: PathBuf,
        /// The task, and its bucket.
        group: String,
        /// The mean of the answers' scores.
        recomputed: f64,
        /// The figure in the file.
        recorded: f64,
    },
    /// A figure that cannot be drawn.
    #[error("the figure {figure} cannot be drawn: {problem}")]
    Figure {
        /// Its name.
        figure: String,
        /// Why.
        problem: String,
    },
}
