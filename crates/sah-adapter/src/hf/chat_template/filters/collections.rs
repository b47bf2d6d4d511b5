//! Filters of lists and dictionaries.

use std::cmp::Ordering;

use minijinja::{Error, State, Value};

use super::super::arguments::{Arguments, required};
use super::super::python::{
    Dict, Generator, Group, Kind, add, as_int, check_hashable, compare, equal, failed, iterate, length, list,
    text, tuple,
};
use super::Native;
use super::select::{Attribute, attribute_of};

pub(super) const FILTERS: &[(&str, Native)] = &[
    ("attr", |_, arguments| {
        let [value, name] = arguments.bind(["obj", "name"])?;
        attribute_of(&required(value)?, &required(name)?)
    }),
    ("batch", batch),
    ("d", default),
    ("default", default),
    ("dictsort", sort_dict),
    ("first", first),
    ("groupby", group_by),
    ("items", items),
    ("join", join),
    ("last", last),
    ("list", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(list(iterate(&required(value)?)?))
    }),
    ("max", |_, arguments| extreme(arguments, Ordering::Greater)),
    ("min", |_, arguments| extreme(arguments, Ordering::Less)),
    ("reverse", reverse),
    ("slice", slice),
    ("sort", sort),
    ("sum", sum),
    ("unique", unique),
];

/// Whether an argument that is optional is given and true.
fn flag(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.is_true())
}

/// `default(default_value='', boolean=false)`: also for what is false where `boolean` is.
fn default(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, default, boolean] = arguments.bind(["value", "default_value", "boolean"])?;
    let value = required(value)?;
    let missing = value.is_undefined() || flag(boolean) && !value.is_true();
    Ok(if missing { default.unwrap_or_else(|| Value::from("")) } else { value })
}

fn first(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["seq"])?;
    let value = required(value)?;
    Ok(match Kind::of(&value) {
        Kind::Generator(generator) => generator.next(),
        Kind::Text(text) => text.chars().next().map(Value::from),
        _ => iterate(&value)?.into_iter().next(),
    }
    .unwrap_or_default())
}

fn last(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["seq"])?;
    let value = required(value)?;
    // What has no length cannot be reversed.
    length(&value)?;
    Ok(match Kind::of(&value) {
        Kind::Text(text) => text.chars().next_back().map(Value::from),
        _ => iterate(&value)?.pop(),
    }
    .unwrap_or_default())
}

fn reverse(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["value"])?;
    let value = required(value)?;
    if value.is_safe() {
        return Err(super::super::python::markup());
    }
    if let Kind::Text(text) = Kind::of(&value) {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = iterate(&value)?;
    items.reverse();
    Ok(if let Kind::Generator(_) = Kind::of(&value) { list(items) } else { Generator::of(items) })
}

/// As a generator, which is empty for what is undefined.
fn items(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["value"])?;
    let value = required(value)?;
    match Kind::of(&value) {
        Kind::Undefined => Ok(Generator::of(Vec::new())),
        Kind::Dict(Dict(dict)) => {
            let pair = |(key, value): (&Value, &Value)| tuple(vec![key.clone(), value.clone()]);
            Ok(Generator::of(dict.iter().map(pair).collect()))
        }
        _ => Err(failed("can only get item pairs from a mapping")),
    }
}

fn join(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, separator, attribute] = arguments.bind(["value", "d", "attribute"])?;
    let attribute = Attribute::optional(attribute)?;
    let separator = separator.map_or_else(|| Ok(String::new()), |separator| text(&separator))?;
    let mut parts = Vec::new();
    let mut length = 0;
    for item in iterate(&required(value)?)? {
        let part = match &attribute {
            Some(attribute) => text(&attribute.of(&item)?)?,
            None => text(&item)?,
        };
        length += part.len() + separator.len();
        parts.push(part);
    }
    state.consume_fuel(length as u64 / 64)?;
    Ok(Value::from(parts.join(&separator)))
}

fn batch(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, count, fill] = arguments.bind(["value", "linecount", "fill_with"])?;
    let count = as_int(&required(count)?)?;
    let count = usize::try_from(count).ok().filter(|count| (1..=1 << 16).contains(count));
    let count = count.ok_or_else(|| failed("batch needs a count from 1 to 65536"))?;
    let items = iterate(&required(value)?)?;
    let fill = fill.filter(|fill| !fill.is_none());
    let rows = items.chunks(count).map(|row| {
        let mut row = row.to_vec();
        if let Some(fill) = &fill {
            row.resize(count, fill.clone());
        }
        list(row)
    });
    Ok(Generator::of(rows.collect()))
}

fn slice(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, count, fill] = arguments.bind(["value", "slices", "fill_with"])?;
    let count = as_int(&required(count)?)?;
    let count = usize::try_from(count).ok().filter(|count| (1..=1 << 16).contains(count));
    let count = count.ok_or_else(|| failed("slice needs a count from 1 to 65536"))?;
    let items = iterate(&required(value)?)?;
    let (each, longer) = (items.len() / count, items.len() % count);
    let fill = fill.filter(|fill| !fill.is_none());
    let mut rest = items.as_slice();
    let mut columns = Vec::new();
    for column in 0..count {
        let (here, after) = rest.split_at(each + usize::from(column < longer));
        rest = after;
        let mut here = here.to_vec();
        here.extend(fill.clone().filter(|_| column >= longer));
        columns.push(list(here));
    }
    Ok(Generator::of(columns))
}

