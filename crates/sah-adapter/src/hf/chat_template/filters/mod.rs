//! The filters of Jinja2, by its sources.
//!
//! `random`, `striptags`, `urlize` and `wordwrap` are not here: a template that uses one is refused.

mod collections;
mod numbers;
mod select;
mod text;

use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value};

use super::arguments::Arguments;
use super::tojson::tojson;

/// A filter or a test.
pub(super) type Native = fn(&mut State<'_, '_>, Arguments) -> Result<Value, Error>;

/// Adds the filters to `environment`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    for group in [text::FILTERS, numbers::FILTERS, collections::FILTERS, select::FILTERS] {
        for &(name, filter) in group {
            add(environment, name, filter);
        }
    }
    add(environment, "tojson", tojson);
}

/// Adds one.
pub(super) fn add(environment: &mut Environment<'_>, name: &'static str, filter: Native) {
    let called = move |state: &mut State<'_, '_>, values: Rest<ValueOrKwargs>| -> Result<Value, Error> {
        filter(state, Arguments::new(values)?)
    };
    environment.add_filter(name, called);
}

/// Names of all filters of Jinja2 and transformers, for the test `filter`.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];
