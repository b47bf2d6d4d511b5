//! A model with one attention after another, in this process.

use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use sah_adapter::LoadedModel;
use sah_attention::CallSampling;
use sah_bench_core::{
    Error, FinishedRun, Resumed, RunConfig, RunFolder, RunMeasures, Runner, Shard, ShardResults, samples_hash,
};

use super::config::run_config;
use super::parts::{Cell, Part};
use super::plan::{ModelRun, Plan};
use super::progress::{Listener, Observer};
use crate::attention::NamedAttention;
use crate::failure::Failure;
use crate::{memory, model};

/// The first model of a plan with its attentions, or with that of `--cell`.
pub(super) struct Job<'a> {
    plan: &'a Plan<'a>,
    model: &'a ModelRun,
    stop: &'a AtomicBool,
}

/// What is done with an attention of the run.
#[derive(Debug)]
enum Task {
    /// It is another process's: only its options are looked at, if it is finished.
    Other(Option<Box<FinishedRun>>),
    Done(Box<FinishedRun>),
    ToDo(RunFolder),
}

impl<'a> Job<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, stop: &'a AtomicBool) -> Self {
        Self { plan, model: &plan.models[0], stop }
    }

    /// Does what is missing, and gives the results of all attentions that are this job's.
    pub(super) fn run(&self, listener: &mut dyn Listener) -> anyhow::Result<Vec<FinishedRun>> {
        let plan = self.plan;
        let cells = plan.cells();
        let tasks = cells.iter().map(|cell| self.open(*cell)).collect::<Result<Vec<_>, _>>()?;
        if plan.args.resume.is_none() {
            plan.keep_options()?;
        }
        let mut finished = Vec::new();
        if tasks.iter().all(|task| !matches!(task, Task::ToDo(_))) {
            finished.extend(tasks.into_iter().filter_map(|task| match task {
                Task::Done(run) => Some(*run),
                Task::ToDo(_) | Task::Other(_) => None,
            }));
            return Ok(finished);
        }
        let source = model::fetch(&self.model.source)?;
        let loading = Instant::now();
        let loaded = model::load(&self.model.args, &source)?;
        let load_seconds = loading.elapsed().as_secs_f64();
        loaded.keep_contexts((plan.args.limits.keep_contexts * (1 << 30) as f64) as usize);
        let data_hash = samples_hash(&plan.samples);
        for (cell, task) in cells.into_iter().zip(tasks) {
            let attention = &plan.attentions[cell.attention];
            let number = plan.number(Part { cell, shard: plan.args.execution.shard });
            let config = run_config(plan, self.model, attention, &data_hash, &source, &loaded)?;
            match task {
                Task::ToDo(folder) => {
                    let observer = &mut Observer::new(listener, number);
                    finished.extend(self.run_attention(
                        attention,
                        &config,
                        (&loaded, load_seconds),
                        folder,
                        observer,
                    )?);
                }
                Task::Done(run) => {
                    run.check_config(&config)?;
                    finished.push(*run);
                }
                Task::Other(run) => run.map_or(Ok(()), |run| run.check_config(&config))?,
            }
        }
        Ok(finished)
    }

    fn open(&self, cell: Cell) -> anyhow::Result<Task> {
        let (args, attention) = (self.plan.args, &self.plan.attentions[cell.attention]);
        let ModelRun { result_dir, run_name, .. } = self.model;
        let path = self.model.path().join(&attention.name);
        if args.execution.cell.as_ref().is_some_and(|cell| cell != &attention.name) {
            return Ok(Task::Other(FinishedRun::read(&path).ok().map(Box::new)));
        }
        if args.resume.is_none() {
            return Ok(Task::ToDo(RunFolder::create(result_dir, run_name, &attention.name)?));
        }
        let folder = match args.execution.shard {
            None => RunFolder::resume(result_dir, run_name, &attention.name)?,
            shard if self.plan.is_done(Part { cell, shard }) => return Ok(Task::Other(None)),
            Some(shard) => RunFolder::resume(&self.model.path(), &attention.name, &shard.folder())?,
        };
        Ok(match folder {
            Resumed::Finished(run) => Task::Done(run),
            Resumed::Unfinished(folder) => {
                Failure::forget(&path);
                Task::ToDo(folder)
            }
        })
    }

    /// The results, or none where it was only a part.
    fn run_attention(
        &self,
        attention: &NamedAttention,
        config: &RunConfig,
        (model, load_seconds): (&Rc<LoadedModel>, f64),
        mut folder: RunFolder,
        observer: &mut Observer<'_>,
    ) -> anyhow::Result<Option<FinishedRun>> {
        folder.write_config(config)?;
        let seed = self.plan.args.limits.seed;
        let mut adapter = attention.adapter(model, seed)?;
        if config.micro_metrics > 0.0 {
            adapter = adapter.with_micro_metrics(CallSampling::new(config.micro_metrics, seed)?);
        }
        let runner = Runner {
            adapter: &adapter,
            generation: &config.generation,
            limits: &config.limits,
            plain_subsets: &config.chat_template.plain_subsets,
            stop: self.stop,
        };
        memory::reset_peak();
        let samples = self.plan.samples.clone();
        let shard = self.plan.args.execution.shard;
        let outcome = runner.run_shard(shard.unwrap_or(Shard::WHOLE), samples, &mut folder, observer);
        let outcome = outcome.map_err(|error| self.at_this_run(error))?;
        let measures = RunMeasures {
            run_seconds: outcome.seconds,
            model_load_seconds: Some(load_seconds),
            peak_memory_bytes: memory::peak_bytes(),
            peak_memory_source: Some(memory::SOURCE.to_owned()),
        };
        if shard.is_some() {
            let rows = outcome.records.len();
            folder.finish_shard(&ShardResults { rows, rows_failed: outcome.rows_failed, measures })?;
            return Ok(None);
        }
        Ok(Some(folder.finish(&*self.plan.benchmark, config, &outcome.records, measures)?))
    }

    /// The run that can be resumed, where a part of it was stopped.
    fn at_this_run(&self, error: Error) -> Error {
        match error {
            Error::Interrupted { rows_done, rows_total, attention, .. } => {
                Error::Interrupted { rows_done, rows_total, attention, run: self.model.path() }
            }
            error => error,
        }
    }
}
