//! `MagicPIG`: keys sampled by locality-sensitive hashing, with the probability of the collision.

mod matches;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use self::matches::{by_tensors, code_kind, matches, pack};
use crate::error::{Error, Result};
use crate::heads::{fold_queries, fold_rows, join_rows};
use crate::inputs::AttentionInputs;
use crate::mask::{IndexList, Mask};
use crate::masker::toolkit::{
    GrowingTensor, Prefix, RandomStream, Selected, each_row, padded_rows, row_blocks, unfold_scores,
};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::{LayerState, MaskerState};

const NAME: &str = "magic_pig";

/// Keys that are hashed at once.
const BLOCK: usize = 4096;

fn default_center() -> bool {
    true
}

fn default_seed() -> u64 {
    42
}

/// Parameters of the [`MagicPigMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MagicPigConfig {
    /// Hash tables, from 1.
    pub lsh_l: usize,
    /// Bits of a code in each table, from 1 to 64.
    pub lsh_k: usize,
    /// Whether the mean key is subtracted from keys and queries first.
    #[serde(default = "default_center")]
    pub center: bool,
    /// Mixed with the request's seed for the hyperplanes.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

impl MaskerConfig for MagicPigConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "magic_pig",
        about: "the keys that share a bucket with the query, with the probability of that",
        fields: &[
            FieldInfo::required("lsh_l", "at least 1"),
            FieldInfo::required("lsh_k", "from 1 to 64"),
            FieldInfo::optional("center", "true, false", "true"),
            FieldInfo::optional("seed", "at least 0", "42"),
        ],
        source: "MagicPIG, arXiv 2410.16179",
        cost: "K lsh_l comparisons of codes, n D multiplications for n sampled keys",
        state: "lsh_l codes of 1 byte (2 above 8 bits, 4 above 15, 8 above 31), for each key/value head",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(MagicPigMasker::new(*self)?))
    }
}

/// Samples, for every head and query row, the keys that fall into the query's bucket of at least one hash table.
///
#[doc = include_str!("../../../docs/maskers/magic_pig.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MagicPigMasker {
    config: MagicPigConfig,
}

impl MagicPigMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: MagicPigConfig) -> Result<Self> {
        if config.lsh_l == 0 {
            return Err(Error::Field { field: "lsh_l", expected: "at least 1", found: "0".to_owned() });
        }
        if !(1..=64).contains(&config.lsh_k) {
            return Err(Error::Field {
                field: "lsh_k",
                expected: "from 1 to 64",
                found: config.lsh_k.to_string(),
            });
        }
        Ok(Self { config })
    }

    fn new_state(&self, inputs: &AttentionInputs<'_>, seed: u64) -> Result<Tables> {
        let (dims, config, device) = (inputs.dims(), &self.config, inputs.device());
        let learned = if dims.past() > 0 { dims.past() } else { dims.keys };
        let keys = inputs.keys_in(0..learned)?.f_to_kind(Kind::Float)?;
        let mean = keys.f_mean_dim([2i64].as_slice(), true, Kind::Float)?;
        let mean = if config.center { mean } else { mean.f_zeros_like()? };
        let longest = lengths(&keys.f_sub(&mean)?)?.f_amax([2i64].as_slice(), true)?;
        let size = [dims.head_dim + 1, config.lsh_l * config.lsh_k];
        let normals = RandomStream::new(seed ^ config.seed, 0).normals(size[0] * size[1]);
        let planes =
            Tensor::f_from_slice(&normals)?.f_view(size.map(|size| size as i64))?.f_to_device(device)?;
        let codes =
            GrowingTensor::new(&[dims.batch, dims.kv_heads, config.lsh_l], code_kind(config.lsh_k), device)?;
        Ok(Tables { prefix: Prefix::of(inputs), config: *config, learned, mean, longest, planes, codes })
    }
}

/// Lengths of vectors `[.., D]`, as `[.., 1]`.
fn lengths(vectors: &Tensor) -> Result<Tensor> {
    Ok(vectors.f_norm_scalaropt_dim(2.0, [-1i64].as_slice(), true)?)
}

