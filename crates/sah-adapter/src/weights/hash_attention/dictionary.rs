//! The pickle of matrices by layer: heads are stacked already, and matrices applied as `x M`.

use sah_pickle::{Saved, Value};

use super::stacked::Stacked;
use super::{Misfit, Result, Tensors, name};

/// Layers and matrices of a network, far above those of any model: the lists of a file may be shared by its layers.
const MOST: usize = 256;

/// The tensors of `{layer: {"query_matrix": [..], "query_bias": [..], "key_matrix": [..], "key_bias": [..]}}`.
pub(super) fn collect<'a>(saved: &Saved<'a>, layers: &[(Value<'a>, Value<'a>)]) -> Result<Tensors<'a>> {
    if layers.len() > MOST {
        return Err(Misfit::new("the whole", format!("has {} layers", layers.len())));
    }
    let mut tensors = Tensors::new();
    for &(number, parts) in layers {
        let layer = match number {
            Value::Int(layer) if layer >= 0 => layer as usize,
            other => return Err(Misfit::new("the whole", format!("has {} for a layer", other.kind()))),
        };
        let parts = saved.dict(parts).map_err(|problem| Misfit::new(format!("layer {layer}"), problem))?;
        for side in ["query", "key"] {
            for (kind, entry) in [("weight", "matrix"), ("bias", "bias")] {
                let entry = format!("{side}_{entry}");
                let place = format!("layer {layer}: {entry}");
                // Of entries with one name, Python keeps the last.
                let found =
                    parts.iter().rev().find(|(key, _)| matches!(key, Value::Text(key) if *key == entry));
                let (_, list) = found.ok_or_else(|| Misfit::new(&place, "is not there"))?;
                let list = saved.sequence(*list).map_err(|problem| Misfit::new(&place, problem))?;
                if list.len() > MOST {
                    return Err(Misfit::new(place, format!("has {} matrices", list.len())));
                }
                for (matrix, &value) in list.iter().enumerate() {
                    if kind == "bias" && matches!(value, Value::None) {
                        continue;
                    }
                    let tensor = saved
                        .tensor(value)
                        .map_err(|problem| Misfit::new(format!("{place}[{matrix}]"), problem))?;
                    tensors.insert(name(layer, side, matrix, kind), Stacked::single(tensor));
                }
            }
        }
    }
    Ok(tensors)
}
