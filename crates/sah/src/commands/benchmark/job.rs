//! A model with one attention after another, in this process.

use std::sync::atomic::AtomicBool;

use sah_bench_core::{
    Error, FinishedRun, Resumed, RunConfig, RunFolder, RunMeasures, Runner, Shard, ShardResults, samples_hash,
};
use sah_request::ModelAdapter;

use super::parts::{Cell, Part};
use super::plan::{ModelRun, Plan};
use super::progress::{Listener, Message, Observer};
use crate::attention::NamedAttention;
use crate::failure::Failure;
use crate::memory;

#[cfg(test)]
mod tests;

/// A model that is loaded.
pub(super) trait Model {
    /// How long it took to load.
    fn seconds(&self) -> f64;

    /// What is needed to repeat the run with `attention`.
    fn config(&self, attention: &NamedAttention, data_hash: &str) -> anyhow::Result<RunConfig>;

    /// The model with `attention`, of whose calls the share `micro_metrics` is measured.
    fn adapter(
        &self,
        attention: &NamedAttention,
        micro_metrics: f64,
    ) -> anyhow::Result<Box<dyn ModelAdapter>>;
}

/// The first model of a plan with its attentions, or with that of `--cell`.
pub(super) struct Job<'a> {
    plan: &'a Plan<'a>,
    model: &'a ModelRun,
    stop: &'a AtomicBool,
}

/// The folder of an attention, as it is when the job begins.
#[derive(Debug)]
enum Opened {
    /// It is another process's: only its options are checked, if it is finished.
    Other(Option<Box<FinishedRun>>),
    Finished(Box<FinishedRun>),
    Unfinished(RunFolder),
}

impl<'a> Job<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, stop: &'a AtomicBool) -> Self {
        Self { plan, model: &plan.models[0], stop }
    }

    /// Does what is missing with the model that `load` gives, and returns the results of all attentions of this job.
    /// Nothing is loaded where nothing is missing.
    pub(super) fn run<M: Model>(
        &self,
        load: impl FnOnce(&'a Plan<'a>, &'a ModelRun) -> anyhow::Result<M>,
        listener: &mut dyn Listener,
    ) -> anyhow::Result<Vec<FinishedRun>> {
        let plan = self.plan;
        let cells = plan.cells();
        let opened = cells.iter().map(|cell| self.open(*cell)).collect::<Result<Vec<_>, _>>()?;
        if plan.args.resume.is_none() {
            plan.keep_options()?;
        }
        if !opened.iter().any(|opened| matches!(opened, Opened::Unfinished(_))) {
            return Ok(opened.into_iter().filter_map(Opened::finished).collect());
        }
        let model = load(plan, self.model)?;
        let data_hash = samples_hash(&plan.samples);
        let mut finished = Vec::new();
        for (cell, opened) in cells.into_iter().zip(opened) {
            let attention = &plan.attentions[cell.attention];
            let config = model.config(attention, &data_hash)?;
            match opened {
                Opened::Unfinished(folder) => {
                    let number = plan.number(Part { cell, shard: plan.args.execution.shard });
                    for warning in &config.warnings {
                        listener.hear(number, Message::Warned(warning.clone()));
                    }
                    let observer = &mut Observer::new(listener, number);
                    finished.extend(self.run_attention(&model, attention, &config, folder, observer)?);
                }
                Opened::Finished(run) => {
                    run.check_config(&config)?;
                    finished.push(*run);
                }
                Opened::Other(run) => run.map_or(Ok(()), |run| run.check_config(&config))?,
            }
        }
        Ok(finished)
    }

    fn open(&self, cell: Cell) -> anyhow::Result<Opened> {
        let (args, attention) = (self.plan.args, &self.plan.attentions[cell.attention]);
        let ModelRun { result_dir, run_name, .. } = self.model;
        let path = self.model.path().join(&attention.name);
        if args.execution.cell.as_ref().is_some_and(|cell| cell != &attention.name) {
            return Ok(Opened::Other(FinishedRun::read(&path).ok().map(Box::new)));
        }
        if args.resume.is_none() {
            return Ok(Opened::Unfinished(RunFolder::create(result_dir, run_name, &attention.name)?));
        }
        let folder = match args.execution.shard {
            None => RunFolder::resume(result_dir, run_name, &attention.name)?,
            shard if self.plan.is_done(Part { cell, shard }) => return Ok(Opened::Other(None)),
            Some(shard) => RunFolder::resume(&self.model.path(), &attention.name, &shard.folder())?,
        };
        Ok(match folder {
            Resumed::Finished(run) => Opened::Finished(run),
            Resumed::Unfinished(folder) => {
                Failure::forget(&path);
                Opened::Unfinished(folder)
            }
        })
    }

    /// The results, or none where it was only a shard.
    fn run_attention(
        &self,
        model: &impl Model,
        attention: &NamedAttention,
        config: &RunConfig,
        mut folder: RunFolder,
        observer: &mut Observer<'_>,
    ) -> anyhow::Result<Option<FinishedRun>> {
        folder.write_config(config)?;
        let runner = Runner {
            benchmark: &*self.plan.benchmark,
            repeats: self.plan.args.limits.repeats,
            adapter: &*model.adapter(attention, config.micro_metrics)?,
            generation: &config.generation,
            limits: &config.limits,
            plain_subsets: &config.chat_template.plain_subsets,
            stop: self.stop,
        };
        memory::reset_peak();
        let samples = self.plan.samples.clone();
        let shard = self.plan.args.execution.shard;
        let outcome = runner.run_shard(shard.unwrap_or(Shard::UNDIVIDED), samples, &mut folder, observer);
        let outcome = outcome.map_err(|error| self.at_this_run(error))?;
        let measures = RunMeasures {
            run_seconds: outcome.seconds,
            model_load_seconds: Some(model.seconds()),
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
                let run = self.plan.whole.clone();
                Error::Interrupted { rows_done, rows_total, attention, run }
            }
            error => error,
        }
    }
}

impl Opened {
    /// The results of this job's own attention, if it is finished.
    fn finished(self) -> Option<FinishedRun> {
        match self {
            Self::Finished(run) => Some(*run),
            Self::Unfinished(_) | Self::Other(_) => None,
        }
    }
}
