//! `cargo xtask submit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Submit {
    /// To Slurm: a job array with a task for each cell or shard, and a job after it that merges the results
    Slurm(SlurmArgs),
}

/// Flags of `submit slurm`.
#[derive(Debug, Args)]
pub(crate) struct SlurmArgs {
    /// The plan: `benchmark = "NAME"` or a list of names, options of `bench NAME` as for its `--config`, and a table `slurm`: `options` of sbatch for each task
    /// (`options.partition = "gpu"`), `at-once` (tasks at the same time), `setup` (lines of shell before each, such as
    /// `module load cuda`), and `collect-options` for the job after them, where they differ
    #[arg(value_name = "PLAN.toml")]
    pub(crate) plan: PathBuf,

    /// Print the scripts, and neither make the folder of the run nor submit anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}
