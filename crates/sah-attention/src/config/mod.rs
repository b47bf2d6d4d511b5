//! Sparse attention as configuration.

mod catalogue;
mod preset;

use serde::{Deserialize, Serialize};

pub use self::catalogue::{FieldInfo, MASKERS, MaskerInfo};
use crate::error::{Error, Result};
use crate::masker::{
    AdaptiveSamplingConfig, AdaptiveSamplingMasker, DoubleSparsityConfig, DoubleSparsityMasker,
    HashAttentionConfig, HashAttentionMasker, LocalMasker, MagicPigConfig, MagicPigMasker, Masker,
    OracleTopKMasker, OracleTopPMasker, PqCacheConfig, PqCacheMasker, QuestConfig, QuestMasker,
    RandomSamplingMasker, SinkMasker, SocketConfig, SocketMasker,
};
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
    /// The keys with the largest exact scores; see [`OracleTopKMasker`].
    OracleTopK {
        /// Keys to add.
        heavy_size: Size,
    },
    /// The fewest keys that hold a share of the attention; see [`OracleTopPMasker`].
    OracleTopP {
        /// The share, in `[0, 1]`.
        top_p: f64,
    },
    /// Keys by signatures; see [`HashAttentionMasker`].
    HashAttentionTopK(HashAttentionConfig),
    /// Keys by a few channels; see [`DoubleSparsityMasker`].
    DoubleSparsityTopK(DoubleSparsityConfig),
    /// Pages of keys by bounds of their scores; see [`QuestMasker`].
    QuestTopK(QuestConfig),
    /// Keys by product-quantised scores; see [`PqCacheMasker`].
    PqCache(PqCacheConfig),
    /// Keys by soft collisions; see [`SocketMasker`].
    SocketTopK(SocketConfig),
    /// A share of the remaining keys at random; see [`RandomSamplingMasker`].
    RandomSampling {
        /// The share, in `(0, 1]`.
        sampling_rate: f64,
    },
    /// As many random keys as an accuracy needs; see [`AdaptiveSamplingMasker`].
    AdaptiveSampling(AdaptiveSamplingConfig),
    /// Keys by collisions in hash tables; see [`MagicPigMasker`].
    MagicPig(MagicPigConfig),
}

impl MaskerConfig {
    /// Builds the masker that this describes. Reads its files, where it has some.
    pub fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(match self {
            Self::Sink { size } => Box::new(SinkMasker::new(*size)?),
            Self::Local { size } => Box::new(LocalMasker::new(*size)?),
            Self::OracleTopK { heavy_size } => Box::new(OracleTopKMasker::new(*heavy_size)?),
            Self::OracleTopP { top_p } => Box::new(OracleTopPMasker::new(*top_p)?),
            Self::HashAttentionTopK(config) => Box::new(HashAttentionMasker::new(config)?),
            Self::DoubleSparsityTopK(config) => Box::new(DoubleSparsityMasker::new(config)?),
            Self::QuestTopK(config) => Box::new(QuestMasker::new(*config)?),
            Self::PqCache(config) => Box::new(PqCacheMasker::new(*config)?),
            Self::SocketTopK(config) => Box::new(SocketMasker::new(*config)?),
            Self::RandomSampling { sampling_rate } => Box::new(RandomSamplingMasker::new(*sampling_rate)?),
            Self::AdaptiveSampling(config) => Box::new(AdaptiveSamplingMasker::new(*config)?),
            Self::MagicPig(config) => Box::new(MagicPigMasker::new(*config)?),
        })
    }

    /// Checks the ranges of all fields, without reading a file.
    fn validate(&self) -> Result<()> {
        match self {
            Self::HashAttentionTopK(config) => config.validate(),
            Self::DoubleSparsityTopK(config) => config.validate().map(drop),
            other => other.build().map(drop),
        }
    }
}

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
/// let same = AttentionConfig::preset("oracle_top_k", &["sink.size=4", "heavy_size=10%"]).unwrap();
/// assert_eq!(config.maskers[0], same.maskers[0]);
/// assert_eq!(config.maskers[1], same.maskers[2], "the preset has a local window between them");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct AttentionConfig {
    /// At least one masker.
    pub maskers: Vec<MaskerConfig>,
    /// The first so many layers are dense.
    #[serde(skip_serializing_if = "is_zero")]
    pub dense_layers: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(layers: &usize) -> bool {
    *layers == 0
}

/// What a file may contain, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    maskers: Vec<MaskerConfig>,
    #[serde(default)]
    dense_layers: usize,
}

impl TryFrom<Fields> for AttentionConfig {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self> {
        fields.maskers.iter().try_for_each(MaskerConfig::validate)?;
        Ok(Self { dense_layers: fields.dense_layers, ..Self::new(fields.maskers)? })
    }
}

impl AttentionConfig {
    /// A configuration of these maskers in all layers; an empty list is an error.
    pub fn new(maskers: Vec<MaskerConfig>) -> Result<Self> {
        if maskers.is_empty() {
            return Err(Error::NoMaskers);
        }
        Ok(Self { maskers, dense_layers: 0 })
    }

    /// `StreamingLLM` (Xiao et al. 2023, arXiv 2309.17453): the first `sink` keys and the last `window` keys.
    #[must_use]
    pub fn streaming_llm(sink: Size, window: Size) -> Self {
        let maskers = vec![MaskerConfig::Sink { size: sink }, MaskerConfig::Local { size: window }];
        Self { maskers, dense_layers: 0 }
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
            "unknown variant `snik`, expected one of `sink`, `local`, `oracle_top_k`",
        );
        check(
            r#"{"maskers": [{"type": "sink", "size": 4, "window": 2}]}"#,
            "unknown field `window`, expected `size`",
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
