//! Which layers see a window only.

use serde_json::{Map, Value as Json, json};

use crate::Error;
use crate::weights::gguf::architecture::Architecture::{Exaone4, Gemma2, Gemma3, Gemma4, GptOss};
use crate::weights::gguf::keys::Keys;
use crate::weights::gguf::value::Value;

/// The window of EXAONE 4's model of 64 layers, whose first files do not have it.
const EXAONE4_WINDOW: u64 = 4096;

/// The window, and the layers that have it. A file of EXAONE 4 without one is of a model without windows.
pub(super) fn windows(keys: &Keys<'_>, config: &mut Map<String, Json>, layers: u64) -> Result<(), Error> {
    let name = "attention.sliding_window";
    let window = match keys.integer(name)? {
        Some(0) | None if keys.architecture == Exaone4 => (layers == 64).then_some(EXAONE4_WINDOW),
        _ => Some(keys.positive(name)?),
    };
    config.insert("sliding_window".into(), json!(window));
    if window.is_some() {
        config.insert("layer_types".into(), layer_types(keys, layers)?);
    }
    Ok(())
}

/// The type of each layer.
pub(super) fn layer_types(keys: &Keys<'_>, layers: u64) -> Result<Json, Error> {
    Ok(windowed(keys, layers)?.into_iter().map(name_of_type).collect())
}

/// What configurations call layers with a window, and without.
pub(super) fn name_of_type(is_windowed: bool) -> &'static str {
    if is_windowed { "sliding_attention" } else { "full_attention" }
}

/// Which layers see a window only: all but every `pattern`-th one, or as the file lists them.
pub(super) fn windowed(keys: &Keys<'_>, layers: u64) -> Result<Vec<bool>, Error> {
    let name = "attention.sliding_window_pattern";
    keys.check_layers(layers)?;
    let pattern = match keys.gguf.metadata.get(&keys.full(name)) {
        // Models of one generation differ.
        None if keys.architecture == Gemma4 => {
            let expected = format!("true or false for each of the {layers} layers");
            return Err(keys.wrong(name, &expected, "nothing"));
        }
        None => match keys.architecture {
            Gemma2 | GptOss => 2,
            Gemma3 => 6,
            _ => 4,
        },
        Some(value) => {
            let wrong = || {
                let expected = format!("a number above 0, or true or false for each of the {layers} layers");
                keys.wrong(name, &expected, &value.describe())
            };
            if let Value::Array(list) = value {
                let list: Option<Vec<bool>> = list.iter().map(Value::as_bool).collect();
                return list.filter(|list| list.len() as u64 == layers).ok_or_else(wrong);
            }
            value.as_u64().filter(|&pattern| pattern > 0).ok_or_else(wrong)?
        }
    };
    Ok((1..=layers).map(|layer| !layer.is_multiple_of(pattern)).collect())
}
