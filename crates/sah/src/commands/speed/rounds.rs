//! The rounds: who runs when, and which figure comes of it.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context as _;
use sah_adapter::{ModelIdentity, ModelSizes};
use tch::Device;

use super::figures::{Figures, Measure, Subject};
use super::job::{Hello, Job, Outcome};
use super::limits::{self, Speed};
use super::program::{Program, Running};
use super::report::{Report, SCHEMA_VERSION, Settings};
use crate::args::{MeasureArg, PrecisionArgs, PrefillArg, SpeedArgs};
use crate::machine::Machine;
use crate::versions;

/// Tokens of the prompt whose first token a new process is asked for.
const START_UP_CONTEXT: usize = 1000;
/// Contexts of the uncounted round, in which memory is allocated and kernels are chosen, are no longer than this.
const WARM_UP_CONTEXT: usize = 1024;

/// A measurement that is going on.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    args: &'a SpeedArgs,
    programs: Vec<Program>,
    device: Device,
    /// Tokens of our own sides' question, once one has answered; others get as many.
    question_tokens: usize,
    versions: BTreeMap<String, String>,
    model: Option<ModelIdentity>,
    /// By precision.
    sizes: BTreeMap<String, ModelSizes>,
    speeds: Vec<Speed>,
    figures: Figures,
}

/// One side in one round.
#[derive(Clone, Copy, Debug)]
struct Turn<'a> {
    program: &'a Program,
    /// Its name in tables, and its attention.
    side: &'a (String, String),
    context: usize,
    /// From 1.
    round: u32,
}

impl<'a> Turn<'a> {
    fn subject(&self) -> Subject<'a> {
        Subject { context: self.context, side: &self.side.0, is_baseline: self.program.is_peer() }
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(args: &'a SpeedArgs, programs: Vec<Program>, device: Device) -> Self {
        Self {
            args,
            programs,
            device,
            question_tokens: 16,
            versions: BTreeMap::new(),
            model: None,
            sizes: BTreeMap::new(),
            speeds: Vec::new(),
            figures: Figures::default(),
        }
    }

    /// Starts every program once a round and waits for the first token that it answers.
    pub(super) fn start_up(&mut self) -> anyhow::Result<()> {
        for round in 1..=self.args.rounds {
            tracing::info!("start-up, round {round} of {}", self.args.rounds);
            for program in self.programs.clone() {
                let turn =
                    Turn { program: &program, side: &program.sides[0], context: START_UP_CONTEXT, round };
                let job = self.job(turn, 1, 0, true);
                let started = Instant::now();
                let mut running = program.start(tch::get_num_threads())?;
                running.give(&job)?;
                let hello = running.hello()?;
                let outcome = running.outcome()?;
                let seconds = started.elapsed().as_secs_f64();
                let compute = outcome.prefill_seconds + outcome.question_seconds + outcome.decode_seconds;
                self.meet(&program, hello);
                self.question_tokens = outcome.question_tokens;
                say(turn, &format!("first token after {seconds:.2} s, {compute:.2} s of it for the prompt"));
                self.figures.record(Measure::FirstToken, turn.subject(), seconds, None);
                self.figures.record(Measure::Startup, turn.subject(), seconds - compute, None);
            }
        }
        Ok(())
    }

    /// All that is measured in processes that stay, one length after another.
    pub(super) fn contexts(&mut self) -> anyhow::Result<()> {
        let answers = self.measures(MeasureArg::Prefill) || self.measures(MeasureArg::Decode);
        if !answers && !self.measures(MeasureArg::Shared) {
            return Ok(());
        }
        let programs = self.programs.clone();
        let mut running = Vec::new();
        for program in &programs {
            let mut process = program.start(tch::get_num_threads())?;
            let hello = process.hello()?;
            self.meet(program, hello);
            running.push(process);
        }
        let contexts = self.args.contexts();
        let shortest = contexts.first().copied().context("--context names no length")?;
        tracing::info!("warm-up");
        for (program, process) in programs.iter().zip(&mut running) {
            for side in &program.sides {
                let turn = Turn { program, side, context: shortest.min(WARM_UP_CONTEXT), round: 0 };
                let outcome = process.ask(&self.job(turn, 1, self.args.new_tokens(), true))?;
                self.question_tokens = outcome.question_tokens;
            }
        }
        for context in contexts {
            for round in 1..=self.args.rounds {
                tracing::info!("{context} tokens, round {round} of {}", self.args.rounds);
                self.measure_machine(context, round)?;
                for (program, process) in programs.iter().zip(&mut running) {
                    for side in program.sides.iter().filter(|_| answers) {
                        self.answer(Turn { program, side, context, round }, process)?;
                    }
                }
                if self.measures(MeasureArg::Shared) {
                    self.share(&programs, &mut running, (context, round))?;
                }
            }
        }
        Ok(())
    }

