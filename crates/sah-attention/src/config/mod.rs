//! Sparse attention as configuration.

pub(crate) mod assign;
mod assignment;
mod read;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::masker::{AnyMaskerConfig, LocalConfig, Masker, SinkConfig};
use crate::size::Size;

/// A sparse attention: its maskers, in the order in which they are applied.
///
/// Dense attention has no configuration; it is the absence of one.
///
/// ```
/// use sah_attention::AttentionConfig;
///
/// let config: AttentionConfig = serde_json::from_str(
///     r#"{"maskers": [{"type": "sink", "size": 4}, {"type": "oracle_top_k", "heavy_size": {"fraction": 0.1}}]}"#,
/// ).unwrap();
/// let same = AttentionConfig::preset_with("oracle_top_k", &["sink.size=4", "heavy_size=10%"]).unwrap();
/// assert_eq!(config.maskers[0], same.maskers[0]);
/// assert_eq!(config.maskers[1], same.maskers[2], "the preset has a local window between them");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionConfig {
    /// At least one masker.
    pub maskers: Vec<AnyMaskerConfig>,
    /// The first so many layers are dense.
    #[serde(skip_serializing_if = "is_zero")]
    pub dense_layers: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(layers: &usize) -> bool {
    *layers == 0
}

impl AttentionConfig {
    /// A configuration of these maskers in all layers; an empty list is an error.
    pub fn new(maskers: Vec<AnyMaskerConfig>) -> Result<Self> {
        if maskers.is_empty() {
            return Err(Error::NoMaskers);
        }
        Ok(Self { maskers, dense_layers: 0 })
    }

    /// `StreamingLLM` (Xiao et al. 2023, arXiv 2309.17453): the first `sink` keys and the last `window` keys.
    #[must_use]
    pub fn streaming_llm(sink: Size, window: Size) -> Self {
        let maskers = vec![SinkConfig { size: sink }.into(), LocalConfig { size: window }.into()];
        Self { maskers, dense_layers: 0 }
    }

    /// Builds the maskers, in order.
    pub fn build_maskers(&self) -> Result<Vec<Box<dyn Masker>>> {
        self.maskers.iter().map(AnyMaskerConfig::build).collect()
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
        let some_dense = AttentionConfig { dense_layers: 2, ..config.clone() };
        let text = serde_json::to_string(&some_dense).unwrap();
        assert!(text.ends_with(r#"}}],"dense_layers":2}"#), "{text}");
        assert_eq!(serde_json::from_str::<AttentionConfig>(&text).unwrap(), some_dense);
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
            "there is no masker of type `snik`; did you mean sink?",
        );
        check(
            r#"{"maskers": [{"type": "sink", "size": 4, "window": 2}]}"#,
            "`sink` has no field `window`; there is size",
        );
        check(r#"{"maskers": [{"type": "sink"}]}"#, "missing field `size`");
        check(r#"{"maskers": [{"size": 4}]}"#, "missing field `type`");
        check(r#"{"maskers": [{"type": "local", "size": 0.5}]}"#, "write {\"fraction\": 0.5}");
        check(r#"{"maskers": [{"type": "local", "size": 0}]}"#, "size must be greater than 0");
        check(
            r#"{"maskers": [{"type": "sink", "size": 4}], "dense_layers": -1}"#,
            "invalid value: integer `-1`",
        );
        // Ranges are checked before anything is built, files only then.
        let one = |masker: &str| format!(r#"{{"maskers": [{masker}]}}"#);
        check(&one(r#"{"type": "oracle_top_p", "top_p": 1.2}"#), "top_p must be in [0, 1], got 1.2");
        check(
            &one(r#"{"type": "quest_top_k", "heavy_size": 5, "page_size": 0}"#),
            "page_size must be at least 1, got 0",
        );
        check(
            &one(
                r#"{"type": "double_sparsity_top_k", "heavy_size": 5, "sorted_channel_file": "x", "label_bits": 17}"#,
            ),
            "label_bits must be from 1 to 16, got 17",
        );
        let file =
            one(r#"{"type": "double_sparsity_top_k", "heavy_size": 5, "sorted_channel_file": "no/such"}"#);
        let config: AttentionConfig = serde_json::from_str(&file).unwrap();
        let error = config.build_maskers().unwrap_err();
        assert!(error.to_string().starts_with("no/such: file: "), "{error}");
    }

    #[test]
    fn values_made_in_code_are_checked_when_built() {
        assert!(matches!(AttentionConfig::new(Vec::new()), Err(Error::NoMaskers)));
        let config = AttentionConfig::streaming_llm(Size::Count(0), Size::Count(4));
        assert!(matches!(config.build_maskers(), Err(Error::Field { field: "sink size", .. })));
    }
}