/// Codes of the keys of one layer.
#[derive(Debug)]
struct Tables {
    prefix: Prefix,
    config: MagicPigConfig,
    /// Number of keys from which `mean` and `longest` were taken.
    learned: usize,
    /// `mu`, `[B, Hkv, 1, D]` of `Float`; 0 where keys are not centred.
    mean: Tensor,
    /// `M`, `[B, Hkv, 1, 1]` of `Float`.
    longest: Tensor,
    /// `[D + 1, l k]` of `Float`.
    planes: Tensor,
    /// `[B, Hkv, l, K]`.
    codes: GrowingTensor,
}

impl Tables {
    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        for start in new.clone().step_by(BLOCK) {
            let end = new.end.min(start + BLOCK);
            let keys = inputs.keys_in(start..end)?.f_to_kind(Kind::Float)?;
            let keys = keys.f_sub(&self.mean)?;
            // Signs do not change when all is multiplied by M.
            let length = lengths(&keys)?;
            let most = self.longest.f_maximum(&length)?;
            let rest = most.f_square()?.f_sub(&length.f_square()?)?.f_clamp_min(0.0)?.f_sqrt()?;
            let outputs = Tensor::f_cat(&[keys, rest], -1)?.f_matmul(&self.planes)?;
            self.codes.write(start, &pack(&outputs, self.config.lsh_l)?)?;
            self.prefix.set_keys(end);
        }
        Ok(())
    }

    /// The centred query rows `rows`, `[B, Hkv, g * rows, D]` of `Float`.
    fn queries(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>) -> Result<Tensor> {
        let queries = fold_queries(inputs, rows.start, rows.len())?.f_to_kind(Kind::Float)?;
        Ok(queries.f_sub(&self.mean)?)
    }

    /// Codes of all query rows, `[B, Hkv, l, g * Q]` of `Int64`.
    fn query_codes(&self, inputs: &AttentionInputs<'_>) -> Result<Tensor> {
        let planes = self.planes.f_narrow(0, 0, inputs.dims().head_dim as i64)?;
        pack(&self.queries(inputs, 0..inputs.dims().queries)?.f_matmul(&planes)?, self.config.lsh_l)
    }

    /// Keys that match each row, `[B, H, Q, N]`, padded with -1.
    #[expect(unsafe_code, reason = "reads codes in place")]
    fn matching(&self, inputs: &AttentionInputs<'_>, previous: &Mask) -> Result<Option<Tensor>> {
        let queries = self.query_codes(inputs)?;
        let selected = Selected::of(previous)?;
        // SAFETY: nothing writes to the codes' views here.
        let rows = if let Some(keys) = unsafe { self.codes.host_rows::<u8>() } {
            self.on_host(inputs, &queries, &keys, &selected)?
        // SAFETY: the same.
        } else if let Some(keys) = unsafe { self.codes.host_rows::<i16>() } {
            self.on_host(inputs, &queries, &keys, &selected)?
        // SAFETY: the same.
        } else if let Some(keys) = unsafe { self.codes.host_rows::<i32>() } {
            self.on_host(inputs, &queries, &keys, &selected)?
        // SAFETY: the same.
        } else if let Some(keys) = unsafe { self.codes.host_rows::<i64>() } {
            self.on_host(inputs, &queries, &keys, &selected)?
        } else {
            return by_tensors(inputs, previous, &queries, &self.codes.view()?);
        };
        padded_rows(inputs, &rows, -1)
    }

    fn on_host<T: tch::kind::Element + Copy + PartialEq + Sync>(
        &self,
        inputs: &AttentionInputs<'_>,
        queries: &Tensor,
        keys: &[&[T]],
        selected: &Selected<'_>,
    ) -> Result<Vec<Vec<i64>>> {
        let (dims, visible, tables) = (inputs.dims(), inputs.visible(), self.config.lsh_l);
        // [B, Hkv, g * Q, l]
        let queries = queries.f_transpose(-2, -1)?.f_to_kind(T::KIND)?.f_reshape([-1])?;
        let queries = Vec::<T>::try_from(queries)?;
        Ok(each_row(inputs, |head, row| {
            let query = &queries[(head * dims.queries + row) * tables..][..tables];
            let keys = &keys[head / dims.group() * tables..][..tables];
            matches(query, keys, &selected.remaining(head, row, visible.row(row)))
        }))
    }

    /// Probability that row and key meet, for `indices` `[B, H, Q, N]`: the same shape, of `Float`.
    fn probabilities(&self, inputs: &AttentionInputs<'_>, indices: &Tensor) -> Result<Tensor> {
        let mut blocks = Vec::new();
        for rows in row_blocks(inputs.dims(), indices.size()[3] as usize * inputs.dims().head_dim) {
            let queries = self.queries(inputs, rows.clone())?;
            let folded = fold_rows(inputs, indices, rows.start, rows.len())?.f_clamp_min(0)?;
            let keys = inputs.keys_at(&folded)?.f_to_kind(Kind::Float)?;
            let keys = keys.f_sub(&self.mean.f_unsqueeze(2)?)?;
            let dot = queries.f_unsqueeze(-2)?.f_matmul(&keys.f_transpose(-2, -1)?)?.f_squeeze_dim(-2)?;
            let most = self.longest.f_maximum(&lengths(&keys)?.f_squeeze_dim(-1)?)?;
            let cosine =
                dot.f_div(&most.f_mul(&lengths(&queries)?)?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?)?;
            blocks.push(unfold_scores(inputs.dims(), &self.collision(&cosine)?, rows.len())?);
        }
        join_rows(blocks)
    }

    /// Probability that vectors with this cosine share a code in some table.
    fn collision(&self, cosine: &Tensor) -> Result<Tensor> {
        let angle = cosine.f_to_kind(Kind::Double)?.f_clamp(-1.0, 1.0)?.f_acos()?;
        let bit = angle.f_div_scalar(-std::f64::consts::PI)?.f_add_scalar(1.0)?;
        let table = bit.f_pow_tensor_scalar(self.config.lsh_k as i64)?;
        // 1 - (1 - p)^l, without loss where p is small.
        let none = table.f_neg()?.f_log1p()?.f_mul_scalar(self.config.lsh_l as f64)?;
        let some = none.f_expm1()?.f_neg()?;
        Ok(some.f_clamp(f64::from(f32::MIN_POSITIVE), 1.0)?.f_to_kind(Kind::Float)?)
    }
}