    /// Reading, where it is this side's turn to read, and decoding.
    fn answer(&mut self, turn: Turn<'_>, process: &mut Running) -> anyhow::Result<()> {
        let (prefill, decode) = (self.measures(MeasureArg::Prefill), self.measures(MeasureArg::Decode));
        // Where contexts are read densely whatever the attention, one reading serves all sides of a program.
        let each_reads = self.args.attention.prefill == PrefillArg::Sparse;
        let is_reader = each_reads || turn.side == &turn.program.sides[0];
        let fresh = is_reader && (turn.round == 1 || (prefill && turn.program.reads_every_round()));
        if !fresh && !decode {
            return Ok(());
        }
        let new_tokens = if decode { self.args.new_tokens() } else { 0 };
        let outcome = process.ask(&self.job(turn, 1, new_tokens, fresh))?;
        let Turn { program, context, .. } = turn;
        let (subject, of_ours) = (turn.subject(), self.ours(program));
        let mut told = Vec::new();
        if fresh && prefill {
            let limit = of_ours.map(|(speed, precision, sizes)| speed.prefill(sizes, precision, context));
            // With evicted keys, what must be held depends on the chunks in which the context is read.
            let whole = of_ours.filter(|_| !self.args.attention.evict);
            let memory = whole.map(|(_, _, sizes)| limits::memory_bytes(sizes, context));
            self.figures.record(Measure::Prefill, subject, outcome.prefill_seconds, limit);
            told.push(format!("prefill {:.2} s", outcome.prefill_seconds));
            if let Some(peak) = outcome.peak_bytes {
                self.figures.record(Measure::Memory, subject, peak as f64, memory);
            }
        }
        if decode {
            let of_ours = self.ours(program);
            let density = outcome.density.unwrap_or(1.0);
            let limit = of_ours.and_then(|(speed, _, sizes)| speed.decode(sizes, context, density));
            let seconds = outcome.decode_seconds / outcome.decoded as f64;
            self.figures.record(Measure::Decode, subject, seconds, limit);
            told.push(format!("decode {:.1} tokens/s", 1.0 / seconds));
        }
        say(turn, &told.join(", "));
        Ok(())
    }

    /// Several questions about one context; of the first side also one request for each.
    fn share(
        &mut self,
        programs: &[Program],
        running: &mut [Running],
        (context, round): (usize, u32),
    ) -> anyhow::Result<()> {
        let (questions, new_tokens) = (self.args.questions() as usize, self.args.new_tokens());
        for (number, (program, process)) in programs.iter().zip(running).enumerate() {
            for side in program.sides.iter().filter(|_| program.reads_every_round()) {
                let turn = Turn { program, side, context, round };
                let outcome = process.ask(&self.job(turn, questions, new_tokens, true))?;
                let limit = self.shared_limit(turn, &outcome);
                self.figures.record(Measure::Shared, turn.subject(), outcome.seconds, limit);
                say(turn, &format!("{questions} questions {:.2} s", outcome.seconds));
            }
            if number == 0 {
                let turn = Turn { program, side: &program.sides[0], context, round };
                let mut seconds = 0.0;
                for _ in 0..questions {
                    seconds += process.ask(&self.job(turn, 1, new_tokens, true))?.seconds;
                }
                let side = format!("{}, one by one", turn.side.0);
                let subject = Subject { side: &side, is_baseline: true, ..turn.subject() };
                self.figures.record(Measure::Shared, subject, seconds, None);
                say(turn, &format!("{questions} requests {seconds:.2} s"));
            }
        }
        Ok(())
    }

    fn shared_limit(&self, turn: Turn<'_>, outcome: &Outcome) -> Option<f64> {
        let (speed, precision, sizes) = self.ours(turn.program)?;
        let read = (turn.context, outcome.density.unwrap_or(1.0));
        speed.shared(sizes, precision, read, self.args.new_tokens() as usize)
    }

    /// What limits the figures of this round, for a program of ours.
    fn ours(&self, program: &Program) -> Option<(&Speed, PrecisionArgs, &ModelSizes)> {
        let precision = program.precision()?;
        Some((self.speeds.last()?, precision, self.sizes.get(&precision.name())?))
    }

    fn measure_machine(&mut self, context: usize, round: u32) -> anyhow::Result<()> {
        let sizes = self.sizes.values().next().context("none of our own sides told the model's sizes")?;
        let precisions = self.args.precisions();
        self.speeds.push(Speed::measure((context, round), sizes, &precisions, self.device)?);
        Ok(())
    }

    /// What every program says when it is ready.
    fn meet(&mut self, program: &Program, hello: Hello) {
        self.versions.extend(hello.versions);
        if let (Some(precision), Some(model)) = (program.precision(), hello.model) {
            self.model = Some(model.identity);
            self.sizes.insert(precision.name(), model.sizes);
        }
    }

    fn job(&self, turn: Turn<'_>, questions: usize, new_tokens: u32, fresh: bool) -> Job {
        Job {
            context: turn.context,
            questions,
            question_tokens: self.question_tokens,
            new_tokens: new_tokens as usize,
            attention: turn.side.1.clone(),
            fresh,
        }
    }

    fn measures(&self, measure: MeasureArg) -> bool {
        self.args.measures(measure)
    }

    /// Everything, when it is done.
    pub(super) fn report(self, device: &str) -> anyhow::Result<Report> {
        Ok(Report {
            schema_version: SCHEMA_VERSION,
            machine: Machine::this(),
            device: device.to_owned(),
            threads: tch::get_num_threads(),
            git_revision: versions::git_revision(),
            versions: self.versions,
            model: self.model.context("none of our own sides told the model")?,
            sizes: self.sizes,
            settings: Settings {
                new_tokens: self.args.new_tokens() as usize,
                questions: self.args.questions() as usize,
                question_tokens: self.question_tokens,
                rounds: self.args.rounds,
            },
            speeds: self.speeds,
            figures: self.figures,
        })
    }
}

fn say(turn: Turn<'_>, what: &str) {
    tracing::info!("  {:<20} {what}", turn.side.0);
}
