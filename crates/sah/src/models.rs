//! Models in memory, for the next command that wants the same.

use std::cell::RefCell;
use std::rc::Rc;

use sah_adapter::{LoadedModel, ModelOptions, ModelSource, Placement, Precision};

use crate::args::ModelArgs;
use crate::model;

/// Models that were loaded, which commands of this process share: [`App::with_models`](crate::App::with_models). They stay in memory as
/// long as this does.
#[derive(Debug, Default)]
pub struct Models(RefCell<Vec<Kept>>);

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

impl Models {
    /// The model that was loaded by the same options, or loads it.
    pub(crate) fn load(
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
        if let Some(kept) = self.0.borrow().iter().find(|kept| kept.by == by) {
            return Ok(Rc::clone(&kept.model));
        }
        let model = model::load(args, source, options)?;
        self.0.borrow_mut().push(Kept { by, model: Rc::clone(&model) });
        Ok(model)
    }
}
