//! The checkpoint of training: a linear module for each matrix and head, with weights `[out, in]`. Modules with odd numbers
//! are the functions between them and have no weights.

use std::collections::BTreeMap;

use sah_pickle::{Saved, Strided, Value};

use super::stacked::Stacked;
use super::{Misfit, Result, Tensors, name};

const MODULE: &str = "learning_to_hash_transformation_";

/// One matrix, or its bias, of all heads.
type Heads<'a> = BTreeMap<usize, Strided<'a>>;

/// The tensors, and how many entries belong to no network.
pub(super) fn collect<'a>(
    saved: &Saved<'a>,
    entries: &[(Value<'a>, Value<'a>)],
) -> Result<(Tensors<'a>, usize)> {
    let mut stacks: BTreeMap<(usize, &str, usize, &str), Heads<'a>> = BTreeMap::new();
    let mut ignored = 0;
    for &(key, value) in entries {
        let key = match key {
            Value::Text(key) if key.contains(MODULE) => key,
            _ => {
                ignored += 1;
                continue;
            }
        };
        let (layer, side, head, matrix, kind) = parse(key).ok_or_else(|| {
            let form =
                format!("is not named {{layer}}.{MODULE}{{q|k}}.{{head}}.{{0, 2, ..}}.{{weight|bias}}");
            Misfit::new(key, form)
        })?;
        let tensor = saved.tensor(value).map_err(|problem| Misfit::new(key, problem))?;
        let rank = if kind == "weight" { 2 } else { 1 };
        if tensor.shape().len() != rank {
            let problem = format!("must have {rank} dimensions, has shape {:?}", tensor.shape());
            return Err(Misfit::new(key, problem));
        }
        let tensor = if kind == "weight" { tensor.transposed() } else { tensor };
        stacks.entry((layer, side, matrix, kind)).or_default().insert(head, tensor);
    }
    let mut tensors = Tensors::new();
    // Heads of a network count from 0 in its weights. A bias may be missing, and is then zero.
    let counts: BTreeMap<_, _> = stacks
        .iter()
        .filter(|((.., kind), _)| *kind == "weight")
        .map(|((layer, side, matrix, _), heads)| ((*layer, *side, *matrix), heads.len()))
        .collect();
    for ((layer, side, matrix, kind), heads) in stacks {
        let place = |head| format!("{layer}.{MODULE}{}.{head}.{}.{kind}", &side[..1], 2 * matrix);
        let count = counts.get(&(layer, side, matrix)).copied().unwrap_or_default();
        let beyond = heads.keys().find(|&&head| head >= count);
        if let Some(head) = beyond {
            return Err(Misfit::new(
                place(*head),
                format!("heads must count from 0; there are {count} weights"),
            ));
        }
        let model = heads.values().next().cloned().expect("a stack has a head");
        let parts = (0..count).map(|head| heads.get(&head).cloned()).collect();
        let stacked = Stacked::stack(&model, parts)
            .map_err(|head| Misfit::new(place(head), "must have the shape and type of the first head"))?;
        tensors.insert(name(layer, side, matrix, kind), stacked);
    }
    if tensors.is_empty() {
        return Err(Misfit::new("the whole", format!("has no entry with {MODULE}")));
    }
    Ok((tensors, ignored))
}

/// Layer, side, head, matrix and kind.
fn parse(key: &str) -> Option<(usize, &'static str, usize, usize, &'static str)> {
    let (layer, rest) = key.split_once('.')?;
    let mut parts = rest.strip_prefix(MODULE)?.split('.');
    let side = match parts.next()? {
        "q" => "query",
        "k" => "key",
        _ => return None,
    };
    let (head, module) = (parts.next()?.parse().ok()?, parts.next()?.parse::<usize>().ok()?);
    let kind = match parts.next()? {
        "weight" => "weight",
        "bias" => "bias",
        _ => return None,
    };
    let whole = parts.next().is_none() && module.is_multiple_of(2);
    whole.then_some((layer.parse().ok()?, side, head, module / 2, kind))
}
