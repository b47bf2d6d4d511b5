//! Which channels of the keys matter for Double Sparsity, measured on a text.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::attention::AttentionOutput;
use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::masker::{ChannelSelection, DoubleSparsityConfig, MaskerConfig as _, write_channels};
use crate::policy::AttentionObserver;

/// Sums over tokens from which channels are ranked, for every head of every layer that it has seen.
///
/// Let a model read text with this as its [`AttentionObserver`], then [write](Self::write) the channel file. Each token
/// counts once, with its query `q` and its own key `k` as attention gets them, after rotary embedding:
///
/// ```text
/// q_proj   mean |q_d|        for each query head
/// k_proj   mean |k_d|        for each key/value head
/// qk_proj  mean |q_d k_d|    for each query head, with the key of its group
/// ```
///
/// `qk_proj` is the offline calibration of Double Sparsity (Yang et al. 2024, arXiv 2408.07092, and the authors' programs),
/// which takes queries and keys after rotation, too. The authors rank `q_proj` and `k_proj` by what the projections give,
/// before rotation. Labels are made of rotated vectors, so here all three rank these.
#[derive(Debug, Default)]
pub struct ChannelStatistics {
    layers: BTreeMap<usize, Sums>,
}

/// Sums of one layer.
#[derive(Debug)]
struct Sums {
    tokens: usize,
    /// `[H][D]`
    queries: Vec<Vec<f64>>,
    /// `[Hkv][D]`
    keys: Vec<Vec<f64>>,
    /// `[H][D]`
    products: Vec<Vec<f64>>,
}

impl ChannelStatistics {
    /// Layers that were seen.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Means of a layer by which `selection` ranks its channels, `[H][D]`, or `[Hkv][D]` for the keys. `None` for a layer
    /// that was not seen.
    #[must_use]
    pub fn means(&self, layer: usize, selection: ChannelSelection) -> Option<Vec<Vec<f64>>> {
        let sums = self.layers.get(&layer)?;
        let heads = match selection {
            ChannelSelection::KProj => &sums.keys,
            ChannelSelection::QProj => &sums.queries,
            ChannelSelection::QkProj => &sums.products,
        };
        let mean = |head: &Vec<f64>| head.iter().map(|sum| sum / sums.tokens as f64).collect();
        Some(heads.iter().map(mean).collect())
    }

    /// Writes the file that [`SortedChannels`](crate::SortedChannels) reads, with an entry for every layer and each of
    /// `selections`. Of equal channels the lower number comes first.
    pub fn write(&self, path: &Path, selections: &[ChannelSelection]) -> Result<()> {
        if self.layers.is_empty() {
            return Err(wrong("text", "at least one token", "none"));
        }
        let mut rankings = Vec::new();
        for &layer in self.layers.keys() {
            for &selection in selections {
                let means = self.means(layer, selection).unwrap_or_default();
                if means.iter().flatten().any(|mean| !mean.is_finite()) {
                    let found = format!("something else in layer {layer}");
                    return Err(wrong("queries and keys", "finite numbers", &found));
                }
                rankings.push((layer, selection, means.iter().map(|means| ranked(means)).collect()));
            }
        }
        write_channels(path, rankings)
    }
}

fn wrong(field: &'static str, expected: &str, found: &str) -> Error {
    Error::MaskerInputs {
        masker: DoubleSparsityConfig::INFO.name,
        field,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Numbers of channels, the largest mean first.
fn ranked(means: &[f64]) -> Vec<i64> {
    let mut channels: Vec<i64> = (0..means.len() as i64).collect();
    channels.sort_by(|&a, &b| means[b as usize].total_cmp(&means[a as usize]));
    channels
}

impl AttentionObserver for ChannelStatistics {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _attended: &AttentionOutput,
    ) -> Result<()> {
        let dims = inputs.dims();
        let sizes = [dims.batch, dims.kv_heads, dims.group(), dims.queries, dims.head_dim];
        let kind = inputs.score_kind();
        // [B, Hkv, g, Q, D] and [B, Hkv, 1, Q, D]: the last keys are those of the rows.
        let queries = inputs.queries().f_to_kind(kind)?.f_reshape(sizes.map(|size| size as i64))?;
        let keys = inputs.keys_in(dims.past()..dims.keys)?.f_to_kind(kind)?.f_unsqueeze(2)?;
        let products = queries.f_mul(&keys)?;
        let sums = Sums {
            tokens: dims.batch * dims.queries,
            queries: summed(&queries)?,
            keys: summed(&keys)?,
            products: summed(&products)?,
        };
        match self.layers.entry(layer) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(sums)),
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(&sums, layer)?,
        }
        Ok(())
    }
}

impl Sums {
    fn add(&mut self, other: &Self, layer: usize) -> Result<()> {
        let shape = |sums: &Self| (sums.queries.len(), sums.keys.len(), sums.keys[0].len());
        if shape(self) != shape(other) {
            let (heads, kv_heads, dim) = shape(self);
            let expected = format!("of {heads} and {kv_heads} heads of {dim}, as before in layer {layer}");
            let found = format!("{:?}", shape(other));
            return Err(wrong("queries and keys", &expected, &found));
        }
        self.tokens += other.tokens;
        for (own, other) in [
            (&mut self.queries, &other.queries),
            (&mut self.keys, &other.keys),
            (&mut self.products, &other.products),
        ] {
            for (own, other) in own.iter_mut().flatten().zip(other.iter().flatten()) {
                *own += other;
            }
        }
        Ok(())
    }
}

/// Sums of magnitudes of `[B, Hkv, g, Q, D]` over batch and rows, `[Hkv * g][D]`.
fn summed(vectors: &Tensor) -> Result<Vec<Vec<f64>>> {
    let sums = vectors.f_abs()?.f_sum_dim_intlist([0_i64, 3].as_slice(), false, Kind::Double)?;
    let dim = sums.size()[2] as usize;
    let sums = Vec::<f64>::try_from(sums.f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
    Ok(sums.chunks(dim).map(<[f64]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::ranked;

    #[test]
    fn the_largest_comes_first_and_of_equal_ones_the_lower() {
        assert_eq!(ranked(&[0.5, 2.0, 0.5, 3.0, 0.0]), [3, 1, 0, 2, 4]);
    }
}
