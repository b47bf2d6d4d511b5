//! Maskers: rules that choose which keys a query row reads.

mod adaptive_sampling;
mod config;
mod double_sparsity;
mod flexprefill;
mod hash_attention;
mod info;
mod lines;
mod local;
mod magic_pig;
mod minference;
mod oracle_top_k;
mod oracle_top_k_blocks;
mod oracle_top_p;
mod pq_cache;
mod presets;
mod quest;
mod random_sampling;
mod registry;
mod sink;
mod socket;
pub mod toolkit;
mod tri_shape;
mod xattention;

use std::fmt::Debug;

pub use adaptive_sampling::{AdaptiveSamplingConfig, AdaptiveSamplingMasker};
pub use config::{AnyMaskerConfig, MaskerConfig};
pub(crate) use double_sparsity::write_channels;
pub use double_sparsity::{ChannelSelection, DoubleSparsityConfig, DoubleSparsityMasker, SortedChannels};
pub use flexprefill::{FlexPrefillConfig, FlexPrefillMasker};
pub use hash_attention::{Activation, HashAttentionConfig, HashAttentionMasker, HashSource, HashWeights};
pub use info::{FieldInfo, MaskerInfo};
pub use local::{LocalConfig, LocalMasker};
pub use magic_pig::{MagicPigConfig, MagicPigMasker};
pub use minference::{HeadPattern, HeadPatterns, MInferenceConfig, MInferenceMasker};
pub use oracle_top_k::{OracleTopKConfig, OracleTopKMasker};
pub use oracle_top_k_blocks::{OracleTopKBlocksConfig, OracleTopKBlocksMasker};
pub use oracle_top_p::{OracleTopPConfig, OracleTopPMasker};
pub use pq_cache::{PqCacheConfig, PqCacheMasker, PqMetric};
pub use quest::{QuestConfig, QuestMasker};
pub use random_sampling::{RandomSamplingConfig, RandomSamplingMasker};
pub use registry::MaskerRegistry;
pub use sink::{SinkConfig, SinkMasker};
pub use socket::{SocketConfig, SocketMasker};
pub use tri_shape::{TriShapeConfig, TriShapeMasker};
pub use xattention::{XAttentionConfig, XAttentionMasker};

use config::MaskerType;

use crate::error::Result;
use crate::eviction::KeptKeys;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::state::LayerState;

/// The maskers of this crate, in the order in which they are listed.
const BUILT_IN: &[MaskerType] = &[
    MaskerType::of::<SinkConfig>(),
    MaskerType::of::<LocalConfig>(),
    MaskerType::of::<OracleTopKConfig>(),
    MaskerType::of::<OracleTopPConfig>(),
    MaskerType::of::<HashAttentionConfig>(),
    MaskerType::of::<DoubleSparsityConfig>(),
    MaskerType::of::<QuestConfig>(),
    MaskerType::of::<PqCacheConfig>(),
    MaskerType::of::<SocketConfig>(),
    MaskerType::of::<RandomSamplingConfig>(),
    MaskerType::of::<AdaptiveSamplingConfig>(),
    MaskerType::of::<MagicPigConfig>(),
    MaskerType::of::<TriShapeConfig>(),
    MaskerType::of::<OracleTopKBlocksConfig>(),
    MaskerType::of::<XAttentionConfig>(),
    MaskerType::of::<FlexPrefillConfig>(),
    MaskerType::of::<MInferenceConfig>(),
];

/// A rule that adds keys to a selection.
///
/// Maskers are immutable and shared by all layers, requests and threads. What one must remember between steps it keeps in
/// the [`LayerState`] it is given. (A `Tensor` is `Send` but not `Sync`: a masker that owns weights keeps them in a
/// `Mutex`.)
pub trait Masker: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// Whether it samples, that is, gives inclusion probabilities below 1. At most one masker of a list may.
    fn is_sampling(&self) -> bool {
        false
    }

    /// The masker to use for prefill in chunks; `None` where there is none. What a row reads depends on its block of rows and not on the chunk
    /// that it is in, as far as the rule can do without the rows after it; what it takes from each chunk, its page says.
    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        None
    }

    /// Whether it is for reading contexts alone: it goes by many query rows of a context, or by where that ends.
    fn is_for_prefill_alone(&self) -> bool {
        false
    }

    /// Which keys it may select for rows to come, whatever these are; `None` where that may be any. Once the sequence has more
    /// keys, the others can be evicted.
    fn keeps(&self) -> Option<KeptKeys> {
        None
    }

    /// `previous` (shape `[B, H, Q, K]`), and what this masker adds to it.
    ///
    /// A masker never takes away what an earlier one selected, and returns a full mask unchanged. It may select keys in
    /// the future of a row, or out of the layer's sliding window (`inputs.window()`): kernels and densities apply both. A
    /// full mask selects all that the row may read.
    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask>;
}
