//! How a benchmark is carried out: what changes no result.

use std::num::NonZeroU16;
use std::time::Duration;

use clap::Args;
use sah_bench_core::Shard;

/// The only flags, with `--threads`, that a run which is resumed takes anew.
#[derive(Debug, Args)]
#[command(next_help_heading = "Execution")]
pub(crate) struct ExecutionArgs {
    /// Print what would be run, with counts and the time that it may take, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Run N cells (a model with an attention) at once, each in a process of its own; as many as there are `--device`s by
    /// default. On the CPU they share the cores: total speed gains little, but a cell that fails, hangs or dies takes no other
    /// with it
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroU16>,

    /// Stop a cell that takes longer than this (`90s`, `30m`, `2h`), and count it as failed; it runs in a process of its own.
    /// What it answered stays
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// How often a cell is tried again that failed for a reason that may pass: the network, a busy device. The first time after
    /// 5 seconds, then after twice as long each time
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) retries: u32,

    /// Only this attention of the run that is resumed: for schedulers, which give each its own task
    #[arg(long, value_name = "ATTENTION", requires = "resume")]
    pub(crate) cell: Option<String>,

    /// Only this part of the cell, such as `2/4`: of a run that was started with `--shards`
    #[arg(long, value_name = "I/N", requires = "cell")]
    pub(crate) shard: Option<Shard>,

    /// Answer nothing: merge shards, compare what is finished, and say what is missing. For the job that comes after
    /// those of a scheduler
    #[arg(long, requires = "resume", conflicts_with = "cell")]
    pub(crate) collect: bool,

    /// Work for the process that started this one: it reads messages on standard output, and its end is ours.
    #[arg(long, hide = true, requires = "resume")]
    pub(crate) worker: bool,
}

impl ExecutionArgs {
    /// The names of the flags.
    pub(crate) const NAMES: [&str; 8] =
        ["dry-run", "jobs", "timeout", "retries", "cell", "shard", "collect", "worker"];
}

/// `90`, `90s`, `30m`, `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().find(|(_, letter)| letter.is_ascii_alphabetic()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => 0.0,
    };
    let length = number.trim().parse::<f64>().ok().map(|number| number * seconds);
    let length = length.filter(|length| *length > 0.0);
    length.and_then(|length| Duration::try_from_secs_f64(length).ok()).ok_or_else(|| {
        "write a number of seconds, minutes or hours above 0, such as 90s, 30m or 2h".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args as _, Command};

    use super::{ExecutionArgs, duration};

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, seconds) in [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("2h", 7200.0), ("0.2s", 0.2)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for wrong in ["", "0", "-1s", "1d", "m", "inf", "NaN", "1e300h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_flag_is_named() {
        let command = ExecutionArgs::augment_args(Command::new("test"));
        let names: Vec<_> = command.get_arguments().filter_map(|argument| argument.get_long()).collect();
        assert_eq!(names, ExecutionArgs::NAMES);
    }
}
