//! The types of maskers and the presets that configurations can name.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::masker::config::MaskerType;
use crate::masker::presets;
use crate::masker::{AnyMaskerConfig, BUILT_IN, FieldInfo, MaskerConfig, MaskerInfo};
use crate::registered::{Named, Registered, read_fields};

/// Types of maskers by name, and presets made of them: those of this crate, and what others register.
///
/// ```
/// use sah_attention::{
///     AttentionConfig, LocalMasker, Masker, MaskerConfig, MaskerInfo, MaskerRegistry, Result, Size,
/// };
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// /// The last key alone.
/// #[derive(Debug, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct NewestConfig {}
///
/// impl MaskerConfig for NewestConfig {
///     const INFO: MaskerInfo = MaskerInfo {
///         name: "newest",
///         about: "the last key",
///         fields: &[],
///         source: "this example",
///         cost: "none",
///         state: "none",
///     };
///
///     fn build(&self) -> Result<Box<dyn Masker>> {
///         Ok(Box::new(LocalMasker::new(Size::Count(1))?))
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = MaskerRegistry::builtin()
///     .with_masker::<NewestConfig>()?
///     .with_preset("newest", json!({"maskers": [{"type": "newest"}]}))?;
/// let file = json!({"maskers": [{"type": "sink", "size": 4}, {"type": "newest"}]});
/// let config = AttentionConfig::read(&registry, file)?;
/// assert_eq!(config.maskers[1], AttentionConfig::preset_in(&registry, "newest", &[""; 0])?.maskers[0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MaskerRegistry(Registered<MaskerType>);

impl Named for MaskerType {
    const WORD: &'static str = "masker";

    fn name(&self) -> &'static str {
        self.info.name
    }

    fn fields(&self) -> &'static [FieldInfo] {
        self.info.fields
    }
}

impl Default for MaskerRegistry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl MaskerRegistry {
    /// The maskers and presets of this crate.
    #[must_use]
    pub fn builtin() -> Self {
        Self(Registered::new(BUILT_IN.to_vec(), presets::builtin()))
    }

    /// The types of `configs` and no preset.
    pub(crate) fn of(configs: &[AnyMaskerConfig]) -> Self {
        Self(Registered::new(configs.iter().map(AnyMaskerConfig::masker_type).collect(), Vec::new()))
    }

    /// With the maskers that `C` describes. A name that is taken is [`Error::NameTaken`](crate::Error::NameTaken).
    pub fn with_masker<C: MaskerConfig>(self) -> Result<Self> {
        Ok(Self(self.0.with_type(MaskerType::of::<C>())?))
    }

    /// With the preset `name`: `template` is a configuration, some of whose fields may be missing until they are assigned. A
    /// name that is taken is [`Error::NameTaken`](crate::Error::NameTaken).
    pub fn with_preset(self, name: &'static str, template: Value) -> Result<Self> {
        Ok(Self(self.0.with_preset(name, template)?))
    }

    /// What lists show of every type, in the order in which they were registered.
    pub fn infos(&self) -> impl Iterator<Item = &MaskerInfo> {
        self.0.types().iter().map(|masker| &masker.info)
    }

    /// What lists show of the type `name`.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&MaskerInfo> {
        self.0.find(name).map(|masker| &masker.info)
    }

    /// Names of the presets. (Dense attention is the absence of a configuration.)
    pub fn presets(&self) -> impl Iterator<Item = &'static str> {
        self.0.presets()
    }

    /// The configuration of a preset, perhaps without some fields.
    pub(crate) fn template(&self, name: &str) -> Option<&Value> {
        self.0.template(name)
    }

    /// The configuration of a masker by its fields, `type` among them; fails with the problem.
    pub(crate) fn read(&self, mut fields: Map<String, Value>) -> Result<AnyMaskerConfig, String> {
        let masker = self.0.take_type(&mut fields)?;
        let read = |fields| (masker.read)(fields).map_err(|error| error.to_string());
        let config = read_fields(masker, fields, read)?;
        config.validate().map_err(|error| error.to_string())?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What serde expects is what is listed: the fields of each masker, and which of these may be missing.
    #[test]
    fn infos_list_the_fields_that_serde_reads() {
        let registry = MaskerRegistry::builtin();
        let error = |masker: &MaskerType, fields: Value| (masker.read)(fields).unwrap_err().to_string();
        let quoted = |names: Vec<&str>| match names.as_slice() {
            [one] => format!("expected `{one}`"),
            [one, two] => format!("expected `{one}` or `{two}`"),
            many => format!("expected one of `{}`", many.join("`, `")),
        };
        for masker in registry.0.types() {
            let info = &masker.info;
            let unknown = error(masker, json!({"?": 1}));
            let fields = quoted(info.fields.iter().map(|field| field.name).collect());
            assert!(unknown.contains(&fields), "{}: {unknown}, {fields}", info.name);
            let first = info.fields.iter().find(|field| field.default.is_none());
            let missing = error(masker, json!({}));
            assert!(missing.contains(&format!("missing field `{}`", first.unwrap().name)), "{missing}");
        }
    }

    #[test]
    fn a_misspelt_name_means_the_nearest() {
        let registry = MaskerRegistry::builtin();
        let error = |masker: Value| registry.read(masker.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(
            error(json!({"type": "quest"})),
            "there is no masker of type `quest`; did you mean quest_top_k?"
        );
        assert!(error(json!({"type": "?"})).contains("; there is sink, local, oracle_top_k, "));
        assert_eq!(
            error(json!({"type": "quest_top_k", "heavy_size": 5, "page-size": 3})),
            "`quest_top_k` has no field `page-size`; did you mean page_size?"
        );
        assert_eq!(
            error(json!({"type": "sink", "size": 4, "window": 2})),
            "`sink` has no field `window`; there is size"
        );
    }

    #[test]
    fn names_are_given_once() {
        let taken = |result: Result<MaskerRegistry>| result.unwrap_err().to_string();
        assert_eq!(
            taken(MaskerRegistry::builtin().with_masker::<crate::SinkConfig>()),
            "`sink` is registered already; choose another name"
        );
        assert_eq!(
            taken(MaskerRegistry::builtin().with_preset("quest", json!({}))),
            "`quest` is registered already; choose another name"
        );
    }
}
