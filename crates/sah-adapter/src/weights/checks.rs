//! Whether a checkpoint has what a model needs, found out without reading the tensors.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tch::{Device, Kind, Tensor};

use super::gguf::GgufWeights;
use super::names::{StoredNames, TensorNames};
use super::quantised::Quantisation;
use super::safetensors::Safetensors;
use super::{Mode, ModelPart, WeightPath, Weights};
use crate::{Error, Placement, Precision, WeightBytes};

/// A checkpoint with more problems is of another model: there is no need to know them all.
const MOST_PROBLEMS: usize = 1000;
/// How many names a note has.
const SHOWN: usize = 4;

/// A checkpoint that has what a model needs.
#[derive(Debug)]
pub(crate) struct CheckedWeights {
    /// What a user should know: tensors that are not read, names that are not the architecture's own.
    pub(crate) notes: Vec<String>,
    /// What the weights will take in memory.
    pub(crate) bytes: WeightBytes,
}

/// What was asked for so far, and what was wrong with it.
#[derive(Debug, Default)]
pub(super) struct Checks {
    problems: RefCell<Vec<Error>>,
    /// By the checkpoint's names.
    asked: RefCell<BTreeSet<String>>,
    bytes: RefCell<WeightBytes>,
}

impl Checks {
    /// Keeps that `name` was asked for, and what is wrong with it.
    pub(super) fn ask(&self, name: &str, found: Result<(), Error>) -> Result<(), Error> {
        self.asked.borrow_mut().insert(name.to_owned());
        let Err(error) = found else { return Ok(()) };
        let problems = &mut *self.problems.borrow_mut();
        if problems.len() >= MOST_PROBLEMS {
            return Err(error);
        }
        // Those of all experts may be one tensor.
        if problems.last().is_some_and(|last| last.to_string() == error.to_string()) {
            return Ok(());
        }
        problems.push(error);
        Ok(())
    }

    /// Counts what is kept of a part of the model.
    pub(super) fn keep(&self, part: ModelPart, bytes: u64) {
        let sums = &mut *self.bytes.borrow_mut();
        let sum = match part {
            ModelPart::First => &mut sums.first,
            ModelPart::Last => &mut sums.last,
            ModelPart::Layer(layer) => {
                let count = sums.layers.len().max(layer + 1);
                sums.layers.resize(count, 0);
                &mut sums.layers[layer]
            }
        };
        *sum = sum.saturating_add(bytes);
    }
}

/// How the checkpoints of a model have their tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckpointForm<'a> {
    pub(crate) names: &'a TensorNames,
    pub(crate) quantisation: Option<&'a Quantisation>,
}

/// Stands for a tensor in a check, and takes no memory.
pub(super) fn placeholder(shape: &[i64], kind: Kind) -> Result<Tensor, Error> {
    Ok(Tensor::f_zeros([1], (kind, Device::Cpu))?.f_expand(shape, false)?)
}

