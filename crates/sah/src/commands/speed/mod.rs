//! `cargo xtask bench speed`: reading, decoding, shared questions, start-up and memory, beside what the machine allows.
//!
//! Machines are noisy, so every round runs each side once, in turn, measures the machine again, and ratios are taken
//! within a round. The median of the rounds is what to quote. Every side is a process of its own, so that memory and
//! start-up mean the same for all.

mod figures;
mod job;
mod limits;
mod plot;
mod program;
mod report;
mod rounds;
mod serve;
mod table;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use sah_bench_core::{check_writable, replace_file};
use tch::Device;

use self::program::Program;
use self::rounds::Bench;
use crate::App;
use crate::args::{DEFAULT_MODEL, MeasureArg, PrecisionArgs, SpeedArgs};
use crate::usage::UsageError;
use crate::{attention, device, model};

/// The attentions where none is named.
const ATTENTIONS: &[&str] = &["dense", "streaming_llm"];

/// Prints a table for each measure and writes the JSON and the plot, if there are to be any.
pub(crate) fn run(app: &App, args: &SpeedArgs) -> anyhow::Result<ExitCode> {
    let precisions = args.precisions();
    if let Some(number) = args.serve {
        let precision = precisions.get(number).context("--serve: no precision has this number")?;
        return serve::run(app, args, *precision);
    }
    let attentions = attention::named(app, &args.attention, ATTENTIONS)?;
    check(args)?;
    let placement = args.place.device.placement()?;
    let first = placement.devices().next().context("no device")?;
    ensure!(
        args.peers.is_empty() || first == Device::Cpu,
        UsageError("--peers run on the CPU; add --device cpu".to_owned())
    );
    model::fetch(&model::source(&args.place.model, args.place.revision.as_deref())?)?;
    let names: Vec<&str> = attentions.iter().map(|attention| attention.name.as_str()).collect();
    let own = precisions.iter().enumerate();
    let mut programs: Vec<Program> =
        own.map(|(number, &precision)| Program::own(number, precision, &names)).collect();
    for &peer in &args.peers {
        programs.push(Program::peer(peer)?);
    }
    let mut bench = Bench::new(args, programs, first);
    if args.measures(MeasureArg::Startup) {
        bench.start_up()?;
    }
    bench.contexts()?;
    let report = bench.report(&device::names(&placement))?;
    println!("{}\n\n{}", report.machine(), table::text(&report));
    if let Some(path) = &args.json {
        let text = report.json()?;
        replace_file(path, |temporary| anyhow::Ok(std::fs::write(temporary, text)?))?;
    }
    if let Some(path) = &args.plot {
        replace_file(path, |temporary| plot::write(&report, temporary))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses what cannot be measured, before anything is loaded.
fn check(args: &SpeedArgs) -> anyhow::Result<()> {
    let usage = |text: &str| UsageError(text.to_owned());
    ensure!(
        args.peers.is_empty() || args.place.model == DEFAULT_MODEL,
        usage("--peers measures the default model only; leave --model out")
    );
    let precisions: BTreeSet<String> = args.precisions().into_iter().map(PrecisionArgs::name).collect();
    ensure!(
        precisions.len() == args.precisions().len(),
        usage("--dtype, --weights or --kv-dtype names one twice")
    );
    if args.plot.is_some() {
        let lengths: BTreeSet<usize> = args.context.iter().copied().collect();
        ensure!(lengths.len() > 1, usage("--plot needs two lengths or more, such as --context 1024,4096"));
        let draws = args.measures(MeasureArg::Prefill) || args.measures(MeasureArg::Decode);
        ensure!(draws, usage("--plot draws prefill and decode; --measure names neither"));
    }
    for path in args.json.iter().chain(&args.plot) {
        check_writable(path).context("the report cannot be written")?;
    }
    Ok(())
}
