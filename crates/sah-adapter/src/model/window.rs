//! Which layers have a sliding window, and how wide it is.

use super::ConfigFile;

/// `layer_types` of a config: one entry for each layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayerType {
    FullAttention,
    SlidingAttention,
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
    pub(super) fn read(file: &ConfigFile<'_>, layers: usize, window: Option<usize>) -> Self {
        Self { window: sliding_window(file, window), types: layer_types(file, layers) }
    }

    /// Whether layer `layer` has the window; `otherwise` decides where the config does not list its layers.
    pub(super) fn is_windowed(&self, layer: usize, otherwise: impl Fn(usize) -> bool) -> bool {
        match &self.types {
            None => otherwise(layer),
            Some(types) => types[layer] == LayerType::SlidingAttention,
        }
    }

    /// The width of the window, for a model that cannot do without.
    pub(super) fn required_width(&self, file: &ConfigFile<'_>) -> usize {
        if file.get("sliding_window").is_some_and(serde_json::Value::is_null) {
            file.wrong("sliding_window", "at least 1", "null");
        }
        self.window.unwrap_or(1)
    }

    /// Whether the config lists a layer with a window.
    fn lists_windows(&self) -> bool {
        self.types.as_ref().is_some_and(|types| types.contains(&LayerType::SlidingAttention))
    }

    /// The same window, or none, in every layer, as in architectures that do not read `layer_types`. `window` is that of a
    /// config without the field `sliding_window`.
    pub(super) fn in_all(file: &ConfigFile<'_>, layers: usize, window: Option<usize>) -> Option<usize> {
        let width = sliding_window(file, window);
        note_other_types(file, layers, width);
        width
    }

    /// The window of each layer: one in those that the config lists, or in all but every so many, as the field
    /// `sliding_window_pattern` says. `window` and `pattern` are those of a config without these fields.
    pub(super) fn in_all_but_every(
        file: &ConfigFile<'_>,
        layers: usize,
        window: usize,
        pattern: i64,
    ) -> Vec<Option<usize>> {
        let pattern = file.optional_size("sliding_window_pattern").unwrap_or(pattern) as usize;
        let windows = Self::read(file, layers, Some(window));
        windows.of_layers(layers, |layer| !(layer + 1).is_multiple_of(pattern))
    }

    /// The window of each layer where `use_sliding_window` switches them on: in those that the config lists, or that `otherwise`
    /// names. `window` is that of a config without the field `sliding_window`.
    pub(super) fn where_switched_on(
        file: &ConfigFile<'_>,
        layers: usize,
        window: Option<usize>,
        otherwise: impl Fn(usize) -> bool,
    ) -> Vec<Option<usize>> {
        let is_on = file.bool("use_sliding_window", false);
        let windows = Self::read(file, layers, window.filter(|_| is_on));
        if is_on {
            return windows.of_layers(layers, otherwise);
        }
        if windows.lists_windows() {
            file.wrong("use_sliding_window", "true, as layer_types has sliding_attention", false);
        }
        vec![None; layers]
    }

    /// The window of each layer that has it.
    fn of_layers(&self, layers: usize, otherwise: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        (0..layers).map(|layer| self.window.filter(|_| self.is_windowed(layer, &otherwise))).collect()
    }

    /// No window in any layer, as in architectures that do not read `sliding_window` either.
    pub(super) fn in_none(file: &ConfigFile<'_>, layers: usize) {
        note_other_types(file, layers, None);
    }
}

/// Notes a list of layers that says something else than that all of them have this window.
fn note_other_types(file: &ConfigFile<'_>, layers: usize, window: Option<usize>) {
    let expected = if window.is_some() { LayerType::SlidingAttention } else { LayerType::FullAttention };
    if layer_types(file, layers).is_some_and(|types| types.iter().any(|found| *found != expected)) {
        let all = window.map_or_else(|| "full attention".to_owned(), |width| format!("a window of {width}"));
        file.note(format!("layer_types has no effect, as in transformers: every layer has {all}"));
    }
}

/// The width in `sliding_window`, of at least 1; `default` where the field is absent, none where it is null.
fn sliding_window(file: &ConfigFile<'_>, default: Option<usize>) -> Option<usize> {
    if file.get("sliding_window").is_none() {
        return default;
    }
    file.optional_size("sliding_window").map(|window| window as usize)
}

fn layer_types(file: &ConfigFile<'_>, layers: usize) -> Option<Vec<LayerType>> {
    let names = file.texts("layer_types")?;
    if names.len() != layers {
        file.wrong("layer_types", format!("one for each of {layers} layers"), names.len());
        return None;
    }
    let mut unknown: Vec<&str> = vec![];
    let types = names.into_iter().map(|name| match name {
        // The second is what older files say.
        "full_attention" | "attention" => LayerType::FullAttention,
        "sliding_attention" => LayerType::SlidingAttention,
        other => {
            unknown.push(other);
            LayerType::FullAttention
        }
    });
    let types = types.collect();
    unknown.dedup();
    for other in unknown {
        file.unsupported("layer_types", other, "full_attention, sliding_attention");
    }
    Some(types)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn file(config: &Value) -> ConfigFile<'_> {
        ConfigFile::new(config.as_object().unwrap(), Path::new("config.json"))
    }

    fn read(config: &Value) -> LayerWindows {
        LayerWindows::read(&file(config), 2, Some(5))
    }

    #[test]
    fn layers_are_listed_or_follow_a_rule() {
        let listed = json!({"sliding_window": 8, "layer_types": ["full_attention", "sliding_attention"]});
        let listed = read(&listed);
        assert_eq!(listed.window, Some(8));
        assert_eq!([0, 1].map(|layer| listed.is_windowed(layer, |_| true)), [false, true]);
        let null = json!({"sliding_window": null});
        let ruled = read(&null);
        assert_eq!(ruled.window, None, "null is none, also where an absent field is not");
        let of_null = file(&null);
        ruled.required_width(&of_null);
        assert!(of_null.finish().unwrap_err().to_string().contains("found null"));
        assert_eq!(read(&json!({})).window, Some(5));
        assert_eq!([0, 1].map(|layer| ruled.is_windowed(layer, |layer| layer == 0)), [true, false]);
    }

    #[test]
    fn impossible_windows_and_lists_name_the_field() {
        for (config, part) in [
            (json!({"sliding_window": 0}), "`sliding_window`: expected 1 to 16777216, or null, found 0"),
            (json!({"layer_types": ["full_attention"]}), "`layer_types`: expected one for each of 2 layers"),
            (
                json!({"layer_types": ["full_attention", "linear_attention"]}),
                "`layer_types` is `linear_attention`, which is not supported",
            ),
            (json!({"layer_types": 3}), "`layer_types`: expected a list of texts, found 3"),
        ] {
            let file = file(&config);
            LayerWindows::read(&file, 2, Some(5));
            let error = file.finish().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_list_that_is_not_read_is_noted_where_it_says_something_else() {
        let notes = |config: Value| {
            let file = file(&config);
            LayerWindows::in_all(&file, 2, None);
            file.finish().unwrap().notes.len()
        };
        assert_eq!(notes(json!({"layer_types": ["full_attention", "full_attention"]})), 0);
        assert_eq!(notes(json!({"layer_types": ["full_attention", "sliding_attention"]})), 1);
        let windowed = ["sliding_attention", "sliding_attention"];
        assert_eq!(notes(json!({"layer_types": windowed, "sliding_window": 4})), 0);
    }
}
