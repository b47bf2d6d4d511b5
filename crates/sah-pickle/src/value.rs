//! What a pickle may build: plain data, storages and tensors.

use std::collections::HashMap;

use safetensors::Dtype;

use crate::globals::Global;
use crate::tensor::Strided;
use crate::{Problem, Result};

/// A value. Lists, tuples and the like are numbers of objects of the [`Saved`] file, since a file may nest them as deeply as it
/// likes, even in themselves.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of up to 8 bytes.
    Int(i64),
    /// A `float`, which nothing here looks at.
    Float,
    /// A `str`.
    Text(&'a str),
    /// `bytes`.
    Bytes(&'a [u8]),
    /// A list or a tuple.
    Sequence(usize),
    /// A `dict`, also an ordered one.
    Dict(usize),
    /// A class or function.
    Global(Global),
    /// The elements of tensors.
    Storage(usize),
    /// A tensor.
    Tensor(usize),
}

impl Value<'_> {
    /// What it is, for errors.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float => "a float",
            Self::Text(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::Sequence(_) => "a list or tuple",
            Self::Dict(_) => "a dict",
            Self::Global(_) => "a class or function",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// The elements behind tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage<'a> {
    pub(crate) element: Dtype,
    pub(crate) place: Place<'a>,
}

/// Where the bytes of a storage are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// In the pickle itself.
    Bytes(&'a [u8]),
    /// Beside the pickle, under this name.
    Named(&'a str),
}

/// A view of a storage; sizes and strides in elements, unchecked.
#[derive(Debug)]
pub(crate) struct TensorEntry {
    pub(crate) storage: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// All that has parts.
#[derive(Debug, Default)]
pub(crate) struct Objects<'a> {
    pub(crate) sequences: Vec<Vec<Value<'a>>>,
    pub(crate) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(crate) storages: Vec<Storage<'a>>,
    pub(crate) tensors: Vec<TensorEntry>,
}

impl<'a> Objects<'a> {
    /// The names of the storages that lie beside the pickle.
    pub(crate) fn named_storages(&self) -> impl Iterator<Item = (&'a str, Dtype)> {
        self.storages.iter().filter_map(|storage| match storage.place {
            Place::Named(name) => Some((name, storage.element)),
            Place::Bytes(_) => None,
        })
    }
}

/// What a file holds.
#[derive(Debug)]
pub struct Saved<'a> {
    pub(crate) root: Value<'a>,
    pub(crate) objects: Objects<'a>,
    /// Bytes of the storages that lie beside the pickle.
    pub(crate) beside: HashMap<&'a str, &'a [u8]>,
}

impl<'a> Saved<'a> {
    /// The object that was saved.
    #[must_use]
    pub fn root(&self) -> Value<'a> {
        self.root
    }

    /// The pairs of a dict.
    ///
    /// # Errors
    ///
    /// [`Problem::Unexpected`] for another kind of value.
    pub fn dict(&self, value: Value<'a>) -> Result<&[(Value<'a>, Value<'a>)]> {
        match value {
            Value::Dict(at) => Ok(&self.objects.dicts[at]),
            other => Err(Problem::Unexpected { expected: "a dict", found: other.kind() }),
        }
    }

    /// The items of a list or a tuple.
    ///
    /// # Errors
    ///
    /// [`Problem::Unexpected`] for another kind of value.
    pub fn sequence(&self, value: Value<'a>) -> Result<&[Value<'a>]> {
        match value {
            Value::Sequence(at) => Ok(&self.objects.sequences[at]),
            other => Err(Problem::Unexpected { expected: "a list", found: other.kind() }),
        }
    }

    /// A tensor, all of whose elements lie in its storage.
    ///
    /// # Errors
    ///
    /// [`Problem::Unexpected`] for another kind of value. [`Problem::Tensor`] and [`Problem::Storage`] for a tensor whose elements
    /// are not in the file.
    pub fn tensor(&self, value: Value<'a>) -> Result<Strided<'a>> {
        let Value::Tensor(at) = value else {
            return Err(Problem::Unexpected { expected: "a tensor", found: value.kind() });
        };
        let entry = &self.objects.tensors[at];
        let Storage { element, place } = self.objects.storages[entry.storage];
        let data = match place {
            Place::Bytes(bytes) => bytes,
            Place::Named(name) => *self.beside.get(name).ok_or_else(|| Problem::Storage(name.to_owned()))?,
        };
        Strided::new(element, data, entry)
    }
}
