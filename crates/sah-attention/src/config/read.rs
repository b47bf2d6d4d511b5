//! Configurations from files: each masker is read as its type says, at its place in the file.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::config::AttentionConfig;
use crate::masker::{AnyMaskerConfig, MaskerRegistry};

impl AttentionConfig {
    /// Reads a configuration, from JSON, TOML or a `serde_json::Value`, whose maskers are those of `registry`.
    ///
    /// Types and fields that are not known are errors that list those that are; all ranges are checked.
    pub fn read<'de, D: Deserializer<'de>>(
        registry: &MaskerRegistry,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Attention(registry))
    }
}

impl<'de> Deserialize<'de> for AttentionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&MaskerRegistry::builtin(), deserializer)
    }
}

impl<'de> Deserialize<'de> for AnyMaskerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneMasker(&MaskerRegistry::builtin()))
    }
}

/// `{"maskers": [..], "dense_layers": 0}`.
struct Attention<'a>(&'a MaskerRegistry);

impl<'de> Visitor<'de> for Attention<'_> {
    type Value = AttentionConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attention such as {\"maskers\": [{\"type\": \"sink\", \"size\": 4}]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttentionConfig, A::Error> {
        let (mut maskers, mut dense_layers) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let is_second = match key.as_str() {
                "maskers" => maskers.replace(map.next_value_seed(Maskers(self.0))?).is_some(),
                "dense_layers" => dense_layers.replace(map.next_value()?).is_some(),
                other => return Err(de::Error::unknown_field(other, &["maskers", "dense_layers"])),
            };
            if is_second {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        let maskers = maskers.ok_or_else(|| de::Error::missing_field("maskers"))?;
        let config = AttentionConfig::new(maskers).map_err(de::Error::custom)?;
        Ok(AttentionConfig { dense_layers: dense_layers.unwrap_or(0), ..config })
    }
}

/// A list of maskers.
struct Maskers<'a>(&'a MaskerRegistry);

impl<'de> DeserializeSeed<'de> for Maskers<'_> {
    type Value = Vec<AnyMaskerConfig>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Maskers<'_> {
    type Value = Vec<AnyMaskerConfig>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of maskers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut maskers = Vec::new();
        while let Some(masker) = list.next_element_seed(OneMasker(self.0))? {
            maskers.push(masker);
        }
        Ok(maskers)
    }
}

/// `{"type": NAME, FIELD: VALUE, ..}`.
struct OneMasker<'a>(&'a MaskerRegistry);

impl<'de> DeserializeSeed<'de> for OneMasker<'_> {
    type Value = AnyMaskerConfig;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneMasker<'_> {
    type Value = AnyMaskerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a masker such as {\"type\": \"sink\", \"size\": 4}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyMaskerConfig, A::Error> {
        let mut fields = Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if fields.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
            fields.insert(key, value);
        }
        self.0.read(fields).map_err(de::Error::custom)
    }
}
