//! Sparse attention as configuration.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::masker::{LocalMasker, Masker, SinkMasker};
use crate::size::Size;

/// One masker in a configuration file, told apart by its `type`.
///
/// ```
/// use sah_attention::{MaskerConfig, Size};
///
/// let sink: MaskerConfig = serde_json::from_str(r#"{"type": "sink", "size": 4}"#).unwrap();
/// assert_eq!(sink, MaskerConfig::Sink { size: Size::Count(4) });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum MaskerConfig {
    /// The first keys; see [`SinkMasker`].
    Sink {
        /// Number of keys.
        size: Size,
    },
    /// The last keys before each query row; see [`LocalMasker`].
    Local {
        /// Number of keys, the row's own included.
        size: Size,
    },
}

impl MaskerConfig {
    /// Builds the masker that this describes.
    pub fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(match self {
            Self::Sink { size } => Box::new(SinkMasker::new(*size)?),
            Self::Local { size } => Box::new(LocalMasker::new(*size)?),
        })
    }
}

/// A sparse attention: its maskers, in the order in which they are applied.
///
/// Dense attention has no configuration; it is the absence of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct AttentionConfig {
    /// At least one masker.
    pub maskers: Vec<MaskerConfig>,
}

/// What a file may contain, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    maskers: Vec<MaskerConfig>,
}

impl TryFrom<Fields> for AttentionConfig {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self> {
        Self::new(fields.maskers)
    }
}

impl AttentionConfig {
    /// A configuration of these maskers; an empty list is an error.
    pub fn new(maskers: Vec<MaskerConfig>) -> Result<Self> {
        if maskers.is_empty() {
            return Err(Error::NoMaskers);
        }
        Ok(Self { maskers })
    }

    /// `StreamingLLM` (Xiao et al. 2023, arXiv 2309.17453): the first `sink` keys and the last `window` keys.
    #[must_use]
    pub fn streaming_llm(sink: Size, window: Size) -> Self {
        Self { maskers: vec![MaskerConfig::Sink { size: sink }, MaskerConfig::Local { size: window }] }
    }

    /// Builds the maskers, in order.
    pub fn build_maskers(&self) -> Result<Vec<Box<dyn Masker>>> {
        self.maskers.iter().map(MaskerConfig::build).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_with_type_names() {
        let config = AttentionConfig::streaming_llm(Size::Count(4), Size::Fraction(0.25));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            text,
            r#"{"maskers":[{"type":"sink","size":4},{"type":"local","size":{"fraction":0.25}}]}"#
        );
        assert_eq!(serde_json::from_str::<AttentionConfig>(&text).unwrap(), config);
        let names: Vec<_> = config.build_maskers().unwrap().iter().map(|masker| masker.name()).collect();
        assert_eq!(names, ["sink", "local"]);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let check = |text: &str, part: &str| {
            let error = serde_json::from_str::<AttentionConfig>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check(r#"{"maskers": []}"#, "`maskers` is empty");
        check(r"{}", "missing field `maskers`");
        check(r#"{"maskers": [{"type": "sink", "size": 4}], "kernel": "x"}"#, "unknown field `kernel`");
        check(
            r#"{"maskers": [{"type": "snik", "size": 4}]}"#,
            "unknown variant `snik`, expected `sink` or `local`",
        );
        check(
            r#"{"maskers": [{"type": "sink", "size": 4, "window": 2}]}"#,
            "unknown field `window`, expected `size`",
        );
        check(r#"{"maskers": [{"type": "sink"}]}"#, "missing field `size`");
        check(r#"{"maskers": [{"size": 4}]}"#, "missing field `type`");
        check(r#"{"maskers": [{"type": "local", "size": 0.5}]}"#, "write {\"fraction\": 0.5}");
        check(r#"{"maskers": [{"type": "local", "size": 0}]}"#, "size must be greater than 0");
    }

    #[test]
    fn values_made_in_code_are_checked_when_built() {
        assert!(matches!(AttentionConfig::new(Vec::new()), Err(Error::NoMaskers)));
        let config = AttentionConfig::streaming_llm(Size::Count(0), Size::Count(4));
        assert!(matches!(config.build_maskers(), Err(Error::Field { field: "sink size", .. })));
    }
}
