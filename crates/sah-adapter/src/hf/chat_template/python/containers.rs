//! Dictionaries, their views, ranges and generators.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use super::{int, tuple};

/// `dict`.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Dict(pub(in super::super) IndexMap<Value, Value>);

impl Dict {
    pub(in super::super) fn from_pairs(pairs: impl IntoIterator<Item = (Value, Value)>) -> Value {
        Value::from_object(Self(pairs.into_iter().collect()))
    }

    /// By a key that is a text.
    pub(in super::super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&Value::from(key))
    }
}

/// The engine asks only for keyword arguments (`**dict`).
impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().cloned().collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }
}

/// Which part of a dictionary a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Part {
    Keys,
    Values,
    Items,
}

/// What `keys()`, `values()` and `items()` of a dictionary give.
#[derive(Debug)]
pub(in super::super) struct View {
    pub(in super::super) dict: Dict,
    pub(in super::super) part: Part,
}

impl View {
    pub(in super::super) fn items(&self) -> Vec<Value> {
        let dict = &self.dict.0;
        match self.part {
            Part::Keys => dict.keys().cloned().collect(),
            Part::Values => dict.values().cloned().collect(),
            Part::Items => dict.iter().map(|(key, value)| tuple(vec![key.clone(), value.clone()])).collect(),
        }
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(View::items(self))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.dict.0.len())
    }
}

/// `range`.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Range {
    pub(in super::super) start: i128,
    pub(in super::super) stop: i128,
    /// Not 0.
    pub(in super::super) step: i128,
}

impl Range {
    pub(in super::super) fn len(self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        let step = self.step.abs();
        if span <= 0 { 0 } else { usize::try_from((span + step - 1) / step).unwrap_or(usize::MAX) }
    }

    pub(in super::super) fn iter(self) -> impl DoubleEndedIterator<Item = i128> {
        (0..self.len()).map(move |at| self.start + self.step * at as i128)
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.iter().map(int).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }
}

/// What filters like `map` give: items that can be gone over once. It is true even without any.
#[derive(Debug)]
pub(in super::super) struct Generator(Mutex<VecDeque<Value>>);

impl Generator {
    pub(in super::super) fn of(items: Vec<Value>) -> Value {
        Value::from_object(Self(Mutex::new(items.into())))
    }

    /// All that is left.
    pub(in super::super) fn take(&self) -> Vec<Value> {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *items).into()
    }

    /// The next item.
    pub(in super::super) fn next(&self) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// The engine must not look into it: what is seen is gone.
impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// What `groupby` gives: a tuple whose items have names.
#[derive(Debug)]
pub(in super::super) struct Group([Value; 2]);

impl Group {
    pub(in super::super) fn of(grouper: Value, list: Value) -> Value {
        Value::from_object(Self([grouper, list]))
    }

    pub(in super::super) fn items(&self) -> &[Value; 2] {
        &self.0
    }
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}
