//! SOCKET: keys ranked by how likely a query's soft hash meets their bucket.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::heads::fold_queries;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{
    GrowingTensor, Prefix, RandomStream, add_top_k, code_kind, table_scores, unfold_scores,
};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::{LayerState, MaskerState};

const NAME: &str = "socket_top_k";

/// Keys that are hashed at once.
const BLOCK: usize = 4096;

fn default_planes() -> usize {
    4
}

fn default_tables() -> usize {
    1
}

fn default_tau() -> f64 {
    0.3
}

/// Parameters of the [`SocketMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketConfig {
    /// Keys to add; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Hyperplanes of a table, which has `2^K` buckets; from 1 to 12. `K` in files.
    #[serde(rename = "K", default = "default_planes")]
    pub planes: usize,
    /// Hash tables, from 1. `L` in files.
    #[serde(rename = "L", default = "default_tables")]
    pub tables: usize,
    /// Temperature of a query's distribution over buckets, above 0.
    #[serde(default = "default_tau")]
    pub tau: f64,
}

impl MaskerConfig for SocketConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "socket_top_k",
        about: "the keys in whose buckets the query most likely falls, times the length of their values",
        fields: &[
            FieldInfo::size("heavy_size"),
            FieldInfo::optional("K", "from 1 to 12", "4"),
            FieldInfo::optional("L", "at least 1", "1"),
            FieldInfo::optional("tau", "above 0", "0.3"),
        ],
        source: "SOCKET, arXiv 2602.06283",
        cost: "K L additions (K keys, L tables)",
        state: "L bytes (2 L above 8 planes) and 4 bytes, for each key/value head",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(SocketMasker::new(*self)?))
    }
}

/// Selects, for every head and query row, the keys in whose buckets the query most likely falls, weighted by the length of
/// their values.
///
#[doc = include_str!("../../docs/maskers/socket_top_k.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocketMasker {
    config: SocketConfig,
}

impl SocketMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: SocketConfig) -> Result<Self> {
        config.heavy_size.validate("heavy_size")?;
        if !(1..=12).contains(&config.planes) {
            return Err(Error::Field {
                field: "K",
                expected: "from 1 to 12",
                found: config.planes.to_string(),
            });
        }
        if config.tables == 0 {
            return Err(Error::Field { field: "L", expected: "at least 1", found: "0".to_owned() });
        }
        if !(config.tau > 0.0 && config.tau.is_finite()) {
            return Err(Error::Field { field: "tau", expected: "above 0", found: config.tau.to_string() });
        }
        Ok(Self { config })
    }

    fn new_state(&self, inputs: &AttentionInputs<'_>, seed: u64) -> Result<Buckets> {
        let (dims, SocketConfig { planes, tables, .. }) = (inputs.dims(), self.config);
        let device = inputs.device();
        let normals = RandomStream::new(seed, 0).normals(dims.head_dim * tables * planes);
        let normals =
            Tensor::f_from_slice(&normals)?.f_view([dims.head_dim as i64, (tables * planes) as i64])?;
        // The first plane of a table decides the highest bit of a bucket's number.
        let sign = |at: usize| {
            let (plane, bucket) = (at >> planes, at & ((1 << planes) - 1));
            if bucket >> (planes - 1 - plane) & 1 == 1 { 1.0_f32 } else { -1.0 }
        };
        let corners: Vec<f32> = (0..planes << planes).map(sign).collect();
        let corners = Tensor::f_from_slice(&corners)?.f_view([planes as i64, 1 << planes])?;
        let leading = [dims.batch, dims.kv_heads];
        Ok(Buckets {
            prefix: Prefix::of(inputs),
            planes: normals.f_to_device(device)?,
            corners: corners.f_to_device(device)?,
            tables: tables as i64,
            codes: GrowingTensor::new(&[leading[0], leading[1], tables], code_kind(planes), device)?,
            lengths: GrowingTensor::new(&leading, Kind::Float, device)?,
        })
    }
}

