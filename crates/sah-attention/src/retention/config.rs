//! A retention as configuration.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    Budget, KeyChoice, LayerBudgets, Refinement, Retention, RetentionInfo, RetentionRegistry, Scorer,
};
use crate::config::assign;
use crate::error::{Error, Result};

/// The parameters of a type of rule, as they stand beside its `type` in a configuration file.
///
/// Serde reads and writes the fields; `#[serde(deny_unknown_fields)]` makes a misspelt one an error.
pub trait RetentionRule: fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its `type`, its fields and what else lists show.
    const INFO: RetentionInfo;

    /// Builds the rule, after a check of the ranges of all fields.
    fn build(&self) -> Result<Rule>;
}

/// What a rule does.
#[derive(Debug, Clone)]
pub enum Rule {
    /// It scores keys; a retention has one of these.
    Scorer(Arc<dyn Scorer>),
    /// It says how many keys each layer keeps.
    Layers(Arc<dyn LayerBudgets>),
    /// It chooses keys by their scores.
    Choice(Arc<dyn KeyChoice>),
    /// It chooses again among the keys of each head.
    Refinement(Arc<dyn Refinement>),
}

impl Rule {
    /// A scorer.
    pub fn scorer(scorer: impl Scorer + 'static) -> Self {
        Self::Scorer(Arc::new(scorer))
    }

    /// Budgets of layers.
    pub fn layers(layers: impl LayerBudgets + 'static) -> Self {
        Self::Layers(Arc::new(layers))
    }

    /// A choice.
    pub fn choice(choice: impl KeyChoice + 'static) -> Self {
        Self::Choice(Arc::new(choice))
    }

    /// A second choice.
    pub fn refinement(refinement: impl Refinement + 'static) -> Self {
        Self::Refinement(Arc::new(refinement))
    }
}

/// A [`RetentionRule`] of any type: one entry of a [`RetentionConfig`].
#[derive(Clone)]
pub struct AnyRetentionRule {
    info: RetentionInfo,
    rule: Rule,
    /// The parameters as a file has them, in the order of the struct.
    fields: Map<String, Value>,
}

impl AnyRetentionRule {
    /// One entry of this type. Fails where a field is out of its range.
    ///
    /// # Panics
    ///
    /// Where serde cannot write the parameters as a JSON object, which is an error of their type.
    pub fn new<R: RetentionRule>(rule: &R) -> Result<Self> {
        let Ok(Value::Object(fields)) = serde_json::to_value(rule) else {
            panic!("the parameters of `{}` are not a JSON object", R::INFO.name)
        };
        Ok(Self { info: R::INFO, rule: rule.build()?, fields })
    }

    /// What lists show of its type.
    #[must_use]
    pub fn info(&self) -> &RetentionInfo {
        &self.info
    }
}

impl fmt::Debug for AnyRetentionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl PartialEq for AnyRetentionRule {
    fn eq(&self, other: &Self) -> bool {
        self.info.name == other.info.name && self.fields == other.fields
    }
}

impl Serialize for AnyRetentionRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_type = [("type", Value::from(self.info.name))].into_iter();
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
        serializer.collect_map(of_type.chain(fields))
    }
}

/// A retention: how much of a context stays, and the rules that choose what.
///
/// One rule scores keys. One more may say how many keys each layer keeps, one how keys are chosen by their scores, and one may choose
/// again among those of a head; without them each head of each layer keeps as many, those with the largest scores.
///
/// ```
/// use sah_attention::{Budget, RetentionConfig, RetentionRegistry};
///
/// let registry = RetentionRegistry::builtin();
/// let config = RetentionConfig::preset_in(&registry, "adakv_snapkv", &["ratio=0.9", "window=32"]).unwrap();
/// assert_eq!(
///     serde_json::to_string(&config).unwrap(),
///     r#"{"ratio":0.9,"rules":[{"type":"snapkv","window":32,"kernel":5,"pooling":"mean"},{"type":"adakv","alpha":0.2,"safeguard":"floor"}]}"#,
/// );
/// assert_eq!(config.build().unwrap().budget(), Budget::Ratio(0.9));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetentionConfig {
    /// The share of keys that are dropped; half of them where there is no `keys`, either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// How many keys of each head stay, in place of a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<usize>,
    /// After how many new tokens of an answer keys go again, until `keys` are left; they go once where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// At least one.
    pub rules: Vec<AnyRetentionRule>,
}

/// What a configuration has before its rules are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ratio: Option<f64>,
    keys: Option<usize>,
    every: Option<usize>,
    rules: Vec<Map<String, Value>>,
}

impl RetentionConfig {
    /// Reads a configuration whose rules `registry` knows.
    pub fn read(registry: &RetentionRegistry, config: Value) -> Result<Self> {
        let fail = |problem: String| Error::RetentionConfig { problem };
        let written: Written = serde_json::from_value(config).map_err(|error| fail(error.to_string()))?;
        let Written { ratio, keys, every, rules } = written;
        let rules =
            rules.into_iter().map(|rule| registry.read(rule)).collect::<Result<_, _>>().map_err(fail)?;
        let config = Self { ratio: ratio.or(keys.is_none().then_some(0.5)), keys, every, rules };
        config.build()?;
        Ok(config)
    }

