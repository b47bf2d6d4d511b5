//! `cargo xtask bench speed`: decode speed, all sides in turn.
//!
//! Machines are noisy, so every round runs each side once and ratios are taken within a round. The median of the
//! rounds is what to quote.

mod peer;

use std::process::ExitCode;
use std::rc::Rc;

use anyhow::ensure;
use comfy_table::Table;
use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelAdapter as _, Question, Request, RequestLimits,
};

use self::peer::Peer;
use crate::args::SpeedArgs;
use crate::attention::NamedAttention;
use crate::terminal::{figure, figures};
use crate::usage::UsageError;
use crate::{attention, memory, model};

/// What one side did in one round.
#[derive(Clone, Copy, Debug)]
struct Measurement {
    prefill_seconds: f64,
    /// New tokens a second after the first.
    decode_rate: f64,
    /// Peak resident memory, if the system tells.
    peak_bytes: Option<u64>,
}

/// A side of the comparison and its rounds.
#[derive(Debug)]
struct Side {
    name: String,
    rounds: Vec<Measurement>,
}

/// Prints a line for each side: medians, and the median ratio to the last side that is not ours, or to the first.
pub(crate) fn run(args: &SpeedArgs) -> anyhow::Result<ExitCode> {
    let attentions = attention::named(&args.attention, &["dense", "streaming_llm"])?;
    ensure!(
        !args.peers || args.model.model == model::DEFAULT_NAME,
        UsageError("--peers measures the default model only; leave --model out".to_owned())
    );
    let source = model::fetch(&model::source(&args.model.model, args.model.revision.as_deref())?)?;
    let model = model::load(&args.model, &source)?;
    if args.decode_only {
        model.keep_contexts(usize::MAX);
    }
    let threads = tch::get_num_threads();
    let mut peer = args.peers.then(|| Peer::start(threads)).transpose()?;
    let mut sides: Vec<Side> = attentions.iter().map(|attention| side(&attention.name)).collect();
    if peer.is_some() {
        sides.push(side("transformers, SDPA"));
    }
    // One uncounted round: first calls allocate and choose kernels.
    for round in 0..=args.rounds {
        eprintln!(
            "{}",
            if round == 0 { "warm-up".to_owned() } else { format!("round {round} of {}", args.rounds) }
        );
        for (attention, side) in attentions.iter().zip(&mut sides) {
            let measurement = measure(&model, attention, args)?;
            side.record(round, measurement);
        }
        if let Some(peer) = &mut peer {
            let measurement = peer.measure(args.context, args.new_tokens)?;
            sides.last_mut().expect("the peer's side").record(round, measurement);
        }
    }
    let baseline = if peer.is_some() { sides.len() - 1 } else { 0 };
    println!(
        "context {} tokens, {} decoded, {}, {threads} threads, medians of {} rounds",
        args.context,
        args.new_tokens,
        args.model.dtype.name(),
        args.rounds
    );
    println!("{}", table(&sides, baseline));
    Ok(ExitCode::SUCCESS)
}

fn side(name: &str) -> Side {
    Side { name: name.to_owned(), rounds: Vec::new() }
}

impl Side {
    fn record(&mut self, round: u32, measurement: Measurement) {
        eprintln!(
            "  {:<20} prefill {:.2} s, decode {:.1} tokens/s",
            self.name, measurement.prefill_seconds, measurement.decode_rate
        );
        if round > 0 {
            self.rounds.push(measurement);
        }
    }

    fn median(&self, figure: impl Fn(&Measurement) -> f64) -> f64 {
        median(self.rounds.iter().map(figure))
    }
}

fn measure(
    model: &Rc<LoadedModel>,
    attention: &NamedAttention,
    args: &SpeedArgs,
) -> anyhow::Result<Measurement> {
    let adapter = HfAdapter::new(Rc::clone(model), attention.build()?, 0);
    let request = Request::new(text_of(args.context), Question::from("Go on with the log."));
    // The prefill gives the first new token; the rest is decoding.
    let generation = GenerationParams {
        max_new_tokens: Some(args.new_tokens as usize + 1),
        ignore_eos: true,
        ..GenerationParams::default()
    };
    let limits = RequestLimits {
        max_context_length: Some(args.context),
        ignore_positions: true,
        ..RequestLimits::default()
    };
    memory::reset_peak();
    let response = adapter.process_request(&request, &generation, &limits)?;
    let stats = &response.answers[0].stats;
    ensure!(response.context.tokens == args.context, "the context has {} tokens", response.context.tokens);
    Ok(Measurement {
        prefill_seconds: response.context.prefill_seconds,
        decode_rate: stats.decode_tokens_per_second().unwrap_or_default(),
        peak_bytes: memory::peak_bytes(),
    })
}

/// A text of more than `tokens` tokens: every line has at least eight words.
fn text_of(tokens: usize) -> String {
    let days = (0..=tokens / 8).map(|day| day.to_string());
    days.flat_map(|day| {
        ["Day ".to_owned(), day, ": the keeper lit the lamp and counted the boats. ".to_owned()]
    })
    .collect()
}

fn table(sides: &[Side], baseline: usize) -> Table {
    let base = &sides[baseline];
    let ratio = format!("decode / {}", base.name);
    let header = ["", "prefill s", "decode tokens/s", &ratio, "peak MB"].map(str::to_owned).to_vec();
    let row = |side: &Side| {
        let ratios =
            side.rounds.iter().zip(&base.rounds).map(|(ours, theirs)| ours.decode_rate / theirs.decode_rate);
        let peak = side.rounds.iter().filter_map(|round| round.peak_bytes).max();
        vec![
            side.name.clone(),
            figure(Some(side.median(|round| round.prefill_seconds)), 2),
            figure(Some(side.median(|round| round.decode_rate)), 1),
            figure(Some(median(ratios)), 2),
            figure(peak.map(|bytes| bytes as f64 / 1e6), 0),
        ]
    };
    figures(header, sides.iter().map(row).collect())
}

/// The middle value; of an even number of values, the mean of the middle two. 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < f64::EPSILON);
    }
}
