//! Rotary position embeddings (Su et al. 2021, arXiv 2104.09864), of the two halves of a head, as most models of Hugging Face have
//! them, or of neighbouring dimensions, as the paper does.
//!
//! Two kinds of scaling depend on how long the sequence is: `dynamic` and `longrope`. As in transformers' forward pass,
//! the length is that of the sequence at the end of the pass, and keys that are in the cache already keep the rotation
//! they were given. Tokens come with the length of the longest prompt of their request ([`NewTokens`](super::NewTokens)),
//! so that context and question are rotated alike, as if the prompt had been read in one pass.

mod config;
mod frequencies;
mod scaling;
#[cfg(test)]
mod testing;

use sah_tensor::rowwise::Pairs;
use sah_tensor::torch::rowwise;
use tch::{Device, Kind, Tensor};

use config::Growth;
pub(super) use config::{DefaultRope, Particular, RopeConfig};
use frequencies::frequencies;
use scaling::Scaling;

use crate::Error;

/// The rotary embeddings of a model.
#[derive(Debug)]
pub(super) struct Rope {
    config: RopeConfig,
    /// Of a sequence of one position, `[1, rotary_dim / 2]`, f32.
    short: Tensor,
    device: Device,
}

/// Cosines and sines for the positions of one forward pass, `[Q, 1, rotary_dim]` each in f32: they fit heads in
/// `[1, Q, H, D]`.
#[derive(Debug)]
pub(super) struct Rotation {
    cos: Tensor,
    sin: Tensor,
    pairs: Pairs,
    /// What queries are multiplied with after it, `[Q, 1]` in f32; nothing where that is 1 for all.
    query_factors: Option<Tensor>,
}

impl Rope {
    /// Those that each of `configs` describes.
    pub(super) fn all(configs: &[RopeConfig], device: Device) -> Result<Vec<Self>, Error> {
        configs.iter().map(|config| Self::new(config.clone(), device)).collect()
    }

    /// The embeddings that `config` describes.
    fn new(config: RopeConfig, device: Device) -> Result<Self, Error> {
        let short = angles(&config, 1, device)?;
        Ok(Self { config, short, device })
    }

    /// The rotation of `count` positions from `start` on, in a sequence of `length`.
    pub(super) fn at(&self, start: usize, count: usize, length: usize) -> Result<Rotation, Error> {
        let options = (Kind::Float, self.device);
        let positions =
            Tensor::f_arange_start(start as i64, (start + count) as i64, options)?.f_view([-1, 1])?;
        let angles = match self.config.scaling {
            Scaling::Dynamic { .. } | Scaling::LongRope { .. } => {
                positions.f_mul(&angles(&self.config, length, self.device)?)?
            }
            _ => positions.f_mul(&self.short)?,
        };
        let pairs = self.config.pairs;
        let angles = match pairs {
            Pairs::Halves => Tensor::f_cat(&[&angles, &angles], -1)?,
            Pairs::Neighbours => angles.f_repeat_interleave_self_int(2, -1, None)?,
        };
        let angles = angles.f_unsqueeze(1)?;
        let (mut cos, mut sin) = (angles.f_cos()?, angles.f_sin()?);
        if let Some(factor) = self.config.attention_factor() {
            (cos, sin) = (cos.f_mul_scalar_(factor)?, sin.f_mul_scalar_(factor)?);
        }
        Ok(Rotation { cos, sin, pairs, query_factors: self.query_factors(start, count)? })
    }
}

impl Rope {
    /// How much longer queries get at `count` positions from `start` on.
    fn query_factors(&self, start: usize, count: usize) -> Result<Option<Tensor>, Error> {
        let Some(Growth { beta, every }) = self.config.growth else { return Ok(None) };
        if ((start + count) as f64) <= every {
            return Ok(None);
        }
        let factor = |position: usize| 1.0 + beta * (1.0 + (position as f64 / every).floor()).ln();
        let factors: Vec<f32> = (start..start + count).map(|position| factor(position) as f32).collect();
        Ok(Some(Tensor::f_from_slice(&factors)?.f_view([-1, 1])?.f_to_device(self.device)?))
    }
}

/// Angle per position in a sequence of `length`, `[1, rotary_dim / 2]`, f32.
fn angles(config: &RopeConfig, length: usize, device: Device) -> Result<Tensor, Error> {
    Ok(Tensor::f_from_slice(&frequencies(config, length)?)?.f_view([1, -1])?.f_to_device(device)?)
}

