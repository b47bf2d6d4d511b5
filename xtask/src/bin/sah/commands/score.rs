//! `cargo xtask score longbench`.

use std::process::ExitCode;

use crate::args::ScoreArgs;

/// placeholder until the scorer has landed
pub(crate) fn run(_args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
