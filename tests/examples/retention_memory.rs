//! Memory of a process after it has read a context and a retention has dropped keys, beside what the sizes of the caches say:
//!
//! ```sh
//! cargo xtask example retention_memory 16384 0.5 0.9
//! ```
//!
//! Each line is a process of its own: the default model in f32, a context of so many tokens, and a retention at a share.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use sah_adapter::{Network, RepeatTokens, Retained};
use sah_attention::{RetentionConfig, RetentionRegistry};
use sah_tests::default_model;
use sah_tests::speed::status;
use tch::{Device, Kind};

/// Uniform budgets, and budgets of heads.
const RETENTIONS: [&str; 2] = ["snapkv", "adakv_snapkv"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, tokens, name, ratio] = arguments.as_slice()
        && flag == "--one"
    {
        return one(tokens.parse()?, name, ratio);
    }
    let (tokens, ratios) = arguments.split_first().context("give a number of tokens, and ratios")?;
    let (whole, whole_cache) = measured(tokens, "snapkv", "0")?;
    println!("| retention | ratio | resident, MiB | less than whole | by the caches' sizes | difference |");
    println!("|---|---|---|---|---|---|");
    println!("| none | 0 | {whole:.1} | | | |");
    for name in RETENTIONS {
        for ratio in ratios {
            let (resident, cache) = measured(tokens, name, ratio)?;
            let (less, expected) = (whole - resident, whole_cache - cache);
            let off = 100.0 * (less / expected - 1.0);
            println!("| {name} | {ratio} | {resident:.1} | {less:.1} | {expected:.1} | {off:+.1} % |");
        }
    }
    Ok(())
}

/// MiB of a process that holds what is left, and of its cache.
fn measured(tokens: &str, name: &str, ratio: &str) -> anyhow::Result<(f64, f64)> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["--one", tokens, name, ratio]).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{name} at {ratio}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let (resident, cache) = text.trim().split_once(' ').context("two numbers")?;
    Ok((resident.parse()?, cache.parse()?))
}

/// Reads a context and prints both.
fn one(tokens: usize, name: &str, ratio: &str) -> anyhow::Result<()> {
    let model = Network::load(&default_model(), Device::Cpu, Kind::Float)?;
    let config =
        RetentionConfig::preset_in(&RetentionRegistry::builtin(), name, &[format!("ratio={ratio}")])?;
    // Any text: what is kept of it makes no difference to how much.
    let ids: Vec<u32> = (0..tokens as u32).map(|place| 1000 + place * 7919 % 20000).collect();
    let Retained { sequence, .. } =
        model.retained_sequence(&ids, &config.build()?, &RepeatTokens::default(), 64)?;
    let resident = status("VmRSS")?;
    println!("{} {}", resident / f64::from(1 << 20), sequence.cache_bytes() as f64 / f64::from(1 << 20));
    Ok(())
}