    /// The preset `name` of `registry`, with fields set as in [`with`](Self::with).
    pub fn preset_in(
        registry: &RetentionRegistry,
        name: &str,
        assignments: &[impl AsRef<str>],
    ) -> Result<Self> {
        let no_preset = || Error::NoRetention { name: name.to_owned(), known: registry.presets().collect() };
        assigned(registry, registry.template(name).ok_or_else(no_preset)?.clone(), assignments)
    }

    /// This configuration with fields set: `ratio=R` or `keys=N`, `FIELD=VALUE` in the only rule that has such a field, or
    /// `TYPE.FIELD=VALUE` in the rule of that type. A field that is set twice is an error.
    pub fn with(&self, registry: &RetentionRegistry, assignments: &[impl AsRef<str>]) -> Result<Self> {
        let config = serde_json::to_value(self)
            .map_err(|error| Error::RetentionConfig { problem: error.to_string() })?;
        assigned(registry, config, assignments)
    }

    /// Whether it may draw random numbers: every rule may that is not known not to.
    #[must_use]
    pub fn may_draw(&self) -> bool {
        let known = RetentionRegistry::builtin();
        let draws = |name: &str| name == super::Random::INFO.name || known.info(name).is_none();
        self.rules.iter().any(|rule| draws(rule.info.name))
    }

    /// Builds the retention. Fails where it has no rule that scores keys, two of a kind, or rules that do not fit each other.
    pub fn build(&self) -> Result<Retention> {
        let rules = Rules::of(&self.rules)?;
        let budget = Budget::of(self.ratio, self.keys)?;
        let mut retention = match (rules.scorer, &rules.choice) {
            (Some(scorer), _) => Retention::new(scorer, budget),
            (None, Some(choice)) if !choice.needs_scores() => {
                if let Budget::Keys(_) = budget {
                    return Err(problem(format!(
                        "`keys` has no effect beside `{}`; `ratio` is the share of heads that lose keys",
                        choice.name()
                    )));
                }
                Retention::without_scores(Arc::clone(choice), budget)
            }
            _ => {
                let text = "`rules` has none that scores keys; add one, such as {\"type\": \"snapkv\"}";
                return Err(problem(text.to_owned()));
            }
        };
        if let Some(layers) = rules.layers {
            retention = retention.with_layers(layers);
        }
        if let Some(choice) = rules.choice {
            retention = retention.with_choice(choice);
        }
        if let Some(refinement) = rules.refinement {
            retention = retention.with_refinement(refinement);
        }
        match self.every {
            None => Ok(retention),
            Some(every) => retention.growing(every),
        }
    }
}

/// Rules by what they do.
#[derive(Default)]
struct Rules {
    scorer: Option<Arc<dyn Scorer>>,
    layers: Option<Arc<dyn LayerBudgets>>,
    choice: Option<Arc<dyn KeyChoice>>,
    refinement: Option<Arc<dyn Refinement>>,
}

impl Rules {
    /// Fails where two do the same, or one has no effect beside another.
    fn of(rules: &[AnyRetentionRule]) -> Result<Self> {
        let mut found = Self::default();
        for AnyRetentionRule { info, rule, .. } in rules {
            let first = match rule {
                Rule::Scorer(rule) => found.scorer.replace(Arc::clone(rule)).map(|first| first.name()),
                Rule::Layers(rule) => found.layers.replace(Arc::clone(rule)).map(|first| first.name()),
                Rule::Choice(rule) => found.choice.replace(Arc::clone(rule)).map(|first| first.name()),
                Rule::Refinement(rule) => {
                    found.refinement.replace(Arc::clone(rule)).map(|first| first.name())
                }
            };
            if let Some(first) = first {
                return Err(problem(format!("`{first}` and `{}` do the same; leave out one", info.name)));
            }
        }
        let Some(choice) = &found.choice else { return Ok(found) };
        let beside = if choice.needs_scores() {
            let refinement = found.refinement.as_ref().filter(|_| !choice.chooses_single_keys());
            refinement.map(|refinement| refinement.name())
        } else {
            let names = [
                found.scorer.as_ref().map(|scorer| scorer.name()),
                found.layers.as_ref().map(|layers| layers.name()),
                found.refinement.as_ref().map(|refinement| refinement.name()),
            ];
            names.into_iter().flatten().next()
        };
        match beside {
            None => Ok(found),
            Some(name) => {
                let choice = choice.name();
                Err(problem(format!("`{name}` has no effect beside `{choice}`; leave out one of the two")))
            }
        }
    }
}

fn problem(problem: String) -> Error {
    Error::RetentionConfig { problem }
}

fn assigned(
    registry: &RetentionRegistry,
    mut config: Value,
    assignments: &[impl AsRef<str>],
) -> Result<RetentionConfig> {
    let fields = |name: &str| registry.info(name).map(|info| info.fields);
    let entries =
        assign::Entries { list: "rules", word: "rules", own: &["ratio", "keys", "every"], fields: &fields };
    assign::all(&entries, &mut config, assignments)?;
    // One of the two takes the place of the other.
    let given = |field: &str| assignments.iter().any(|assignment| assignment.as_ref().starts_with(field));
    if let Some(object) = config.as_object_mut()
        && let (ratio, keys) = (given("ratio="), given("keys="))
        && ratio != keys
    {
        object.shift_remove(if ratio { "keys" } else { "ratio" });
    }
    RetentionConfig::read(registry, config)
}
