//! Sparse attention over libtorch tensors.
//!
//! # Overview
//!
//! - [`AttentionInputs`] holds the queries, keys and values of one layer, checked once. Keys and values are plain tensors, or
//!   [`KvRows`] of a cache that stores them in less memory.
//! - A [`Masker`] chooses which keys each query row may read. It sees what earlier maskers chose and returns a [`Mask`].
//! - A [`Mask`] carries intent: everything, nothing, key ranges, pages, or lists of key indices, with an inclusion
//!   probability where a key was sampled.
//! - A [`Kernel`] computes attention over the keys that rows [read](Reads). [`AutoKernel`] chooses between [`FusedKernel`],
//!   [`TiledKernel`] and [`GatherKernel`], which read only those; [`ReferenceKernel`] is the readable oracle that they are tested against.
//! - [`ResearchAttention`] is a list of maskers and a kernel. One value serves all layers and all requests.
//! - [`RequestState`] belongs to one request: what maskers remember between steps, per layer.
//! - [`AttentionPolicy`] is what a model's forward pass takes: dense, or sparse with its state; an [`AttentionObserver`] sees
//!   every call.
//! - [`MaskerRegistry`] and [`KernelRegistry`] have maskers and kernels by name, those of other crates, too; [`toolkit`] has what
//!   these are made of.
//! - [`CallMeasure`] is what one call read, and how far its output is from dense attention, head by head; [`CallSampling`]
//!   draws the calls that are measured.
//!
//! Attention is causal with bottom-right alignment: of `Q` query rows over `K` keys, row `i` stands at position
//! `K - Q + i` and reads keys `0..=K - Q + i`.
//!
//! Shapes: queries `[B, H, Q, D]`, keys `[B, Hkv, K, D]`, values `[B, Hkv, K, Dv]`, output `[B, H, Q, Dv]`.
//! Query head `h` reads key/value head `h / (H / Hkv)` (grouped-query attention).
//!
//! # Example
//!
//! ```
//! use sah_attention::{AttentionConfig, AttentionInputs, AttentionPolicy, RequestState, ResearchAttention};
//! use tch::{Device, Kind, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config: AttentionConfig = serde_json::from_str(
//!     r#"{"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 64}]}"#,
//! )?;
//! let attention = ResearchAttention::from_config(&config)?;
//! let mut state = RequestState::new(0);
//!
//! let queries = Tensor::rand([1, 4, 1, 16], (Kind::Float, Device::Cpu));
//! let keys = Tensor::rand([1, 2, 680, 16], (Kind::Float, Device::Cpu));
//! let values = Tensor::rand([1, 2, 680, 16], (Kind::Float, Device::Cpu));
//! let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25)?;
//!
//! let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state };
//! let out = policy.attend(0, &inputs)?;
//! assert_eq!(out.output.size(), [1, 4, 1, 16]);
//! assert!((out.density.value()? - 68.0 / 680.0).abs() < 1e-12);
//! # Ok(())
//! # }
//! ```

mod attention;
mod calibration;
mod config;
mod density;
mod error;
mod eviction;
mod heads;
mod inputs;
pub mod kernel;
mod kv;
mod mask;
mod masker;
mod micro;
mod policy;
mod positions;
mod registered;
pub mod retention;
#[cfg(test)]
#[path = "../tests/it/seeded.rs"]
mod seeded;
mod size;
mod state;

pub use attention::{AttentionOutput, ResearchAttention};
pub use calibration::ChannelStatistics;
pub use config::AttentionConfig;
pub use density::Density;
pub use error::{Error, Result};
pub use eviction::KeptKeys;
pub use inputs::{AttentionInputs, Dims, LayerHeads};
pub use kernel::{
    AutoKernel, FusedKernel, GatherKernel, Kernel, KernelRegistry, Reads, ReferenceKernel, TiledKernel,
};
pub use kv::{KeysOrValues, KiviBits, KvFormat, KvRows, KvSide, KvView};
pub use mask::{
    BlockRanges, IndexList, Mask, MaskShape, PageList, Row, RowBlocks, RowRanges, Selection, SparseSelection,
    Visible,
};
pub use masker::toolkit;
pub use masker::{
    Activation, AdaptiveSamplingConfig, AdaptiveSamplingMasker, AnyMaskerConfig, ChannelSelection,
    DoubleSparsityConfig, DoubleSparsityMasker, FieldInfo, FlexPrefillConfig, FlexPrefillMasker,
    HashAttentionConfig, HashAttentionMasker, HashSource, HashWeights, HeadPattern, HeadPatterns,
    LocalConfig, LocalMasker, MInferenceConfig, MInferenceMasker, MagicPigConfig, MagicPigMasker, Masker,
    MaskerConfig, MaskerInfo, MaskerRegistry, OracleTopKBlocksConfig, OracleTopKBlocksMasker,
    OracleTopKConfig, OracleTopKMasker, OracleTopPConfig, OracleTopPMasker, PqCacheConfig, PqCacheMasker,
    PqMetric, QuestConfig, QuestMasker, RandomSamplingConfig, RandomSamplingMasker, SinkConfig, SinkMasker,
    SocketConfig, SocketMasker, SortedChannels, TriShapeConfig, TriShapeMasker, XAttentionConfig,
    XAttentionMasker,
};
pub use micro::{CallMeasure, CallParts, CallSampling, HeadMeasure};
pub use policy::{AttentionObserver, AttentionPolicy};
pub use positions::Positions;
pub use retention::{
    AnyRetentionRule, Budget, Retention, RetentionConfig, RetentionInfo, RetentionRegistry, RetentionRule,
};
pub use sah_tensor::without_frames;
pub use size::Size;
pub use state::{LayerState, MaskerState, RequestState};