/// Buckets of the keys of one layer.
#[derive(Debug)]
struct Buckets {
    prefix: Prefix,
    /// `[D, L K]` of `Float`.
    planes: Tensor,
    /// Signs of every bucket, `[K, 2^K]` of `Float`.
    corners: Tensor,
    tables: i64,
    /// `[B, Hkv, L, keys]`.
    codes: GrowingTensor,
    /// Lengths of the values, `[B, Hkv, keys]` of `Float`.
    lengths: GrowingTensor,
}

impl Buckets {
    /// Projections of vectors `[B, Hkv, N, D]`: `[B, Hkv, N, L, K]`.
    fn project(&self, vectors: &Tensor) -> Result<Tensor> {
        let (batch, heads, count, _) = vectors.size4()?;
        let projected = vectors.f_to_kind(Kind::Float)?.f_matmul(&self.planes)?;
        Ok(projected.f_view([batch, heads, count, self.tables, -1])?)
    }

    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        for start in new.clone().step_by(BLOCK) {
            let end = new.end.min(start + BLOCK);
            let set = self.project(&inputs.keys_in(start..end)?)?.f_ge(0.0)?.f_to_kind(Kind::Float)?;
            let planes = self.corners.size()[0];
            let powers: Vec<f32> = (0..planes).rev().map(|bit| (1_i64 << bit) as f32).collect();
            let powers = Tensor::f_from_slice(&powers)?.f_to_device(inputs.device())?;
            self.codes.write(start, &set.f_matmul(&powers)?.f_transpose(-2, -1)?)?;
            let values = inputs.values_in(start..end)?.f_to_kind(Kind::Float)?;
            self.lengths.write(start, &values.f_norm_scalaropt_dim(2.0, [-1i64].as_slice(), false)?)?;
            self.prefix.set_keys(end);
        }
        Ok(())
    }

    /// `[B, H, rows, keys]`.
    fn scores(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>, tau: f64) -> Result<Tensor> {
        let queries = self.project(&fold_queries(inputs, rows.start, rows.len())?)?;
        let soft = queries.f_tanh()?.f_div_scalar((inputs.dims().head_dim as f64).sqrt() * tau)?;
        let tables = soft.f_matmul(&self.corners)?.f_softmax(-1, Kind::Float)?;
        let scores = table_scores(&tables, &self.codes)?.f_mul(&self.lengths.view()?.f_unsqueeze(2)?)?;
        unfold_scores(inputs.dims(), &scores, rows.len())
    }
}

impl MaskerState for Buckets {
    fn fork(&self) -> Box<dyn MaskerState> {
        Box::new(Self {
            prefix: self.prefix.clone(),
            planes: self.planes.shallow_clone(),
            corners: self.corners.shallow_clone(),
            tables: self.tables,
            codes: self.codes.fork(),
            lengths: self.lengths.fork(),
        })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.codes.truncate(keys);
            self.lengths.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.codes.bytes() + self.lengths.bytes() + 4 * (self.planes.numel() + self.corners.numel())
    }
}

