//! Models in memory, for the next command that wants the same.

use std::cell::RefCell;
use std::rc::Rc;

use sah_adapter::{
    ChatTemplateOptions, ExternalModel, LoadedModel, ModelOptions, ModelSource, Placement, Precision,
};

use crate::App;
use crate::args::{ModelArgs, PlaceArgs};
use crate::model;

/// Models that were loaded, which commands of this process share: [`App::with_models`](crate::App::with_models). They stay in memory as
/// long as this does.
#[derive(Debug, Default)]
pub struct Models {
    kept: RefCell<Vec<Kept>>,
    external: RefCell<Vec<ExternalModel>>,
}

/// A model, and what it was loaded by.
#[derive(Debug)]
struct Kept {
    by: LoadedBy,
    model: Rc<LoadedModel>,
}

/// All that says what is loaded.
#[derive(Debug, PartialEq)]
struct LoadedBy {
    source: ModelSource,
    placement: Placement,
    precision: Precision,
    options: ModelOptions,
}

impl App {
    /// Where `--model` and `--revision` point to: a model of the calling program, or what [`model::source`] finds.
    pub(crate) fn source(&self, name: &str, revision: Option<&str>) -> anyhow::Result<ModelSource> {
        match self.models.as_ref().and_then(|models| models.external(name)) {
            Some(model) => model::at_revision(ModelSource::External(model), revision),
            None => model::source(name, revision),
        }
    }

    /// The model that `args` name, in this chat template.
    pub(crate) fn named_model(
        &self,
        args: &ModelArgs,
        chat_template: ChatTemplateOptions,
    ) -> anyhow::Result<Rc<LoadedModel>> {
        let PlaceArgs { model, revision, .. } = &args.place;
        let source = model::fetch(&self.source(model, revision.as_deref())?)?;
        self.model(args, &source, &ModelOptions { chat_template, config: args.config.overrides() })
    }

    /// The model at `source`: one that is in memory, or else it is loaded. It stays there for the next command where the program
    /// wants that.
    pub(crate) fn model(
        &self,
        args: &ModelArgs,
        source: &ModelSource,
        options: &ModelOptions,
    ) -> anyhow::Result<Rc<LoadedModel>> {
        match &self.models {
            Some(models) => models.load(args, source, options),
            None => model::load(args, source, options),
        }
    }
}

impl Models {
    /// With a model that another library has in memory, which commands name as it is called.
    pub fn add_external(&self, model: ExternalModel) {
        self.external.borrow_mut().push(model);
    }

    fn external(&self, name: &str) -> Option<ExternalModel> {
        self.external.borrow().iter().find(|model| model.name == name).cloned()
    }

    /// The model that was loaded by the same options, or loads it.
    fn load(
        &self,
        args: &ModelArgs,
        source: &ModelSource,
        options: &ModelOptions,
    ) -> anyhow::Result<Rc<LoadedModel>> {
        let by = LoadedBy {
            source: source.clone(),
            placement: args.place.device.placement()?,
            precision: args.precision.precision(),
            options: options.clone(),
        };
        if let Some(kept) = self.kept.borrow().iter().find(|kept| kept.by == by) {
            return Ok(Rc::clone(&kept.model));
        }
        let model = model::load(args, source, options)?;
        self.kept.borrow_mut().push(Kept { by, model: Rc::clone(&model) });
        Ok(model)
    }
}
