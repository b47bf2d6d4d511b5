//! `PQCache`: keys ranked by product-quantised scores.

mod codebook;
mod kmeans;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use self::codebook::Codebook;
pub use self::codebook::PqMetric;
use crate::error::{Error, Result};
use crate::heads::fold_queries;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{GrowingTensor, Prefix, add_top_k, code_kind, table_scores, unfold_scores};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::{LayerState, MaskerState};

const NAME: &str = "pq_cache";

/// Keys that are encoded at once.
const BLOCK: usize = 16_384;

/// Parameters of the [`PqCacheMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PqCacheConfig {
    /// Keys to add; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Parts that a key is cut into, `M`; at least 1, and a divisor of `D`.
    pub pq_group_factor: usize,
    /// Bits of a code: a part has `2^pq_bits` centroids; from 1 to 8.
    pub pq_bits: usize,
    /// Iterations of k-means at most, from 1.
    pub kmeans_iter: usize,
    /// Keys at the start that are neither trained on nor selected: usually as many as the sinks.
    pub init_offset: usize,
    /// What makes a key near to a centroid.
    pub metric: PqMetric,
}

impl MaskerConfig for PqCacheConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "pq_cache",
        about: "the keys with the largest product-quantised scores",
        fields: &[
            FieldInfo::size("heavy_size"),
            FieldInfo::required("pq_group_factor", "a divisor of D"),
            FieldInfo::required("pq_bits", "from 1 to 8"),
            FieldInfo::required("kmeans_iter", "at least 1"),
            FieldInfo::required("init_offset", "at least 0"),
            FieldInfo::required("metric", "euclidean, ip"),
        ],
        source: "PQCache, arXiv 2407.12820",
        cost: "K pq_group_factor additions; k-means once",
        state: "pq_group_factor bytes for each key/value head, and the centroids",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(PqCacheMasker::new(*self)?))
    }
}

/// Selects, for every head and query row, the keys with the largest scores after product quantisation.
///
#[doc = include_str!("../../../docs/maskers/pq_cache.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PqCacheMasker {
    config: PqCacheConfig,
}

impl PqCacheMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: PqCacheConfig) -> Result<Self> {
        config.heavy_size.validate("heavy_size")?;
        let positive = [("pq_group_factor", config.pq_group_factor), ("kmeans_iter", config.kmeans_iter)];
        if let Some((field, _)) = positive.into_iter().find(|&(_, value)| value == 0) {
            return Err(Error::Field { field, expected: "at least 1", found: "0".to_owned() });
        }
        if !(1..=8).contains(&config.pq_bits) {
            let found = config.pq_bits.to_string();
            return Err(Error::Field { field: "pq_bits", expected: "from 1 to 8", found });
        }
        Ok(Self { config })
    }

    fn new_state(&self, inputs: &AttentionInputs<'_>, seed: u64) -> Result<Encoded> {
        let (dims, config) = (inputs.dims(), &self.config);
        if dims.head_dim % config.pq_group_factor != 0 {
            return Err(Error::MaskerInputs {
                masker: NAME,
                field: "pq_group_factor",
                expected: format!("a divisor of the {} elements of a key", dims.head_dim),
                found: config.pq_group_factor.to_string(),
            });
        }
        let codebook = Codebook::train(
            inputs,
            config.init_offset..dims.past(),
            dims.head_dim / config.pq_group_factor,
            1 << config.pq_bits,
            config.kmeans_iter,
            config.metric,
            seed,
        )?;
        let leading = [dims.batch, dims.kv_heads, config.pq_group_factor];
        let codes = GrowingTensor::new(&leading, code_kind(config.pq_bits), inputs.device())?;
        let centroids = codebook.tensor(inputs)?;
        Ok(Encoded { prefix: Prefix::of(inputs), codebook: Arc::new(codebook), centroids, codes })
    }
}

/// Codes of the keys of one layer.
#[derive(Debug)]
struct Encoded {
    prefix: Prefix,
    codebook: Arc<Codebook>,
    /// `[B, Hkv, M, D / M, C]` of `Float`.
    centroids: Tensor,
    /// `[B, Hkv, M, K]` of `Uint8`.
    codes: GrowingTensor,
}

impl Encoded {
    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        for start in new.clone().step_by(BLOCK) {
            let end = new.end.min(start + BLOCK);
            self.codes.write(start, &self.codebook.encode(inputs, start..end)?)?;
            self.prefix.set_keys(end);
        }
        Ok(())
    }

    /// `[B, H, rows, K]`.
    fn scores(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>) -> Result<Tensor> {
        let (batch, heads, parts, dim, _) = self.centroids.size5()?;
        let queries = fold_queries(inputs, rows.start, rows.len())?.f_to_kind(tch::Kind::Float)?;
        let queries = queries.f_mul_scalar(inputs.scale())?.f_reshape([batch, heads, -1, parts, dim])?;
        // [B, Hkv, M, R, D / M] x [.., D / M, C], then the parts of a row side by side.
        let tables = queries.f_transpose(2, 3)?.f_matmul(&self.centroids)?.f_transpose(2, 3)?;
        unfold_scores(inputs.dims(), &table_scores(&tables, &self.codes)?, rows.len())
    }
}

impl MaskerState for Encoded {
    fn fork(&self) -> Box<dyn MaskerState> {
        let (prefix, codebook) = (self.prefix.clone(), Arc::clone(&self.codebook));
        let (centroids, codes) = (self.centroids.shallow_clone(), self.codes.fork());
        Box::new(Self { prefix, codebook, centroids, codes })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.codes.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.codes.bytes() + self.codebook.bytes() + 4 * self.centroids.numel()
    }
}

impl Masker for PqCacheMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let (dims, config) = (inputs.dims(), &self.config);
        let heavy = config.heavy_size.of(dims.keys);
        let least = [config.init_offset, dims.queries, 1 << config.pq_bits]
            .into_iter()
            .fold(heavy, usize::saturating_add);
        if previous.is_full() || dims.keys <= least {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let seed = state.seed(0);
        // The cache was cut back into the training keys: train again.
        if state.get::<Encoded>().is_some_and(|codes| codes.prefix.keys() < codes.codebook.trained()) {
            state.set(self.new_state(inputs, seed)?);
        }
        let state = state.get_or_try_insert_with(|| self.new_state(inputs, seed))?;
        state.follow(inputs)?;
        add_top_k(inputs, previous, heavy, |rows| {
            let scores = state.scores(inputs, rows)?;
            if config.init_offset > 0 {
                let _ = scores.f_narrow(3, 0, config.init_offset as i64)?.f_fill_(f64::NEG_INFINITY)?;
            }
            Ok(scores)
        })
    }
}
