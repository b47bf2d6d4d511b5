//! What a configuration says of one masker.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::masker::{Masker, MaskerInfo};

/// The parameters of a type of masker, as they stand beside its `type` in a configuration file.
///
/// Serde reads and writes the fields; `#[serde(deny_unknown_fields)]` makes a misspelt one an error. [`toolkit::guide`](crate::toolkit::guide)
/// has a masker of another crate from its rule to its registration.
pub trait MaskerConfig: fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its `type`, its fields and what else lists of maskers show.
    const INFO: MaskerInfo;

    /// Builds the masker. Reads its files, where it has some.
    fn build(&self) -> Result<Box<dyn Masker>>;

    /// Checks the ranges of all fields without reading a file. Runs as soon as a configuration is read.
    fn validate(&self) -> Result<()> {
        self.build().map(drop)
    }
}

/// A [`MaskerConfig`] of any type: one entry of an [`AttentionConfig`](crate::AttentionConfig).
///
/// Serde knows it by its `type`, which must be one of this crate's; those of a registry are read by
/// [`AttentionConfig::read`](crate::AttentionConfig::read).
///
/// ```
/// use sah_attention::{AnyMaskerConfig, SinkConfig, Size};
///
/// let sink: AnyMaskerConfig = serde_json::from_str(r#"{"type": "sink", "size": 4}"#).unwrap();
/// assert_eq!(sink, SinkConfig { size: Size::Count(4) }.into());
/// assert_eq!(sink.get::<SinkConfig>().map(|sink| sink.size), Some(Size::Count(4)));
/// ```
#[derive(Clone)]
pub struct AnyMaskerConfig {
    entry: MaskerType,
    parameters: Arc<dyn Parameters>,
    /// The parameters as a file has them, in the order of the struct.
    fields: Map<String, Value>,
}

impl AnyMaskerConfig {
    /// One entry of this type.
    ///
    /// # Panics
    ///
    /// Where serde cannot write the parameters as a JSON object, which is an error of their type.
    pub fn new<C: MaskerConfig>(config: C) -> Self {
        let Ok(Value::Object(fields)) = serde_json::to_value(&config) else {
            panic!("the parameters of `{}` are not a JSON object", C::INFO.name)
        };
        Self { entry: MaskerType::of::<C>(), parameters: Arc::new(config), fields }
    }

    /// What lists of maskers show of its type.
    #[must_use]
    pub fn info(&self) -> &MaskerInfo {
        &self.entry.info
    }

    /// The parameters, if they are of this type.
    #[must_use]
    pub fn get<C: MaskerConfig>(&self) -> Option<&C> {
        let parameters: &dyn Any = &*self.parameters;
        parameters.downcast_ref()
    }

    /// Builds the masker. Reads its files, where it has some.
    pub fn build(&self) -> Result<Box<dyn Masker>> {
        self.parameters.build()
    }

    /// Checks the ranges of all fields without reading a file.
    pub fn validate(&self) -> Result<()> {
        self.parameters.validate()
    }

    pub(crate) fn masker_type(&self) -> MaskerType {
        self.entry
    }
}

impl<C: MaskerConfig> From<C> for AnyMaskerConfig {
    fn from(config: C) -> Self {
        Self::new(config)
    }
}

impl fmt::Debug for AnyMaskerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parameters.fmt(f)
    }
}

impl PartialEq for AnyMaskerConfig {
    fn eq(&self, other: &Self) -> bool {
        self.entry.info.name == other.entry.info.name && self.fields == other.fields
    }
}

impl Serialize for AnyMaskerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry("type", self.entry.info.name)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// [`MaskerConfig`] without its type.
trait Parameters: Any + fmt::Debug + Send + Sync {
    fn build(&self) -> Result<Box<dyn Masker>>;
    fn validate(&self) -> Result<()>;
}

impl<C: MaskerConfig> Parameters for C {
    fn build(&self) -> Result<Box<dyn Masker>> {
        MaskerConfig::build(self)
    }

    fn validate(&self) -> Result<()> {
        MaskerConfig::validate(self)
    }
}

/// A type of masker: what it is called, and how its fields are read.
#[derive(Clone, Copy)]
pub(crate) struct MaskerType {
    pub(crate) info: MaskerInfo,
    pub(crate) read: fn(Value) -> serde_json::Result<AnyMaskerConfig>,
}

impl MaskerType {
    pub(crate) const fn of<C: MaskerConfig>() -> Self {
        Self { info: C::INFO, read: |fields| Ok(AnyMaskerConfig::new(serde_json::from_value::<C>(fields)?)) }
    }
}

impl fmt::Debug for MaskerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info.name)
    }
}
