//! `cargo xtask report`, `compare` and `results`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folders of finished runs, such as `benchmark_results/NAME`. Several, of other models or settings, are shown side by
    /// side, later ones held against the first; those of other benchmarks one after the other, with a table over all
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,

    /// Where the report goes: `report.html`, `report.md`, `figures/` and `tables/`; `RUN/report` of the first run by default.
    /// An earlier report there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Folders of finished runs. Each attention is held against the baseline of its run, and the same attention of a later run
    /// against that of the first run of this benchmark
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
}

/// Flags of `results`.
#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// The folder that holds the runs, or folders with runs
    #[arg(default_value = "./benchmark_results", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
