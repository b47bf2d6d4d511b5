//! Codebooks: what stands for a part of a key.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::masker::pq_cache::kmeans::Centroids;
use crate::masker::toolkit::RandomStream;

/// What makes a key near to a centroid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PqMetric {
    /// Euclidean distance.
    #[default]
    Euclidean,
    /// Inner product, made a distance: each vector gets one element more, `sqrt(max |x|^2 - |x|^2)` over the training
    /// keys, and 0 for keys after them.
    Ip,
}

/// Centroids of every part of the keys of one layer.
#[derive(Debug)]
pub(super) struct Codebook {
    metric: PqMetric,
    /// Elements of a part.
    dim: usize,
    /// One past the last key that it was trained on.
    trained: usize,
    /// For each sequence, key head and part, in order.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    centroids: Centroids,
    /// Largest squared length of a training vector.
    longest: f32,
}

/// Parts of the keys `keys`, `[B, Hkv, n, D]`, for each sequence, key head and part in order: `[n, dim]`.
fn parts(inputs: &AttentionInputs<'_>, keys: Range<usize>, dim: usize) -> Result<Vec<Vec<f32>>> {
    let cache = inputs.keys_in(keys.clone())?;
    let flat = cache.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?;
    let (flat, width, count) = (Vec::<f32>::try_from(flat)?, inputs.dims().head_dim, keys.len());
    let part = |(head, part): (usize, usize)| {
        let key = |key: usize| &flat[(head * count + key) * width + part * dim..][..dim];
        (0..count).flat_map(key).copied().collect()
    };
    let heads = inputs.dims().batch * inputs.dims().kv_heads;
    Ok((0..heads).flat_map(|head| (0..width / dim).map(move |part| (head, part))).map(part).collect())
}

fn squared(vector: &[f32]) -> f32 {
    vector.iter().map(|x| x * x).sum()
}

/// Vectors of `dim` elements with `more(vector)` as one more.
fn augmented(points: &[f32], dim: usize, more: impl Fn(&[f32]) -> f32) -> Vec<f32> {
    points.chunks_exact(dim).flat_map(|vector| vector.iter().copied().chain([more(vector)])).collect()
}

impl Codebook {
    /// Trains on the keys `training`, which must be `entries` or more.
    pub(super) fn train(
        inputs: &AttentionInputs<'_>,
        training: Range<usize>,
        dim: usize,
        entries: usize,
        iterations: usize,
        metric: PqMetric,
        seed: u64,
    ) -> Result<Self> {
        let parts = parts(inputs, training.clone(), dim)?;
        let train = |(number, points): (usize, Vec<f32>)| {
            let longest = points.chunks_exact(dim).map(squared).fold(0.0, f32::max);
            let mut random = RandomStream::new(seed, number as u64);
            let centroids = match metric {
                PqMetric::Euclidean => Centroids::train(&points, dim, entries, iterations, &mut random),
                PqMetric::Ip => {
                    let points =
                        augmented(&points, dim, |vector| (longest - squared(vector)).max(0.0).sqrt());
                    Centroids::train(&points, dim + 1, entries, iterations, &mut random)
                }
            };
            Group { centroids, longest }
        };
        let groups = parts.into_par_iter().enumerate().map(train).collect();
        Ok(Self { metric, dim, trained: training.end, groups })
    }

    /// Where the training keys end.
    pub(super) fn trained(&self) -> usize {
        self.trained
    }

    /// Codes of the keys `keys`, `[B, Hkv, M, n]` of `Uint8` on the device of the inputs.
    pub(super) fn encode(&self, inputs: &AttentionInputs<'_>, keys: Range<usize>) -> Result<Tensor> {
        let dims = inputs.dims();
        let parts = parts(inputs, keys.clone(), self.dim)?;
        let encode = |(points, group): (Vec<f32>, &Group)| match self.metric {
            PqMetric::Euclidean => group.centroids.nearest(&points),
            PqMetric::Ip => {
                let (early, late) =
                    points.split_at(self.trained.saturating_sub(keys.start).min(keys.len()) * self.dim);
                let more = |vector: &[f32]| (group.longest - squared(vector)).max(0.0).sqrt();
                let mut points = augmented(early, self.dim, more);
                points.extend(augmented(late, self.dim, |_| 0.0));
                group.centroids.nearest(&points)
            }
        };
        let codes: Vec<Vec<u8>> = parts.into_par_iter().zip(&self.groups).map(encode).collect();
        let size = [dims.batch, dims.kv_heads, dims.head_dim / self.dim, keys.len()].map(|size| size as i64);
        Ok(Tensor::f_from_slice(&codes.concat())?.f_view(size)?.f_to_device(inputs.device())?)
    }

    /// Centroids without the element that the metric added, `[B, Hkv, M, dim, C]` of `Float` on the device of the inputs.
    pub(super) fn tensor(&self, inputs: &AttentionInputs<'_>) -> Result<Tensor> {
        let dims = inputs.dims();
        let flat: Vec<f32> =
            self.groups.iter().flat_map(|group| group.centroids.columns(self.dim)).copied().collect();
        let size = [dims.batch, dims.kv_heads, dims.head_dim / self.dim, self.dim].map(|size| size as i64);
        let size = [size[0], size[1], size[2], size[3], -1];
        Ok(Tensor::f_from_slice(&flat)?.f_view(size)?.f_to_device(inputs.device())?)
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.groups.iter().map(|group| group.centroids.bytes() + 4).sum()
    }
}