/// What is compared of a value: texts without case, unless it counts.
fn folded(value: Value, case_sensitive: bool) -> Value {
    match (value.as_str(), case_sensitive) {
        (Some(text), false) => Value::from(text.to_lowercase()),
        _ => value,
    }
}

/// Sorts `items` by keys. Equal ones keep their order, backwards too.
fn sorted<T>(mut items: Vec<(Value, T)>, backwards: bool) -> Result<Vec<(Value, T)>, Error> {
    let mut problem = None;
    items.sort_by(|(a, _), (b, _)| match compare(a, b) {
        Ok(Some(ordering)) if backwards => ordering.reverse(),
        Ok(Some(ordering)) => ordering,
        Ok(None) => {
            problem.get_or_insert_with(|| failed("sorting what is not a number"));
            Ordering::Equal
        }
        Err(error) => {
            problem.get_or_insert(error);
            Ordering::Equal
        }
    });
    problem.map_or(Ok(items), Err)
}

fn sort(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let names = ["value", "reverse", "case_sensitive", "attribute"];
    let [value, backwards, case, attribute] = arguments.bind(names)?;
    let (backwards, case) = (flag(backwards), flag(case));
    let attributes = Attribute::several(attribute)?;
    let items = iterate(&required(value)?)?;
    state.consume_fuel(items.len() as u64)?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let mut key = Vec::with_capacity(attributes.len());
        for attribute in &attributes {
            key.push(folded(attribute.of(&item)?, case));
        }
        keyed.push((list(key), item));
    }
    Ok(list(sorted(keyed, backwards)?.into_iter().map(|(_, item)| item).collect()))
}

fn sort_dict(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, case, by, backwards] = arguments.bind(["value", "case_sensitive", "by", "reverse"])?;
    let (case, backwards) = (flag(case), flag(backwards));
    let value = required(value)?;
    let Kind::Dict(Dict(dict)) = Kind::of(&value) else { return Err(failed("dictsort needs a dict")) };
    let by = by.unwrap_or_else(|| Value::from("key"));
    let keyed = dict.iter().map(|(key, value)| {
        let sort_by = if by.as_str() == Some("value") { value } else { key };
        (folded(sort_by.clone(), case), tuple(vec![key.clone(), value.clone()]))
    });
    if !matches!(by.as_str(), Some("key" | "value")) {
        return Err(failed("you can only sort by either \"key\" or \"value\""));
    }
    Ok(list(sorted(keyed.collect(), backwards)?.into_iter().map(|(_, pair)| pair).collect()))
}

fn extreme(arguments: Arguments, wanted: Ordering) -> Result<Value, Error> {
    let [value, case, attribute] = arguments.bind(["value", "case_sensitive", "attribute"])?;
    let case = flag(case);
    let attribute = Attribute::optional(attribute)?;
    let mut best: Option<(Value, Value)> = None;
    for item in iterate(&required(value)?)? {
        let key = match &attribute {
            Some(attribute) => attribute.of(&item)?,
            None => item.clone(),
        };
        let key = folded(key, case);
        let better = match &best {
            None => true,
            Some((best, _)) => compare(&key, best)? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}

fn unique(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, case, attribute] = arguments.bind(["value", "case_sensitive", "attribute"])?;
    let case = flag(case);
    let attribute = Attribute::optional(attribute)?;
    let mut seen = Dict::default();
    let mut items = Vec::new();
    for item in iterate(&required(value)?)? {
        let key = match &attribute {
            Some(attribute) => attribute.of(&item)?,
            None => item.clone(),
        };
        let key = folded(key, case);
        check_hashable(&key)?;
        if seen.0.insert(key, Value::from(())).is_none() {
            items.push(item);
        }
    }
    Ok(Generator::of(items))
}

fn group_by(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let names = ["value", "attribute", "default", "case_sensitive"];
    let [value, attribute, default, case] = arguments.bind(names)?;
    let case = flag(case);
    let attribute = Attribute::new(&required(attribute)?, default)?;
    let mut keyed = Vec::new();
    for item in iterate(&required(value)?)? {
        keyed.push((folded(attribute.of(&item)?, case), item));
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sorted(keyed, false)? {
        match groups.last_mut() {
            Some((last, items)) if equal(last, &key)? => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut found = Vec::with_capacity(groups.len());
    for (key, items) in groups {
        // The name of a group is as it is written in its first item.
        let key = if case { key } else { attribute.of(&items[0])? };
        found.push(Group::of(key, list(items)));
    }
    Ok(list(found))
}

fn sum(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, attribute, start] = arguments.bind(["iterable", "attribute", "start"])?;
    let attribute = Attribute::optional(attribute)?;
    let mut total = start.unwrap_or_else(|| Value::from(0));
    if total.as_str().is_some() {
        return Err(failed("sum() can't sum strings"));
    }
    let mut floats = 0;
    for item in iterate(&required(value)?)? {
        let item = match &attribute {
            Some(attribute) => attribute.of(&item)?,
            None => item,
        };
        floats += usize::from(matches!(Kind::of(&item), Kind::Float(_)));
        total = add(state, &total, &item)?;
    }
    if floats > 1 {
        return Err(failed(
            "a sum of several floats, which Python rounds in one way before 3.12 and in another since",
        ));
    }
    Ok(total)
}
