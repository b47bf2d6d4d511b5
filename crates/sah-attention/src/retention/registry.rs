//! The types of rules and the presets that configurations can name.

use serde_json::{Map, Value};

use super::config::AnyRetentionRule;
use super::{
    AdaKv, ChunkKv, CriticalKv, DuoAttention, ExpectedAttention, FirstLayersWhole, KeyDiff, Knorm, KvZip,
    LagKv, ObservedAttention, Pyramid, RKv, Random, RetentionInfo, RetentionRule, SharedBudget,
    SinksAndWindow, SnapKv, Tova, presets,
};
use crate::error::Result;
use crate::masker::FieldInfo;
use crate::registered::{Named, Registered, read_fields};

/// Types of rules by name, and presets made of them: those of this crate, and what others register.
///
/// ```
/// use sah_attention::retention::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer};
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
///         memory: "none",
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
///     fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
///         let dims = context.inputs().dims();
///         let (heads, keys) = (dims.kv_heads as i64, dims.keys as i64);
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
/// assert_eq!(retention.keep(&[retention.scores(&ContextLayer::new(inputs))?])?, [[[3, 4]]]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RetentionRegistry(Registered<RuleType>);

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

impl Named for RuleType {
    const WORD: &'static str = "rule";

    fn name(&self) -> &'static str {
        self.info.name
    }

    fn fields(&self) -> &'static [FieldInfo] {
        self.info.fields
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
            RuleType::of::<ExpectedAttention>(),
            RuleType::of::<ObservedAttention>(),
            RuleType::of::<KvZip>(),
            RuleType::of::<RKv>(),
            RuleType::of::<Pyramid>(),
            RuleType::of::<FirstLayersWhole>(),
            RuleType::of::<AdaKv>(),
            RuleType::of::<SharedBudget>(),
            RuleType::of::<ChunkKv>(),
            RuleType::of::<DuoAttention>(),
            RuleType::of::<CriticalKv>(),
        ];
        Self(Registered::new(types, presets::builtin()))
    }

    /// With the rule that `R` describes. A name that is taken is [`Error::NameTaken`](crate::Error::NameTaken).
    pub fn with_rule<R: RetentionRule>(self) -> Result<Self> {
        Ok(Self(self.0.with_type(RuleType::of::<R>())?))
    }

    /// With the preset `name`: `template` is a configuration. A name that is taken is
    /// [`Error::NameTaken`](crate::Error::NameTaken).
    pub fn with_preset(self, name: &'static str, template: Value) -> Result<Self> {
        Ok(Self(self.0.with_preset(name, template)?))
    }

    /// What lists show of every type, in the order in which they were registered.
    pub fn infos(&self) -> impl Iterator<Item = &RetentionInfo> {
        self.0.types().iter().map(|rule| &rule.info)
    }

    /// What lists show of the type `name`.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&RetentionInfo> {
        self.0.find(name).map(|rule| &rule.info)
    }

    /// Names of the presets.
    pub fn presets(&self) -> impl Iterator<Item = &'static str> {
        self.0.presets()
    }

    /// The configuration of a preset.
    #[must_use]
    pub fn template(&self, name: &str) -> Option<&Value> {
        self.0.template(name)
    }

    /// A rule by its fields, `type` among them; fails with the problem.
    pub(super) fn read(&self, mut fields: Map<String, Value>) -> Result<AnyRetentionRule, String> {
        let rule = self.0.take_type(&mut fields)?;
        read_fields(rule, fields, rule.read)
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
        for rule in RetentionRegistry::builtin().0.types() {
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
            (
                json!({"rules": [{"type": "snapkv"}, {"type": "chunkkv"}, {"type": "criticalkv"}]}),
                "`criticalkv` has no effect beside `chunkkv`",
            ),
            (
                json!({"rules": [{"type": "duo_attention", "pattern_file": "nowhere/heads.tsv"}]}),
                "nowhere/config.json: file: ",
            ),
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
            (json!({"every": 9, "rules": [{"type": "tova"}]}), "`every` needs `keys`"),
            (json!({"keys": 5, "every": 0, "rules": [{"type": "tova"}]}), "at least 1 token"),
            (
                json!({"keys": 5, "every": 9, "rules": [{"type": "tova"}, {"type": "adakv"}]}),
                "`every` does not go with `adakv`",
            ),
            (
                json!({"keys": 5, "every": 9, "rules": [{"type": "kvzip"}]}),
                "`every` does not go with `kvzip`",
            ),
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
