//! Runs of the mock benchmark for tests: their plans, and a model that answers without a checkpoint.

use std::cell::{Cell as Shared, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sah_bench_core::RunConfig;
use sah_request::{
    Answer, AnswerStats, ContextStats, GenerationParams, ModelAdapter, Request, RequestLimits,
    RequestResponse,
};
use tempfile::TempDir;

use super::job::Model;
use super::parts::Cell;
use super::plan::Plan;
use super::progress::{Listener, Message, Screen};
use crate::App;
use crate::args::BenchmarkCommand;
use crate::attention::NamedAttention;

/// A run in a folder that is gone afterwards.
pub(super) struct TestRun {
    folder: TempDir,
    options: Vec<String>,
    pub(super) command: BenchmarkCommand,
}

impl TestRun {
    /// Of the mock benchmark with `options`, in `results/run`.
    pub(super) fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let command = command(folder.path(), "run", &options);
        Self { folder, options, command }
    }

    /// Of one model.
    pub(super) fn of_one(options: &[&str]) -> Self {
        Self::new(&[&["--model=org/one"], options].concat())
    }

    /// Of two models.
    pub(super) fn of_two(options: &[&str]) -> Self {
        Self::new(&[&["--model=org/one", "--model=org/two"], options].concat())
    }

    pub(super) fn plan(&self) -> Plan<'_> {
        plan_of(&self.command)
    }

    /// The same run, gone on with.
    pub(super) fn resumed(&self) -> BenchmarkCommand {
        let mut command = command(self.folder.path(), "run", &self.options);
        command.args.resume = Some(self.folder.path().join("run"));
        command
    }

    /// What a process is given that goes on with the run of one model in `run`.
    pub(super) fn of_worker(&self, run: &Path, cell: Option<&str>, shard: Option<&str>) -> BenchmarkCommand {
        let of_run = |option: &&String| !option.starts_with("--model") && !option.starts_with("--jobs");
        let mut options: Vec<String> = self.options.iter().filter(of_run).cloned().collect();
        options.push("--model=org/any".to_owned());
        let mut command =
            command(run.parent().unwrap(), run.file_name().unwrap().to_str().unwrap(), &options);
        command.args.resume = Some(run.to_path_buf());
        command.args.execution.cell = cell.map(str::to_owned);
        command.args.execution.shard = shard.map(|shard| shard.parse().unwrap());
        command
    }
}

/// The plan of a command line.
pub(super) fn plan_of(command: &BenchmarkCommand) -> Plan<'_> {
    Plan::new(&App::standard(), command).unwrap()
}

fn command(result_dir: &Path, run_name: &str, options: &[String]) -> BenchmarkCommand {
    let mut line = ["bench", "mock"].map(str::to_owned).to_vec();
    line.push(format!("--result-dir={}", result_dir.display()));
    line.push(format!("--run-name={run_name}"));
    line.extend(options.iter().cloned());
    let benchmarks = App::standard().benchmarks;
    BenchmarkCommand::of_arguments(&benchmarks, &line).unwrap()
}

/// The cell with this name, as messages spell it.
pub(super) fn cell(plan: &Plan<'_>, name: &str) -> Cell {
    plan.cells().into_iter().find(|cell| plan.name(*cell) == name).unwrap()
}

/// A model that gives the same answer to every question.
#[derive(Clone, Default)]
pub(super) struct ScriptedModel {
    /// Contexts with this text cannot be answered.
    pub(super) fails_on: Option<&'static str>,
    /// Set once it has answered so many contexts.
    pub(super) stops: Option<(usize, Arc<AtomicBool>)>,
    /// Part of its configuration.
    pub(super) hash: &'static str,
    /// How often it was loaded.
    pub(super) loads: Rc<Shared<usize>>,
    /// The contexts that it was given.
    pub(super) contexts: Rc<RefCell<Vec<String>>>,
}

impl ScriptedModel {
    /// Where a job expects a model to be loaded.
    pub(super) fn load(&self) -> Self {
        self.loads.set(self.loads.get() + 1);
        self.clone()
    }
}

impl Model for ScriptedModel {
    fn seconds(&self) -> f64 {
        2.5
    }

    fn config(&self, attention: &NamedAttention, data_hash: &str) -> anyhow::Result<RunConfig> {
        let mut config = RunConfig { attention_name: attention.name.clone(), ..RunConfig::default() };
        config.model.hash = self.hash.to_owned();
        config.data.hash = Some(data_hash.to_owned());
        Ok(config)
    }

    fn adapter(&self, _: &NamedAttention, _: f64) -> anyhow::Result<Box<dyn ModelAdapter>> {
        Ok(Box::new(self.clone()))
    }
}

impl ModelAdapter for ScriptedModel {
    fn process_request(
        &self,
        request: &Request,
        _: &GenerationParams,
        _: &RequestLimits,
    ) -> Result<RequestResponse, sah_request::ModelError> {
        self.contexts.borrow_mut().push(request.context.clone());
        if let Some((contexts, stop)) = &self.stops
            && self.contexts.borrow().len() >= *contexts
        {
            stop.store(true, Ordering::Relaxed);
        }
        if self.fails_on.is_some_and(|text| request.context.contains(text)) {
            return Err(sah_request::ModelError::new("out of memory"));
        }
        let answer = |_| Answer {
            text: "1887".to_owned(),
            stats: AnswerStats { generated_tokens: 3, ..AnswerStats::default() },
            ..Answer::default()
        };
        Ok(RequestResponse {
            answers: request.questions.iter().map(answer).collect(),
            context: ContextStats {
                tokens: 10,
                truncated_tokens: 0,
                special_tokens: 0,
                border_tokens: 0,
                prefill_seconds: 0.5,
                ..ContextStats::default()
            },
        })
    }
}

/// Keeps what it hears.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) messages: Vec<(usize, Message)>,
    pub(super) lines: RefCell<Vec<String>>,
    pub(super) left: Vec<usize>,
}

impl Listener for Recorder {
    fn hear(&mut self, cell: usize, message: Message) {
        self.messages.push((cell, message));
    }
}

impl Screen for Recorder {
    fn line(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }

    fn leave(&mut self, cell: usize) {
        self.left.push(cell);
    }
}
