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

use anyhow::{Context as _, ensure};
use sah_bench_core::{check_writable, replace_file};
use tch::Device;

use self::program::Program;
use self::rounds::Bench;
use crate::App;
use crate::args::{DEFAULT_MODEL, MeasureArg, PrecisionArgs, SpeedArgs};
use crate::attention::NamedAttention;
use crate::exit;
use crate::terminal::show;
use crate::usage::UsageError;
use crate::{attention, device, model};

/// The attentions where none is named.
const ATTENTIONS: &[&str] = &["dense", "streaming_llm"];

/// Prints a table for each measure and writes the JSON and the plot, if there are to be any.
pub(crate) fn run(app: &App, args: &SpeedArgs) -> anyhow::Result<u8> {
    let precisions = args.precisions();
    if let Some(number) = args.serve {
        let precision = precisions.get(number).context("--serve: no precision has this number")?;
        return serve::run(app, args, *precision);
    }
    let attentions = attention::named(app, &args.attention, ATTENTIONS)?;
    check(args, &attentions)?;
    check_effects(args)?;
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
        own.map(|(number, &precision)| Program::own(&app.program, number, precision, &names)).collect();
    for &peer in &args.peers {
        programs.push(Program::peer(peer)?);
    }
    let mut bench = Bench::new(args, programs, first);
    if args.measures(MeasureArg::Startup) {
        bench.start_up()?;
    }
    bench.contexts()?;
    let report = bench.report(&device::names(&placement))?;
    show(format_args!("{}\n\n{}\n", report.machine(), table::text(&report)))?;
    if let Some(path) = &args.json {
        let text = report.json()?;
        replace_file(path, |temporary| anyhow::Ok(std::fs::write(temporary, text)?))?;
    }
    if let Some(path) = &args.plot {
        replace_file(path, |temporary| plot::write(&report, temporary))?;
    }
    Ok(exit::DONE)
}

/// Refuses what cannot be measured, before anything is loaded.
fn check(args: &SpeedArgs, attentions: &[NamedAttention]) -> anyhow::Result<()> {
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
    for precision in args.precisions() {
        precision.check_eviction(args.attention.evict, attentions)?;
    }
    if args.plot.is_some() {
        ensure!(
            args.contexts().len() > 1,
            usage("--plot needs two lengths or more, such as --context 1024,4096")
        );
        let draws = args.measures(MeasureArg::Prefill) || args.measures(MeasureArg::Decode);
        ensure!(draws, usage("--plot draws prefill and decode; --measure names neither"));
    }
    for path in args.json.iter().chain(&args.plot) {
        check_writable(path).context("the report cannot be written")?;
    }
    Ok(())
}

/// Refuses options that change nothing of what is measured.
fn check_effects(args: &SpeedArgs) -> Result<(), UsageError> {
    let measures = |any: &[MeasureArg]| any.iter().any(|measure| args.measures(*measure));
    let (decode, shared) = (MeasureArg::Decode, MeasureArg::Shared);
    let in_contexts = measures(&[MeasureArg::Prefill, decode, shared]);
    let not_measured = "is for what --measure does not name";
    for (flag, is_given, has_effect) in [
        ("--new-tokens", args.new_tokens.is_some(), measures(&[decode, shared])),
        ("--questions", args.questions.is_some(), measures(&[shared])),
        ("--context", !args.context.is_empty(), in_contexts),
    ] {
        if is_given && !has_effect {
            return Err(UsageError(format!("{flag} has no effect: it {not_measured}")));
        }
    }
    if args.attention.attention.len() > 1 && !in_contexts {
        let text = "--attention has no effect from the second on: a start-up is measured with the first";
        return Err(UsageError(text.to_owned()));
    }
    for (flag, named, different) in [
        ("--context", args.context.len(), args.contexts().len()),
        ("--measure", args.measure.len(), distinct(&args.measure)),
        ("--peers", args.peers.len(), distinct(&args.peers)),
    ] {
        if named > different {
            return Err(UsageError(format!("{flag} names one twice")));
        }
    }
    Ok(())
}

/// How many different values there are.
fn distinct<T: PartialEq>(values: &[T]) -> usize {
    (0..values.len()).filter(|&at| !values[..at].contains(&values[at])).count()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::check_effects;
    use crate::args::SpeedArgs;

    #[test]
    fn what_changes_no_measure_is_refused() {
        let check = |line: &str| {
            let command = SpeedArgs::augment_args(Command::new("speed").no_binary_name(true));
            let matches = command.try_get_matches_from(line.split_whitespace()).unwrap();
            check_effects(&SpeedArgs::from_arg_matches(&matches).unwrap()).map_err(|error| error.to_string())
        };
        for (line, words) in [
            ("--measure prefill --new-tokens 8", "--new-tokens has no effect"),
            ("--measure prefill,decode --questions 8", "--questions has no effect"),
            ("--measure startup --context 64", "--context has no effect"),
            ("--measure startup --attention dense,quest", "--attention has no effect from the second on"),
            ("--context 64,64", "--context names one twice"),
            ("--measure decode,decode", "--measure names one twice"),
            ("--peers llama.cpp,llama.cpp", "--peers names one twice"),
        ] {
            assert!(check(line).unwrap_err().contains(words), "{line}");
        }
        for line in
            ["", "--measure shared --new-tokens 8 --questions 8", "--measure startup --attention quest"]
        {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }
}
