//! Reads a context and decodes behind it, and prints what each operator of the model took:
//!
//! ```sh
//! OMP_WAIT_POLICY=passive cargo xtask example operators [CONTEXT [NEW_TOKENS [ATTENTION [WEIGHTS]]]]
//! ```
//!
//! The default model in f32, 2 threads; `ATTENTION` is `dense` or a preset, `WEIGHTS` `expanded` or `stored`. Times are those of the
//! spans that `--trace` writes too. Products have their floating-point operations and the bytes of their weights.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sah_adapter::{
    AttentionSize, GenerationParams, HfAdapter, LoadedModel, ModelAdapter as _, ModelSource, Precision,
    Question, Request, RequestLimits, WeightStorage,
};
use sah_attention::{AttentionConfig, ResearchAttention};
use sah_tests::default_model;
use tch::{Device, Kind};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

const THREADS: usize = 2;

/// The spans whose insides are told apart.
const PHASES: [&str; 2] = ["prefill", "decode"];

/// Spans that have operators in them.
const PARTS: [&str; 2] = ["chunk", "step"];

/// What spans of one name took within a phase.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    calls: usize,
    time: Duration,
    work: Work,
}

/// Of products, their size.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    rows: u64,
    values: u64,
    bytes: u64,
    operations: u64,
}

/// By phase and name.
type Sums = BTreeMap<(&'static str, &'static str), Taken>;

/// Adds up the times of spans.
struct Operators(Arc<Mutex<Sums>>);

impl Visit for Work {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, value.max(0) as u64);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "rows" => self.rows = value,
            "values" => self.values = value,
            "bytes" => self.bytes = value,
            _ => {}
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Operators {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut work = Work::default();
        attributes.record(&mut work);
        work.operations = 2 * work.rows * work.values;
        span.extensions_mut().insert((work, Instant::now()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(&(work, began)) = span.extensions().get::<(Work, Instant)>() else { return };
        let time = began.elapsed();
        let Some(phase) = span.scope().map(|span| span.name()).find(|name| PHASES.contains(name)) else {
            return;
        };
        // A product counts for the operator that it is a part of.
        let (name, add) = match (span.name(), span.parent()) {
            ("product", Some(operator)) => (operator.name(), Taken { work, ..Taken::default() }),
            (name, _) => (name, Taken { calls: 1, time, work: Work::default() }),
        };
        let mut sums = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sum = sums.entry((phase, name)).or_default();
        sum.calls += add.calls;
        sum.time += add.time;
        sum.work.bytes += add.work.bytes;
        sum.work.operations += add.work.operations;
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let context: usize = arguments.next().map_or(Ok(4096), |text| text.parse())?;
    let new_tokens: usize = arguments.next().map_or(Ok(32), |text| text.parse())?;
    let attention = match arguments.next().as_deref() {
        None | Some("dense") => None,
        Some(name) => Some(ResearchAttention::from_config(&AttentionConfig::preset(name)?)?),
    };
    let precision = match arguments.next().as_deref() {
        None | Some("expanded") => Precision::from(Kind::Float),
        Some("stored") => Precision::from(Kind::Float).with_weights(WeightStorage::Stored),
        Some(other) => bail!("{other} is neither expanded nor stored"),
    };
    tch::set_num_threads(THREADS as i32);
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).use_current_thread().build_global()?;
    let model = LoadedModel::load(&ModelSource::Gguf(default_model()), Device::Cpu, precision)?;
    let (sizes, is_dense) = (model.sizes(), attention.is_none());
    let adapter = HfAdapter::new(model, attention, 0);
    let request = Request {
        context: (0..=context / 8)
            .flat_map(|day| {
                [
                    "Day ".to_owned(),
                    day.to_string(),
                    ": the keeper lit the lamp and counted the boats. ".to_owned(),
                ]
            })
            .collect(),
        questions: vec![Question::from("Go on with the log.")],
        ..Request::default()
    };
    let generation = GenerationParams {
        max_new_tokens: Some(new_tokens + 1),
        ignore_eos: true,
        ..GenerationParams::default()
    };
    let limits = RequestLimits {
        max_context_length: Some(context),
        ignore_positions: true,
        ..RequestLimits::default()
    };
    let sums = Arc::default();
    tracing_subscriber::registry()
        .with(
            Operators(Arc::clone(&sums)).with_filter(Targets::new().with_target("sah_adapter", Level::TRACE)),
        )
        .init();
    adapter.process_request(&request, &generation, &limits)?;
    let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if is_dense {
        let keys = context as u64;
        let of_layers =
            |of: fn(&AttentionSize) -> usize| sizes.attention.iter().map(of).sum::<usize>() as u64;
        let of_a_pair = 2 * of_layers(|layer| layer.query_heads * (layer.key_dim + layer.value_dim));
        let of_a_key = of_layers(|layer| layer.kv_heads * layer.row_bytes);
        sums.entry(("prefill", "attend")).or_default().work.operations = of_a_pair * keys * keys / 2;
        sums.entry(("decode", "attend")).or_default().work.bytes = of_a_key * keys * new_tokens as u64;
    }
    print(&sums, "prefill", 1.0, "s")?;
    print(&sums, "decode", new_tokens as f64 / 1e3, "ms a token")
}

/// The operators of a phase, those that took most first; times are divided by `per`.
fn print(sums: &Sums, phase: &'static str, per: f64, unit: &str) -> anyhow::Result<()> {
    let whole = sums.get(&(phase, phase)).context("the phase has a span")?.time.as_secs_f64();
    let is_operator = |name: &str| name != phase && !PARTS.contains(&name);
    let mut operators: Vec<(&str, Taken)> = sums
        .iter()
        .filter(|((within, name), _)| *within == phase && is_operator(name))
        .map(|((_, name), taken)| (*name, *taken))
        .collect();
    operators.sort_by_key(|(_, taken)| std::cmp::Reverse(taken.time));
    let named: f64 = operators.iter().map(|(_, taken)| taken.time.as_secs_f64()).sum();
    println!("| {phase} | calls | {unit} | share | GFLOP/s | GB/s |\n|---|---|---|---|---|---|");
    let line = |name: &str, calls: &str, seconds: f64, work: Work| {
        let rate = |amount: u64| match amount {
            0 => String::new(),
            amount => format!("{:.1}", amount as f64 / seconds / 1e9),
        };
        println!(
            "| {name} | {calls} | {:.3} | {:.1} % | {} | {} |",
            seconds / per,
            100.0 * seconds / whole,
            rate(work.operations),
            rate(work.bytes)
        );
    };
    for (name, Taken { calls, time, work }) in operators {
        line(name, &calls.to_string(), time.as_secs_f64(), work);
    }
    line("between them", "", whole - named, Work::default());
    line("total", "", whole, Work::default());
    println!();
    Ok(())
}