impl Masker for SocketMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let heavy = self.config.heavy_size.of(dims.keys);
        if previous.is_full() || dims.keys <= heavy {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let seed = state.seed(0);
        let state = state.get_or_try_insert_with(|| self.new_state(inputs, seed))?;
        state.follow(inputs)?;
        add_top_k(inputs, previous, heavy, |rows| state.scores(inputs, rows, self.config.tau))
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::seeded::seeded;
    use crate::state::RequestState;

    fn floats(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double).contiguous().view([-1])).unwrap()
    }

    /// The rule, written out on the hyperplanes that were drawn.
    #[test]
    fn scores_are_soft_collisions_times_lengths() {
        let tensor = |heads, count| Tensor::randn([2, heads, count, 6], (Kind::Float, Device::Cpu));
        let (queries, keys, values) = seeded(1, || (tensor(4, 3), tensor(2, 50), tensor(2, 50)));
        let inputs = AttentionInputs::new(&queries, &keys, &values, 1.0).unwrap();
        for (planes, tables, tau) in [(4, 1, 0.3), (2, 5, 1.0), (9, 3, 0.05)] {
            let config = SocketConfig { heavy_size: Size::Count(7), planes, tables, tau };
            let mut buckets = SocketMasker::new(config).unwrap().new_state(&inputs, 3).unwrap();
            buckets.follow(&inputs).unwrap();
            let scores = buckets.scores(&inputs, 0..3, tau).unwrap();
            let plane = |at: usize| floats(&buckets.planes.select(1, at as i64));
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            for (b, h, i, j) in [(0, 0, 0, 0), (1, 3, 2, 49), (0, 2, 1, 17), (1, 1, 0, 30)] {
                let (query, key) =
                    (floats(&queries.get(b).get(h).get(i)), floats(&keys.get(b).get(h / 2).get(j)));
                let table = |table: usize| {
                    let signs: Vec<f64> = (0..planes)
                        .map(|p| if dot(&plane(table * planes + p), &key) >= 0.0 { 1.0 } else { -1.0 })
                        .collect();
                    let soft: Vec<f64> = (0..planes)
                        .map(|p| dot(&plane(table * planes + p), &query).tanh() / 6.0_f64.sqrt() / tau)
                        .collect();
                    // The softmax over all corners, by its sum over 2^K of them.
                    let corner = |c: usize| {
                        let sign = |p: usize| if c >> p & 1 == 1 { soft[p] } else { -soft[p] };
                        (0..planes).map(sign).sum::<f64>().exp()
                    };
                    dot(&soft, &signs).exp() / (0..1 << planes).map(corner).sum::<f64>()
                };
                let value = floats(&values.get(b).get(h / 2).get(j));
                let want = (0..tables).map(table).sum::<f64>() * dot(&value, &value).sqrt();
                let got = scores.double_value(&[b, h, i, j]);
                assert!((got - want).abs() < 1e-5 * want.max(1.0), "{planes} planes: {got} {want}");
            }
            let masker = SocketMasker::new(config).unwrap();
            let mut request = RequestState::new(0);
            let mut own = request.layer(0, 0);
            own.set(buckets);
            let empty = Mask::empty(inputs.dims().mask_shape());
            let weights = masker.select(&inputs, &mut own, empty).unwrap().to_dense(Device::Cpu).unwrap();
            let (row, taken) = (scores.select(2, 2), weights.select(2, 2));
            let worst = row.masked_fill(&taken.eq(0.0), f64::INFINITY).amin([-1i64].as_slice(), false);
            let best = row.masked_fill(&taken.gt(0.0), f64::NEG_INFINITY).amax([-1i64].as_slice(), false);
            assert!(worst.ge_tensor(&best).all().int64_value(&[]) == 1);
            assert_eq!(taken.sum(Kind::Int64).int64_value(&[]), 7 * 8);
        }
    }

    #[test]
    fn parameters_are_checked_and_have_defaults() {
        let config: SocketConfig = serde_json::from_str(r#"{"heavy_size": 7}"#).unwrap();
        assert_eq!((config.planes, config.tables), (4, 1));
        assert_eq!(serde_json::to_string(&config).unwrap(), r#"{"heavy_size":7,"K":4,"L":1,"tau":0.3}"#);
        let message = |config| SocketMasker::new(config).unwrap_err().to_string();
        assert_eq!(message(SocketConfig { planes: 13, ..config }), "K must be from 1 to 12, got 13");
        assert_eq!(message(SocketConfig { tables: 0, ..config }), "L must be at least 1, got 0");
        assert_eq!(message(SocketConfig { tau: 0.0, ..config }), "tau must be above 0, got 0");
    }
}
