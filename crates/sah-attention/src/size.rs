//! How many keys a masker selects: a count, or a share of the keys.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::{Error, Result};

/// A number of keys, or a fraction of the keys there are.
///
/// In a configuration an integer is a count and `{"fraction": 0.1}` a fraction. A bare float is refused, because
/// `1.0` could be meant as one key or as all of them.
///
/// ```
/// use sah_attention::Size;
///
/// assert_eq!(serde_json::from_str::<Size>("64").unwrap(), Size::Count(64));
/// assert_eq!(serde_json::from_str::<Size>(r#"{"fraction": 0.25}"#).unwrap(), Size::Fraction(0.25));
/// assert!(serde_json::from_str::<Size>("0.25").is_err());
/// assert_eq!(Size::Fraction(0.25).of(10), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// This many keys.
    Count(usize),
    /// This share of the keys, in `(0, 1]`.
    Fraction(f64),
}

impl Size {
    /// The number of keys out of `keys`: a count as it is (it may exceed `keys`), a fraction as `trunc(f * keys)`.
    ///
    /// A small fraction of few keys is 0.
    #[must_use]
    pub fn of(self, keys: usize) -> usize {
        match self {
            Self::Count(count) => count,
            // As the reference does it, artefacts included: trunc(0.29 * 100) is 28.
            Self::Fraction(fraction) => (fraction * keys as f64) as usize,
        }
    }

    /// Checks the range where no keys at all are a choice, too; `field` names the size in the error.
    pub fn validate_or_zero(self, field: &'static str) -> Result<Self> {
        match self {
            Self::Fraction(fraction) if !(0.0..=1.0).contains(&fraction) => {
                Err(Error::Field { field, expected: "in [0, 1] as a fraction", found: fraction.to_string() })
            }
            size => Ok(size),
        }
    }

    /// Reads a size that may be 0; for `#[serde(deserialize_with = ..)]`.
    pub fn deserialize_or_zero<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor { validate: Self::validate_or_zero })
    }

    /// Checks the range; `field` names the size in the error.
    pub fn validate(self, field: &'static str) -> Result<Self> {
        match self {
            Self::Count(0) => Err(Error::Field {
                field,
                expected: "greater than 0 as a count of keys",
                found: "0".to_owned(),
            }),
            Self::Fraction(fraction) if !(fraction > 0.0 && fraction <= 1.0) => {
                Err(Error::Field { field, expected: "in (0, 1] as a fraction", found: fraction.to_string() })
            }
            size => Ok(size),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Fraction(fraction) => write!(f, "{fraction} of the keys"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count as u64),
            Self::Fraction(fraction) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("fraction", fraction)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor { validate: Size::validate })
    }
}

struct SizeVisitor {
    validate: fn(Size, &'static str) -> Result<Size>,
}

impl<'de> Visitor<'de> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an integer number of keys such as 64, or a share of the keys such as {\"fraction\": 0.1}",
        )
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Size, E> {
        let count = usize::try_from(value).map_err(de::Error::custom)?;
        (self.validate)(Size::Count(count), "size").map_err(de::Error::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Size, E> {
        let count = u64::try_from(value).map_err(|_| {
            de::Error::custom(format_args!("size must be greater than 0 as a count of keys, got {value}"))
        })?;
        self.visit_u64(count)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Size, E> {
        Err(de::Error::custom(format_args!(
            "size {value:?} is ambiguous: write {{\"fraction\": {value:?}}} for that share of the keys, or an integer \
             such as 64 for a number of keys"
        )))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Size, A::Error> {
        let mut fraction = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "fraction" {
                return Err(de::Error::unknown_field(&key, &["fraction"]));
            }
            if fraction.replace(map.next_value::<f64>()?).is_some() {
                return Err(de::Error::duplicate_field("fraction"));
            }
        }
        let fraction = fraction.ok_or_else(|| de::Error::missing_field("fraction"))?;
        (self.validate)(Size::Fraction(fraction), "size").map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_size_truncates_fractions() {
        assert_eq!(Size::Count(128).of(10), 128);
        assert_eq!(Size::Fraction(0.29).of(100), 28);
        assert_eq!(Size::Fraction(1.0).of(7), 7);
        assert_eq!(Size::Fraction(0.01).of(99), 0);
    }

    #[test]
    fn config_form_is_unambiguous() {
        for size in [Size::Count(4), Size::Fraction(0.1), Size::Fraction(1.0)] {
            let text = serde_json::to_string(&size).unwrap();
            assert_eq!(serde_json::from_str::<Size>(&text).unwrap(), size, "{text}");
        }
        let check = |text: &str, part: &str| {
            let error = serde_json::from_str::<Size>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("1.0", "ambiguous: write {\"fraction\": 1.0}");
        check("0", "size must be greater than 0");
        check("-3", "size must be greater than 0");
        check("{\"fraction\": 0.0}", "size must be in (0, 1] as a fraction, got 0");
        check("{\"fraction\": 1.5}", "size must be in (0, 1] as a fraction, got 1.5");
        check("{\"share\": 0.5}", "unknown field `share`, expected `fraction`");
        check("{}", "missing field `fraction`");
        check("\"4\"", "an integer number of keys such as 64");

        let or_zero = |text: &str| Size::deserialize_or_zero(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(or_zero("0").unwrap(), Size::Count(0));
        assert_eq!(or_zero("{\"fraction\": 0.0}").unwrap(), Size::Fraction(0.0));
        assert!(or_zero("{\"fraction\": 1.5}").unwrap_err().to_string().contains("in [0, 1]"));
    }
}