impl Rotation {
    /// Those of several positions, one after another.
    pub(super) fn joined(rotations: &[Self]) -> Result<Self, Error> {
        let join =
            |part: fn(&Self) -> &Tensor| Tensor::f_cat(&rotations.iter().map(part).collect::<Vec<_>>(), 0);
        let pairs = rotations.first().map_or(Pairs::Halves, |rotation| rotation.pairs);
        let (cos, sin) = (join(|rotation| &rotation.cos)?, join(|rotation| &rotation.sin)?);
        if rotations.iter().all(|rotation| rotation.query_factors.is_none()) {
            return Ok(Self { cos, sin, pairs, query_factors: None });
        }
        let factors = |rotation: &Self| match &rotation.query_factors {
            Some(factors) => Ok(factors.shallow_clone()),
            None => Tensor::f_ones([rotation.cos.size()[0], 1], (Kind::Float, cos.device())),
        };
        let factors = rotations.iter().map(factors).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { cos, sin, pairs, query_factors: Some(Tensor::f_cat(&factors, 0)?) })
    }

    /// The one that takes this back, which may have made vectors longer, too.
    pub(super) fn inverse(&self) -> Result<Self, Error> {
        let square = self.cos.f_square()?.f_add(&self.sin.f_square()?)?;
        let (cos, sin) = (self.cos.f_div(&square)?, self.sin.f_neg()?.f_div(&square)?);
        Ok(Self { cos, sin, pairs: self.pairs, query_factors: None })
    }

    /// What queries are multiplied with after they were rotated, `[Q, 1]`.
    pub(super) fn query_factors(&self) -> Option<&Tensor> {
        self.query_factors.as_ref()
    }

    /// What becomes of queries: the rotation with their factors in it.
    pub(super) fn of_queries(&self) -> Result<Self, Error> {
        let (cos, sin) = match &self.query_factors {
            None => (self.cos.shallow_clone(), self.sin.shallow_clone()),
            Some(factors) => {
                let factors = factors.f_unsqueeze(-1)?;
                (self.cos.f_mul(&factors)?, self.sin.f_mul(&factors)?)
            }
        };
        Ok(Self { cos, sin, pairs: self.pairs, query_factors: None })
    }

    /// The mean over its positions, as one position.
    pub(super) fn mean(&self) -> Result<Self, Error> {
        let mean = |part: &Tensor| part.f_mean_dim([0i64].as_slice(), true, Kind::Float);
        Ok(Self { cos: mean(&self.cos)?, sin: mean(&self.sin)?, pairs: self.pairs, query_factors: None })
    }

    /// The same on another device.
    pub(super) fn to_device(&self, device: Device) -> Result<Self, Error> {
        let (cos, sin) = (self.cos.f_to_device(device)?, self.sin.f_to_device(device)?);
        let query_factors =
            self.query_factors.as_ref().map(|factors| factors.f_to_device(device)).transpose()?;
        Ok(Self { cos, sin, pairs: self.pairs, query_factors })
    }

    /// Rotates the first `rotary_dim` dimensions of `heads`, `[1, Q, H, D]`: of each pair, `(a cos - b sin, b cos + a sin)`. Gives
    /// the same shape in f32.
    pub(super) fn apply(&self, heads: &Tensor) -> Result<Tensor, Error> {
        let heads = heads.f_to_kind(Kind::Float)?;
        let (dim, rotary) = (heads.size()[3], self.cos.size()[2]);
        if rotary == dim {
            return self.rotate(&heads);
        }
        let rotated = self.rotate(&heads.f_narrow(3, 0, rotary)?)?;
        Ok(Tensor::f_cat(&[rotated, heads.f_narrow(3, rotary, dim - rotary)?], 3)?)
    }

    /// The same in place, of the first `count` heads of [plain](rowwise::is_plain) rows.
    pub(super) fn apply_in_place(&self, heads: &mut Tensor, count: i64, dim: i64) -> Result<(), Error> {
        let (count, dim) = (count as usize, dim as usize);
        Ok(rowwise::rotate_heads(heads, count, dim, self.pairs, (&self.cos, &self.sin))?)
    }

    fn rotate(&self, heads: &Tensor) -> Result<Tensor, Error> {
        let (_, rows, count, dim) = heads.size4()?;
        let turned = match self.pairs {
            Pairs::Halves => {
                let (first, second) = (heads.f_narrow(3, 0, dim / 2)?, heads.f_narrow(3, dim / 2, dim / 2)?);
                Tensor::f_cat(&[&second.f_neg()?, &first], 3)?
            }
            Pairs::Neighbours => {
                let pairs = heads.f_reshape([1, rows, count, dim / 2, 2])?;
                let (first, second) = (pairs.f_select(4, 0)?, pairs.f_select(4, 1)?);
                Tensor::f_stack(&[&second.f_neg()?, &first], 4)?.f_view([1, rows, count, dim])?
            }
        };
        Ok(heads.f_mul(&self.cos)?.f_addcmul_(&turned, &self.sin)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tch::{Device, Kind, Tensor};

    use super::Rope;
    use super::testing::read;

    fn rope(mut config: Value) -> Rope {
        config["max_position_embeddings"] = json!(100);
        Rope::new(read(&config, 8).unwrap(), Device::Cpu).unwrap()
    }

    fn heads() -> Tensor {
        Tensor::randn([1, 3, 2, 8], (Kind::Float, Device::Cpu))
    }

    #[test]
    fn a_rotation_keeps_lengths_and_position_zero() {
        let heads = heads();
        let rotated = rope(json!({})).at(0, 3, 3).unwrap().apply(&heads).unwrap();
        assert!(rotated.select(1, 0).equal(&heads.select(1, 0)));
        let norm = |x: &Tensor| x.square().sum_dim_intlist([3i64].as_slice(), false, Kind::Float);
        assert!(norm(&rotated).allclose(&norm(&heads), 1e-5, 1e-5, false));
    }

    #[test]
    fn a_partial_rotation_leaves_the_rest_alone() {
        let heads = heads();
        let rotated =
            rope(json!({"partial_rotary_factor": 0.5})).at(7, 3, 10).unwrap().apply(&heads).unwrap();
        assert!(rotated.narrow(3, 4, 4).equal(&heads.narrow(3, 4, 4)));
        assert!(!rotated.narrow(3, 0, 4).allclose(&heads.narrow(3, 0, 4), 1e-2, 1e-2, false));
    }

    #[test]
    fn an_attention_factor_lengthens_what_is_rotated() {
        let heads = heads();
        let scaling = json!({"type": "yarn", "factor": 4.0, "attention_factor": 2.0});
        let rotated = rope(json!({"rope_scaling": scaling})).at(0, 3, 3).unwrap().apply(&heads).unwrap();
        assert!(rotated.select(1, 0).equal(&(heads.select(1, 0) * 2.0)));
    }

    #[test]
    fn an_inverse_takes_a_rotation_back() {
        let heads = heads();
        let scaling = json!({"type": "yarn", "factor": 4.0, "attention_factor": 2.0});
        for config in [json!({"rope_scaling": scaling}), json!({"partial_rotary_factor": 0.5})] {
            let rotation = rope(config).at(7, 3, 10).unwrap();
            let back = rotation.inverse().unwrap().apply(&rotation.apply(&heads).unwrap()).unwrap();
            assert!(back.allclose(&heads, 1e-5, 1e-5, false));
        }
    }

    #[test]
    fn a_mean_rotation_gives_the_mean_of_what_is_rotated() {
        let rotation = rope(json!({})).at(2, 5, 7).unwrap();
        let vector = Tensor::randn([1, 1, 1, 8], (Kind::Float, Device::Cpu));
        let each = rotation.apply(&vector.expand([1, 5, 1, 8], false)).unwrap();
        let mean = each.mean_dim([1i64].as_slice(), true, Kind::Float);
        assert!(rotation.mean().unwrap().apply(&vector).unwrap().allclose(&mean, 1e-5, 1e-5, false));
    }

    #[test]
    fn the_announced_length_decides_the_rotation_where_it_matters() {
        let scaling = json!({"type": "dynamic", "factor": 2.0});
        let cos = |config: Value, length| rope(config).at(5, 1, length).unwrap().cos;
        let dynamic = json!({"rope_scaling": scaling});
        assert!(cos(dynamic.clone(), 6).equal(&cos(dynamic.clone(), 100)));
        assert!(!cos(dynamic.clone(), 6).equal(&cos(dynamic, 150)));
        assert!(cos(json!({}), 6).equal(&cos(json!({}), 150)));
    }
}
