//! `cargo xtask bench longbench`.

use std::process::ExitCode;

use crate::args::LongBenchArgs;

pub(crate) fn run(_args: &LongBenchArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
