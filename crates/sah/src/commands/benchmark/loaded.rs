//! The model of a run, loaded from its checkpoint.

use std::rc::Rc;
use std::time::Instant;

use sah_adapter::{LoadedModel, ModelAdapter, ModelOptions, ModelSource};
use sah_attention::CallSampling;
use sah_bench_core::RunConfig;

use super::config::run_config;
use super::explained::Explained;
use super::job::Model;
use super::plan::{ModelRun, Plan};
use crate::App;
use crate::attention::NamedAttention;
use crate::model;

/// The model of a run.
pub(super) struct Loaded<'a> {
    plan: &'a Plan<'a>,
    run: &'a ModelRun,
    source: ModelSource,
    model: Rc<LoadedModel>,
    seconds: f64,
}

impl<'a> Loaded<'a> {
    /// Fetches and loads the model of `run`.
    pub(super) fn load(app: &App, plan: &'a Plan<'a>, run: &'a ModelRun) -> anyhow::Result<Self> {
        let source = model::fetch(&run.source)?;
        let started = Instant::now();
        let options = ModelOptions {
            chat_template: plan.args.prompts.template()?,
            config: run.args.config.overrides(),
        };
        let model = app.model(&run.args, &source, &options)?;
        let seconds = started.elapsed().as_secs_f64();
        model.keep_contexts((plan.args.limits.keep_contexts * (1 << 30) as f64) as usize);
        Ok(Self { plan, run, source, model, seconds })
    }
}

impl Model for Loaded<'_> {
    fn seconds(&self) -> f64 {
        self.seconds
    }

    fn config(&self, attention: &NamedAttention, data_hash: &str) -> anyhow::Result<RunConfig> {
        run_config(self.plan, self.run, attention, data_hash, &self.source, &self.model)
    }

    fn adapter(
        &self,
        attention: &NamedAttention,
        micro_metrics: f64,
    ) -> anyhow::Result<Box<dyn ModelAdapter>> {
        let seed = self.plan.args.limits.seed;
        let prompts = &self.plan.args.prompts;
        let adapter = attention
            .adapter(&self.model, seed)?
            .with_special_tokens(prompts.special.special_tokens.into())
            .with_tokenisation(prompts.tokens.tokenise.into())
            .with_generation_config(self.plan.args.sampling.generation_config.into());
        Ok(Box::new(Explained(if micro_metrics > 0.0 {
            adapter.with_micro_metrics(CallSampling::new(micro_metrics, seed)?)
        } else {
            adapter
        })))
    }
}
