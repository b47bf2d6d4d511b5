//! What a model computes, as its config says: checked before any weight is read.

use std::path::Path;

use sah_tensor::torch::choose_vector_functions;
use serde_json::{Map, Value};
use tch::Device;

use super::config_file::Findings;
use super::families::find;
use super::overrides::ConfigOverrides;
use super::quantisation;
use super::rope::RopeConfig;
use super::transformer::Transformer;
use super::{CausalLm, ConfigFile};
use crate::weights::quantised::Quantisation;
use crate::weights::{CheckedWeights, CheckpointForm, TensorNames, WeightPath, Weights};
use crate::{Error, Placement, Precision, WeightStorage};

/// A model of an architecture, without its weights.
pub(super) trait Build: std::fmt::Debug {
    /// The model, with the tensors under `root`.
    fn build(&self, root: &WeightPath<'_>) -> Result<Transformer, Error>;

    /// The rotary embeddings that layers choose from; none where positions are learned.
    fn ropes(&self) -> &[RopeConfig];

    /// How many positions it was made for.
    fn positions(&self) -> usize {
        self.ropes().first().map_or(0, RopeConfig::positions)
    }
}

/// A config that can be run.
#[derive(Debug)]
pub(crate) struct ModelSpec {
    model: Box<dyn Build>,
    positions: usize,
    names: TensorNames,
    quantisation: Option<Quantisation>,
    /// Fields that are not in the config, with what is taken for them: `vocab_size 32000`.
    pub(crate) defaults: Vec<String>,
    /// What a user should know: fields without effect, parts that are not run.
    pub(crate) notes: Vec<String>,
    /// Whether the config has fields of its own for sound or images, whose tensors are not read.
    is_wrapped: bool,
}

impl ModelSpec {
    /// Reads the config `json`, which lies at `path`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it or not supported, in one error.
    pub(crate) fn read(json: &Value, path: &Path, overrides: &ConfigOverrides) -> Result<Self, Error> {
        let nothing = Map::new();
        let file = ConfigFile::new(json.as_object().unwrap_or(&nothing), path);
        let (file, family) = find(file);
        let Some(family) = family else {
            file.refuse_unsupported(&[]);
            return Err(file.finish().expect_err("a family that was not found is a problem"));
        };
        let file = file.with_rope(overrides.rope.as_ref());
        file.refuse_unsupported(family.reads);
        file.note_without_effect();
        let model = (family.read)(&file);
        let quantisation = quantisation::read(&file);
        let positions = positions(&file, &*model, overrides);
        let is_wrapped = file.is_wrapped();
        let Findings { defaults, notes, .. } = file.finish()?;
        Ok(Self { model, positions, names: family.tensors(), quantisation, defaults, notes, is_wrapped })
    }

    /// How many values the tensors of `weights` have together.
    pub(crate) fn parameters(&self, weights: &Weights) -> u64 {
        weights.parameters(self.quantisation.as_ref())
    }

    /// How many positions a prompt and its answer may take.
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    fn form(&self) -> CheckpointForm<'_> {
        CheckpointForm { names: &self.names, quantisation: self.quantisation.as_ref() }
    }

    /// Whether `weights` has all that the model needs; nothing is kept.
    ///
    /// # Errors
    ///
    /// Every tensor that is missing, or has another shape or a type that cannot be read, in one error.
    pub(crate) fn check(&self, weights: &Weights, precision: Precision) -> Result<CheckedWeights, Error> {
        weights.check_all(self.form(), precision, self.is_wrapped, |root| self.model.build(root).map(drop))
    }

    /// The model with its weights, on the devices of `placement`, and what was found out about them.
    ///
    /// # Errors
    ///
    /// As [`Self::check`]; weights that are to be kept as they are stored, but not on the CPU.
    pub(crate) fn load(
        &self,
        weights: &Weights,
        placement: &Placement,
        precision: Precision,
    ) -> Result<(Box<dyn CausalLm>, CheckedWeights), Error> {
        choose_vector_functions();
        let is_on_cpu = placement.devices().all(|device| device == Device::Cpu);
        if precision.weights == WeightStorage::Stored && !is_on_cpu {
            return Err(Error::StoredOffCpu);
        }
        let checked = self.check(weights, precision)?;
        let placed = (placement, &checked.bytes);
        let model = weights.read_all(self.form(), placed, precision, |root| self.model.build(root))?;
        Ok((Box::new(Transformer { positions: self.positions, ..model }), checked))
    }
}

/// Those of the config, or those that were given.
fn positions(file: &ConfigFile<'_>, model: &dyn Build, overrides: &ConfigOverrides) -> usize {
    let own = model.positions();
    let Some(given) = &overrides.positions else { return own };
    if model.ropes().is_empty() && given.value > own {
        file.problem(Error::Impossible {
            given: given.name.clone(),
            wanted: format!("{} positions", given.value),
            reason: format!("those of this model are learned, and there are {own}"),
        });
    }
    given.value
}

#[cfg(test)]
mod tests;
