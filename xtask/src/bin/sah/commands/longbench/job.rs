//! A model with one attention after another, in this process.

use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use sah_adapter::LoadedModel;
use sah_attention::CallSampling;
use sah_bench_core::{FinishedRun, Resumed, RunConfig, RunFolder, RunMeasures, Runner, samples_hash};

use super::config::run_config;
use super::plan::{ModelRun, Plan};
use super::progress::{Listener, Observer};
use crate::attention::NamedAttention;
use crate::failure::Failure;
use crate::{memory, model};

/// The first model of a plan with its attentions, or with that of `--cell`.
#[derive(Debug)]
pub(super) struct Job<'a> {
    plan: &'a Plan<'a>,
    model: &'a ModelRun,
    stop: &'a AtomicBool,
}

/// What is done with an attention of the run.
#[derive(Debug)]
enum Part {
    /// It is another process's, and finished or not even begun: only its options are looked at.
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
        let parts =
            plan.attentions.iter().map(|attention| self.open(attention)).collect::<Result<Vec<_>, _>>()?;
        if plan.args.resume.is_none() {
            plan.keep_options()?;
        }
        let mut finished = Vec::new();
        if parts.iter().all(|part| !matches!(part, Part::ToDo(_))) {
            finished.extend(parts.into_iter().filter_map(|part| match part {
                Part::Done(run) => Some(*run),
                Part::ToDo(_) | Part::Other(_) => None,
            }));
            return Ok(finished);
        }
        let source = model::fetch(&self.model.source)?;
        let loading = Instant::now();
        let loaded = model::load(&self.model.args, &source)?;
        let load_seconds = loading.elapsed().as_secs_f64();
        loaded.keep_contexts((plan.args.limits.keep_contexts * (1 << 30) as f64) as usize);
        let data_hash = samples_hash(&plan.samples);
        for (number, (attention, part)) in plan.attentions.iter().zip(parts).enumerate() {
            let config = run_config(plan, self.model, attention, &data_hash, &source, &loaded)?;
            match part {
                Part::ToDo(folder) => {
                    let observer = &mut Observer::new(listener, number);
                    finished.push(self.run_attention(
                        attention,
                        &config,
                        (&loaded, load_seconds),
                        folder,
                        observer,
                    )?);
                }
                Part::Done(run) => {
                    run.check_config(&config)?;
                    finished.push(*run);
                }
                Part::Other(run) => run.map_or(Ok(()), |run| run.check_config(&config))?,
            }
        }
        Ok(finished)
    }

    fn open(&self, attention: &NamedAttention) -> anyhow::Result<Part> {
        let args = self.plan.args;
        let ModelRun { result_dir, run_name, .. } = self.model;
        let path = self.model.path().join(&attention.name);
        if args.execution.cell.as_ref().is_some_and(|cell| cell != &attention.name) {
            return Ok(Part::Other(FinishedRun::read(&path).ok().map(Box::new)));
        }
        if args.resume.is_none() {
            return Ok(Part::ToDo(RunFolder::create(result_dir, run_name, &attention.name)?));
        }
        Ok(match RunFolder::resume(result_dir, run_name, &attention.name)? {
            Resumed::Finished(run) => Part::Done(run),
            Resumed::Unfinished(folder) => {
                Failure::forget(&path);
                Part::ToDo(folder)
            }
        })
    }

    fn run_attention(
        &self,
        attention: &NamedAttention,
        config: &RunConfig,
        (model, load_seconds): (&Rc<LoadedModel>, f64),
        mut folder: RunFolder,
        observer: &mut Observer<'_>,
    ) -> anyhow::Result<FinishedRun> {
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
        let outcome = runner.run(self.plan.samples.clone(), &mut folder, observer)?;
        let measures = RunMeasures {
            run_seconds: outcome.seconds,
            model_load_seconds: Some(load_seconds),
            peak_memory_bytes: memory::peak_bytes(),
            peak_memory_source: Some(memory::SOURCE.to_owned()),
        };
        Ok(folder.finish(&self.plan.benchmark, config, &outcome.records, measures)?)
    }
}
