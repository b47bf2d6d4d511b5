//! The types of rules and the presets that configurations can name.

use sah_message::meant;
use serde_json::{Map, Value};

use super::config::AnyRetentionRule;
use super::{
    AdaKv, ChunkKv, FirstLayersWhole, KeyDiff, Knorm, LagKv, Pyramid, Random, RetentionInfo, RetentionRule,
    SinksAndWindow, SnapKv, Tova, presets,
};
use crate::error::{Error, Result};

/// Types of rules by name, and presets made of them: those of this crate, and what others register.
///
/// ```
/// use sah_attention::retention::{RetentionInfo, RetentionRule, Rule, Scorer};
/// use sah_attention::{AttentionInputs, Result, RetentionConfig, RetentionRegistry};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
/// use tch::{Device, Kind, Tensor};
///
/// /// Keeps the last keys.
/// #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Newest {}
///
/// impl RetentionRule for Newest {
///     const INFO: RetentionInfo = RetentionInfo {
///         name: "newest",
///         about: "the last keys",
///         fields: &[],
///         source: "this example",
///         cost: "none",
///         looks_at: "nothing",
///     };
///
///     fn build(&self) -> Result<Rule> {
///         Ok(Rule::scorer(*self))
///     }
/// }
///
/// impl Scorer for Newest {
///     fn name(&self) -> &'static str {
///         "newest"
///     }
///
///     fn scores(&self, inputs: &AttentionInputs<'_>, _seed: u64) -> Result<Tensor> {
///         let (heads, keys) = (inputs.dims().kv_heads as i64, inputs.dims().keys as i64);
///         Ok(Tensor::f_arange(keys, (Kind::Float, Device::Cpu))?.f_expand([heads, keys], false)?)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let registry = RetentionRegistry::builtin().with_rule::<Newest>()?;
/// let config = json!({"keys": 2, "rules": [{"type": "newest"}, {"type": "adakv"}]});
/// let retention = RetentionConfig::read(&registry, config)?.build()?;
///
/// let (queries, keys) = (Tensor::from(1.0_f32).view([1, 1, 1, 1]), Tensor::from_slice(&[1.0_f32; 5]).view([1, 1, 5, 1]));
/// let inputs = AttentionInputs::new(&queries, &keys, &keys, 1.0)?;
/// assert_eq!(retention.keep(&[retention.scores(&inputs, 0, 0)?])?, [[[3, 4]]]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RetentionRegistry {
    types: Vec<RuleType>,
    presets: Vec<(&'static str, Value)>,
}

/// A type of rule: what it is called, and how its fields are read.
#[derive(Debug, Clone, Copy)]
struct RuleType {
    info: RetentionInfo,
    read: fn(Value) -> Result<AnyRetentionRule, String>,
}

impl RuleType {
    fn of<R: RetentionRule>() -> Self {
        let read = |fields| {
            let rule: R = serde_json::from_value(fields).map_err(|error| error.to_string())?;
            AnyRetentionRule::new(&rule).map_err(|error| error.to_string())
        };
        Self { info: R::INFO, read }
    }
}

impl Default for RetentionRegistry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl RetentionRegistry {
    /// The rules and presets of this crate.
    #[must_use]
    pub fn builtin() -> Self {
        let types = vec![
            RuleType::of::<Random>(),
            RuleType::of::<SinksAndWindow>(),
            RuleType::of::<Knorm>(),
            RuleType::of::<KeyDiff>(),
            RuleType::of::<LagKv>(),
            RuleType::of::<Tova>(),
            RuleType::of::<SnapKv>(),
            RuleType::of::<Pyramid>(),
            RuleType::of::<FirstLayersWhole>(),
            RuleType::of::<AdaKv>(),
            RuleType::of::<ChunkKv>(),
        ];
        Self { types, presets: presets::builtin() }
    }

    /// With the rule that `R` describes. A name that is taken is [`Error::NameTaken`].
    pub fn with_rule<R: RetentionRule>(mut self) -> Result<Self> {
        if self.info(R::INFO.name).is_some() {
            return Err(Error::NameTaken { name: R::INFO.name });
        }
        self.types.push(RuleType::of::<R>());
        Ok(self)
    }

    /// With the preset `name`: `template` is a configuration. A name that is taken is [`Error::NameTaken`].
    pub fn with_preset(mut self, name: &'static str, template: Value) -> Result<Self> {
        if self.template(name).is_some() {
            return Err(Error::NameTaken { name });
        }
        self.presets.push((name, template));
        Ok(self)
    }

    /// What lists show of every type, in the order in which they were registered.
    pub fn infos(&self) -> impl Iterator<Item = &RetentionInfo> {
        self.types.iter().map(|rule| &rule.info)
    }