impl MaskerState for Tables {
    fn fork(&self) -> Box<dyn MaskerState> {
        Box::new(Self {
            prefix: self.prefix.clone(),
            config: self.config,
            learned: self.learned,
            mean: self.mean.shallow_clone(),
            longest: self.longest.shallow_clone(),
            planes: self.planes.shallow_clone(),
            codes: self.codes.fork(),
        })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.codes.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.codes.bytes() + 4 * (self.mean.numel() + self.longest.numel() + self.planes.numel())
    }
}

impl Masker for MagicPigMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_sampling(&self) -> bool {
        true
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        if previous.is_full() {
            return Ok(previous);
        }
        let seed = state.seed(0);
        // The cache was cut back into the keys that it learned from: learn again.
        if state.get::<Tables>().is_some_and(|tables| tables.prefix.keys() < tables.learned) {
            state.set(self.new_state(inputs, seed)?);
        }
        let state = state.get_or_try_insert_with(|| self.new_state(inputs, seed))?;
        state.follow(inputs)?;
        let Some(indices) = state.matching(inputs, &previous)? else { return Ok(previous) };
        let probabilities = state.probabilities(inputs, &indices)?;
        let list = IndexList::assume_valid(indices, Some(probabilities))?;
        previous.merge(Mask::from_indices(inputs.dims().mask_shape(), list)?)
    }
}
