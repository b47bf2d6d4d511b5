//! Which layers have a sliding window, and how wide it is.

use serde::Deserialize;

use super::ConfigFile;
use crate::Error;

/// `layer_types` of a config: one entry for each layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayerType {
    FullAttention,
    SlidingAttention,
}

/// The fields of `config.json`.
#[derive(Debug, Deserialize)]
struct Fields {
    sliding_window: Option<i64>,
    layer_types: Option<Vec<String>>,
}

/// The windows of a model's layers.
#[derive(Clone, Debug)]
pub(super) struct LayerWindows {
    window: Option<usize>,
    types: Option<Vec<LayerType>>,
}

impl LayerWindows {
    /// What the config says of its `layers` layers. `window` is that of a config without the field `sliding_window`; null
    /// there means none.
    pub(super) fn read(file: ConfigFile<'_>, layers: usize, window: Option<i64>) -> Result<Self, Error> {
        let fields: Fields = file.read()?;
        let is_absent = file.json.get("sliding_window").is_none();
        let window = checked_window(file, if is_absent { window } else { fields.sliding_window })?;
        let types = fields.layer_types.map(|names| layer_types(file, &names, layers)).transpose()?;
        Ok(Self { window, types })
    }

    /// Whether layer `layer` has the window; `otherwise` decides where the config does not list its layers.
    pub(super) fn is_windowed(&self, layer: usize, otherwise: impl Fn(usize) -> bool) -> bool {
        match &self.types {
            None => otherwise(layer),
            Some(types) => types[layer] == LayerType::SlidingAttention,
        }
    }

    /// The width of the window, for a model that has layers with one.
    pub(super) fn width(&self) -> Option<usize> {
        self.window
    }

    /// The width of the window, for a model that cannot do without.
    pub(super) fn required_width(&self, file: ConfigFile<'_>) -> Result<usize, Error> {
        self.window.ok_or_else(|| file.field("sliding_window", "at least 1", "null"))
    }

    /// Whether the config lists a layer with a window.
    pub(super) fn lists_windows(&self) -> bool {
        self.types.as_ref().is_some_and(|types| types.contains(&LayerType::SlidingAttention))
    }
}

/// A width in keys, of at least 1.
pub(super) fn checked_window(file: ConfigFile<'_>, window: Option<i64>) -> Result<Option<usize>, Error> {
    match window {
        Some(window) if window < 1 => Err(file.field("sliding_window", "at least 1, or null", window)),
        window => Ok(window.map(|window| window as usize)),
    }
}

fn layer_types(file: ConfigFile<'_>, names: &[String], layers: usize) -> Result<Vec<LayerType>, Error> {
    if names.len() != layers {
        return Err(file.field("layer_types", format!("one for each of {layers} layers"), names.len()));
    }
    names
        .iter()
        .map(|name| match name.as_str() {
            "full_attention" => Ok(LayerType::FullAttention),
            "sliding_attention" => Ok(LayerType::SlidingAttention),
            other => Err(file.unsupported("layer_types", other, "full_attention, sliding_attention")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn read(config: &Value) -> Result<LayerWindows, Error> {
        let file = ConfigFile { json: config, path: Path::new("config.json") };
        LayerWindows::read(file, 2, Some(5))
    }

    #[test]
    fn layers_are_listed_or_follow_a_rule() {
        let listed = json!({"sliding_window": 8, "layer_types": ["full_attention", "sliding_attention"]});
        let listed = read(&listed).unwrap();
        assert_eq!(listed.width(), Some(8));
        assert_eq!([0, 1].map(|layer| listed.is_windowed(layer, |_| true)), [false, true]);
        let null = json!({"sliding_window": null});
        let ruled = read(&null).unwrap();
        assert_eq!(ruled.width(), None, "null is none, also where an absent field is not");
        let file = ConfigFile { json: &null, path: Path::new("config.json") };
        assert!(ruled.required_width(file).unwrap_err().to_string().contains("found null"));
        assert_eq!(read(&json!({})).unwrap().width(), Some(5));
        assert_eq!([0, 1].map(|layer| ruled.is_windowed(layer, |layer| layer == 0)), [true, false]);
    }

    #[test]
    fn impossible_windows_and_lists_name_the_field() {
        for (config, part) in [
            (json!({"sliding_window": 0}), "`sliding_window`: expected at least 1, or null, found 0"),
            (json!({"layer_types": ["full_attention"]}), "`layer_types`: expected one for each of 2 layers"),
            (
                json!({"layer_types": ["full_attention", "linear_attention"]}),
                "`layer_types` is `linear_attention`, which is not supported",
            ),
        ] {
            let error = read(&config).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