    /// What lists show of the type `name`.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&RetentionInfo> {
        self.infos().find(|info| info.name == name)
    }

    /// Names of the presets.
    pub fn presets(&self) -> impl Iterator<Item = &'static str> {
        self.presets.iter().map(|(name, _)| *name)
    }

    /// The configuration of a preset.
    #[must_use]
    pub fn template(&self, name: &str) -> Option<&Value> {
        self.presets.iter().find(|preset| preset.0 == name).map(|(_, template)| template)
    }

    /// A rule by its fields, `type` among them; fails with the problem.
    pub(super) fn read(&self, mut fields: Map<String, Value>) -> Result<AnyRetentionRule, String> {
        let name = fields.shift_remove("type").ok_or("missing field `type`")?;
        let name = name.as_str().ok_or("`type` is not a text")?;
        let Some(rule) = self.types.iter().find(|rule| rule.info.name == name) else {
            let meant = meant(name, self.infos().map(|info| info.name));
            return Err(format!("there is no rule of type `{name}`; {meant}"));
        };
        let names = || rule.info.fields.iter().map(|field| field.name);
        if let Some(field) = fields.keys().find(|field| names().all(|name| name != field.as_str())) {
            return Err(match rule.info.fields {
                [] => format!("`{name}` has no field `{field}`, and no other"),
                _ => format!("`{name}` has no field `{field}`; {}", meant(field, names())),
            });
        }
        (rule.read)(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::retention::RetentionConfig;

    #[test]
    fn every_preset_is_whole() {
        let registry = RetentionRegistry::builtin();
        for name in registry.presets() {
            let config = RetentionConfig::preset_in(&registry, name, &[""; 0]).unwrap();
            let text = serde_json::to_value(&config).unwrap();
            assert_eq!(RetentionConfig::read(&registry, text).unwrap(), config, "{name}");
        }
        let error = RetentionConfig::preset_in(&registry, "snapvk", &[""; 0]).unwrap_err().to_string();
        assert_eq!(error, "there is no retention \"snapvk\"; did you mean snapkv?");
    }

    /// What serde expects is what is listed.
    #[test]
    fn infos_list_the_fields_that_serde_reads() {
        for rule in &RetentionRegistry::builtin().types {
            let error = (rule.read)(json!({"?": 1})).unwrap_err();
            for field in rule.info.fields {
                assert!(error.contains(&format!("`{}`", field.name)), "{}: {error}", rule.info.name);
            }
        }
    }

    #[test]
    fn what_is_wrong_names_the_place() {
        let registry = RetentionRegistry::builtin();
        let error = |config: Value| RetentionConfig::read(&registry, config).unwrap_err().to_string();
        for (config, part) in [
            (json!({"rules": []}), "`rules` has none that scores keys"),
            (json!({"rules": [{"type": "adakv"}]}), "`rules` has none that scores keys"),
            (json!({"rules": [{"type": "snapkv"}, {"type": "tova"}]}), "`snapkv` and `tova` do the same"),
            (json!({"rules": [{"type": "snapvk"}]}), "no rule of type `snapvk`; did you mean snapkv?"),
            (
                json!({"rules": [{"type": "snapkv", "windows": 3}]}),
                "no field `windows`; did you mean window?",
            ),
            (
                json!({"rules": [{"type": "knorm", "window": 3}]}),
                "`knorm` has no field `window`, and no other",
            ),
            (
                json!({"rules": [{"type": "snapkv", "kernel": 4}]}),
                "kernel must be an odd number of keys, got 4",
            ),
            (json!({"ratio": 1.0, "rules": [{"type": "knorm"}]}), "from 0 to below 1, got 1"),
            (
                json!({"ratio": 0.5, "keys": 9, "rules": [{"type": "knorm"}]}),
                "left out where `ratio` is given",
            ),
            (json!({"ratios": 0.5, "rules": []}), "unknown field `ratios`"),
        ] {
            let error = error(config.clone());
            assert!(error.contains(part), "{config}: {error}");
        }
    }

    #[test]
    fn fields_are_set_where_they_are() {
        let registry = RetentionRegistry::builtin();
        let preset = |name: &str, set: &[&str]| {
            RetentionConfig::preset_in(&registry, name, set).map_err(|error| error.to_string())
        };
        let config = preset("adakv_snapkv", &["ratio=0.75", "snapkv.window=8", "alpha=0.5"]).unwrap();
        assert_eq!(config.ratio, Some(0.75));
        assert_eq!(serde_json::to_value(&config).unwrap()["rules"][1]["alpha"], 0.5);
        let config = preset("snapkv", &["keys=100"]).unwrap();
        assert_eq!((config.ratio, config.keys), (None, Some(100)));
        assert_eq!(config.with(&registry, &["window=3"]).unwrap().keys, Some(100));
        assert!(preset("snapkv", &["keys=100", "ratio=0.5"]).unwrap_err().contains("left out"));
        assert!(preset("snapkv", &["windows=3"]).unwrap_err().contains("did you mean window?"));
        assert!(preset("knorm", &["ratio=0.5", "ratio=0.6"]).unwrap_err().contains("ratio is set already"));
    }
}