impl Weights {
    /// Calls `build` with a root whose tensors are looked up but not read. `is_wrapped`: the checkpoint has other parts
    /// than the language model.
    pub(crate) fn check_all(
        &self,
        form: CheckpointForm<'_>,
        precision: Precision,
        is_wrapped: bool,
        build: impl FnOnce(&WeightPath<'_>) -> Result<(), Error>,
    ) -> Result<CheckedWeights, Error> {
        let (checks, stored, placement) = (Checks::default(), self.names(form.names), Device::Cpu.into());
        let (mode, quantisation) = (Mode::Check(&checks), form.quantisation);
        let root = WeightPath { names: stored, mode, quantisation, ..self.root(&placement, precision) };
        let outcome = build(&root);
        let mut problems = checks.problems.into_inner();
        match (problems.len(), outcome) {
            (0, outcome) => outcome?,
            (1, _) => return Err(problems.remove(0)),
            _ => return Err(Error::Several(problems)),
        }
        let notes = match self {
            Self::Safetensors(weights) => notes(weights, &stored, is_wrapped, &checks.asked.into_inner()),
            Self::Gguf(weights) => notes_of_gguf(weights, &checks.asked.into_inner()),
        };
        Ok(CheckedWeights { notes, bytes: checks.bytes.into_inner() })
    }

    /// Calls `build` with the root of the tensors, of which `bytes` are kept.
    pub(crate) fn read_all<T>(
        &self,
        form: CheckpointForm<'_>,
        (placement, bytes): (&Placement, &WeightBytes),
        precision: Precision,
        build: impl FnOnce(&WeightPath<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (names, quantisation) = (self.names(form.names), form.quantisation);
        let of_layers = &placement.of_layers(bytes);
        build(&WeightPath { names, of_layers, quantisation, ..self.root(placement, precision) })
    }

    fn names(&self, names: &TensorNames) -> StoredNames {
        match self {
            Self::Safetensors(weights) => names.of(weights),
            Self::Gguf(_) => names.own(),
        }
    }
}

impl WeightPath<'_> {
    /// In a check: that the head is the embedding, where the checkpoint has both.
    pub(crate) fn check_tie(&self) -> Result<(), Error> {
        let (Mode::Check(checks), Weights::Safetensors(weights)) = (self.mode, self.weights) else {
            return Ok(());
        };
        let (head, embedding) = (self.names.head(), self.names.embedding());
        let (Some(one), Some(other)) = (weights.entry(&head), weights.entry(&embedding)) else {
            return Ok(());
        };
        let found = if weights.is_same(one, other)? {
            Ok(())
        } else {
            Err(Error::TiesDisagree { path: weights.path.clone(), head: head.clone(), embedding })
        };
        checks.ask(&head, found)
    }
}

/// What a user should know of a checkpoint of which the tensors `asked` are read.
fn notes(
    weights: &Safetensors,
    names: &StoredNames,
    is_wrapped: bool,
    asked: &BTreeSet<String>,
) -> Vec<String> {
    let mut notes = vec![];
    if !names.are_own() && !is_wrapped {
        notes.push(match names.prefix {
            "" => "names of tensors have no prefix: a checkpoint of the model without its head, read as such"
                .to_owned(),
            prefix => format!("names of tensors begin with `{prefix}`: only these are read"),
        });
    }
    let unread = weights.names().filter(|name| !asked.contains(*name) && !is_buffer(name));
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut others = vec![];
    for name in unread {
        if is_wrapped && !(names.prefix.len() > "model.".len() && name.starts_with(names.prefix)) {
            *parts.entry(part(name)).or_default() += 1;
        } else {
            others.push(name);
        }
    }
    if !parts.is_empty() {
        let parts: Vec<String> =
            parts.iter().map(|(part, count)| format!("{part} ({count} tensors)")).collect();
        notes.push(format!("left out: {}", parts.join(", ")));
    }
    if !others.is_empty() {
        notes.push(format!("tensors that the config asks nothing of are not read: {}", listed(&others)));
    }
    let unlisted: Vec<&str> = weights.unlisted.iter().map(String::as_str).collect();
    if !unlisted.is_empty() {
        notes.push(format!("tensors that the index does not list are not read: {}", listed(&unlisted)));
    }
    notes
}

/// The same of a GGUF file, whose tensors are all of its architecture.
fn notes_of_gguf(weights: &GgufWeights, asked: &BTreeSet<String>) -> Vec<String> {
    let (mut notes, left_out) = (vec![], weights.left_out());
    if !left_out.is_empty() {
        notes.push(format!("layers that predict further tokens are not read: {}", listed(&left_out)));
    }
    let others: Vec<&str> = weights.names().filter(|name| !asked.contains(*name)).collect();
    if !others.is_empty() {
        notes.push(format!("tensors that the config asks nothing of are not read: {}", listed(&others)));
    }
    notes
}

/// The part of a wrapper that has the tensor `name`.
fn part(name: &str) -> &str {
    let inner = name.strip_prefix("model.").unwrap_or(name);
    inner.split('.').next().unwrap_or(inner)
}

fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len() {
        0..=SHOWN => shown,
        all => format!("{shown} and {} more", all - SHOWN),
    }
}

/// What older versions of transformers stored beside weights, and every version computes anew.
fn is_buffer(name: &str) -> bool {
    ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests;
