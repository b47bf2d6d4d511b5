//! Normalisation of the residual stream and of heads. Computed in f32 whatever the kind of the input.

use sah_tensor::torch::{as_kind, rowwise};
use tch::{Kind, Tensor};

use super::dims::HeadDims;
use crate::Error;
use crate::weights::WeightPath;

/// A normalisation over the last dimension.
#[derive(Debug)]
pub(super) enum Norm {
    /// Root mean square (Zhang and Sennrich 2019, arXiv 1910.07467): `x / sqrt(mean(x^2) + eps) * weight`.
    Rms { weight: Tensor, eps: f64 },
    /// Layer normalisation (Ba et al. 2016, arXiv 1607.06450): `(x - mean(x)) / sqrt(var(x) + eps) * weight + bias`.
    Layer { weight: Tensor, bias: Option<Tensor>, eps: f64 },
}

impl Norm {
    /// RMS normalisation by the tensor `weight`, `[size]`.
    pub(super) fn rms(path: &WeightPath<'_>, size: i64, eps: f64) -> Result<Self, Error> {
        Ok(Self::Rms { weight: path.tensor("weight", &[size])?, eps })
    }

    /// RMS normalisation by `1 + weight`, as Gemma stores it.
    pub(super) fn rms_one_plus(path: &WeightPath<'_>, size: i64, eps: f64) -> Result<Self, Error> {
        Ok(Self::Rms { weight: one_plus(&path.tensor("weight", &[size])?)?, eps })
    }

    /// Layer normalisation by the tensors `weight` and `bias`, `[size]`.
    pub(super) fn layer(path: &WeightPath<'_>, size: i64, eps: f64) -> Result<Self, Error> {
        let bias = Some(path.tensor("bias", &[size])?);
        Ok(Self::Layer { weight: path.tensor("weight", &[size])?, bias, eps })
    }

    /// Layer normalisation by the tensor `weight`, `[size]`, alone.
    pub(super) fn layer_without_bias(path: &WeightPath<'_>, size: i64, eps: f64) -> Result<Self, Error> {
        Ok(Self::Layer { weight: path.tensor("weight", &[size])?, bias: None, eps })
    }

    /// `x`: `[.., size]`. Gives the same shape and kind.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Rms { weight, eps } if rowwise::is_plain(x) => {
                Ok(rowwise::rms_norm(x, &as_kind(weight, Kind::Float)?, *eps)?)
            }
            Self::Rms { weight, eps } => {
                // The weight may be f32 beside a half-precision input; libtorch wants one kind.
                let x_of_weight = x.f_to_kind(weight.kind())?;
                Ok(x_of_weight.f_rms_norm(weight.size(), Some(weight), *eps)?.f_to_kind(x.kind())?)
            }
            Self::Layer { weight, bias, eps } => {
                Ok(x.f_layer_norm(weight.size(), Some(weight), bias.as_ref(), *eps, true)?)
            }
        }
    }
}

/// When queries and keys are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    BeforeRotation,
    AfterRotation,
}

/// RMS normalisation of queries and keys.
#[derive(Debug)]
pub(super) enum HeadNorm {
    /// Each head by itself, with one weight for all query heads and one for all key heads: `[H + Hkv, D]`, f32. Where values are
    /// normalised too, their weight of ones is there as well: `[H + 2 Hkv, D]`; where a layer has no keys of its own, that of queries
    /// alone: `[H, D]`.
    Each { weight: Tensor, eps: f64, when: When, values: bool },
    /// All query heads as one vector, `[H D]`, and all key heads, `[Hkv D]`; f32.
    Together { queries: Tensor, keys: Tensor, eps: f64 },
}

impl HeadNorm {
    /// Of each head, by the tensors `q_norm.weight` and `k_norm.weight`, `[D]` each; by `1 + weight` where `is_one_plus`.
    pub(super) fn each(
        path: &WeightPath<'_>,
        heads: &HeadDims,
        eps: f64,
        is_one_plus: bool,
    ) -> Result<Self, Error> {
        let weight = of_heads(path, heads, ["q_norm", "k_norm"], is_one_plus)?;
        Ok(Self::Each { weight, eps, when: When::BeforeRotation, values: false })
    }

    /// Of each head, by the tensors `q_norm.weight` and `k_norm.weight`, and of values without a weight.
    pub(super) fn each_and_values(path: &WeightPath<'_>, heads: &HeadDims, eps: f64) -> Result<Self, Error> {
        let weight = of_heads(path, heads, ["q_norm", "k_norm"], false)?;
        let ones = weight.f_ones_like()?.f_narrow(0, 0, heads.kv)?;
        let weight = Tensor::f_cat(&[weight, ones], 0)?;
        Ok(Self::Each { weight, eps, when: When::BeforeRotation, values: true })
    }

    /// Of each query head alone, by the tensor `q_norm.weight`.
    pub(super) fn each_query(path: &WeightPath<'_>, heads: &HeadDims, eps: f64) -> Result<Self, Error> {
        let weight = of_each(path, "q_norm", [heads.query, heads.dim], false)?.f_contiguous()?;
        Ok(Self::Each { weight, eps, when: When::BeforeRotation, values: false })
    }

    /// The same after rotation, by the tensors `query_layernorm.weight` and `key_layernorm.weight`.
    pub(super) fn each_rotated(path: &WeightPath<'_>, heads: &HeadDims, eps: f64) -> Result<Self, Error> {
        let weight = of_heads(path, heads, ["query_layernorm", "key_layernorm"], false)?;
        Ok(Self::Each { weight, eps, when: When::AfterRotation, values: false })
    }

    /// When it is applied.
    pub(super) fn when(&self) -> When {
        match self {
            Self::Each { when, .. } => *when,
            Self::Together { .. } => When::BeforeRotation,
        }
    }

    /// Whether it is of values, too.
    pub(super) fn has_values(&self) -> bool {
        matches!(self, Self::Each { values: true, .. })
    }

    /// Of all heads together, by the tensors of the same names, `[H D]` and `[Hkv D]`.
    pub(super) fn together(path: &WeightPath<'_>, heads: &HeadDims, eps: f64) -> Result<Self, Error> {
        let load = |name: &str, width: i64| -> Result<Tensor, Error> {
            Ok(path.pp(name).tensor("weight", &[width])?.f_to_kind(Kind::Float)?)
        };
        let (queries, keys) = (load("q_norm", heads.query_width())?, load("k_norm", heads.kv_width())?);
        Ok(Self::Together { queries, keys, eps })
    }

    /// `heads`: query heads, then key heads, `[1, Q, H + Hkv, D]`, then value heads where it is of them. Gives the same shape in f32.
    pub(super) fn forward(&self, heads: &Tensor) -> Result<Tensor, Error> {
        let (_, rows, _, dim) = heads.size4()?;
        let heads = heads.f_to_kind(Kind::Float)?;
        match self {
            Self::Each { weight, eps, .. } => {
                Ok(heads.f_rms_norm([dim], None::<&Tensor>, *eps)?.f_mul(weight)?)
            }
            Self::Together { .. } => {
                let mut flat = heads.f_reshape([1, rows, -1])?.copy();
                self.forward_in_place(&mut flat)?;
                Ok(flat.f_view([1, rows, -1, dim])?)
            }
        }
    }

    /// The same in place, of [plain](rowwise::is_plain) rows `[1, Q, ..]` that may have more heads.
    pub(super) fn forward_in_place(&self, heads: &mut Tensor) -> Result<(), Error> {
        match self {
            Self::Each { weight, eps, .. } => Ok(rowwise::rms_norm_heads(heads, weight, *eps)?),
            Self::Together { queries, keys, eps } => {
                let mut first = 0;
                for weight in [queries, keys] {
                    let width = weight.size()[0];
                    let mut part = heads.f_narrow(2, first, width)?;
                    let normed = part.f_rms_norm([width], Some(weight), *eps)?;
                    part.f_copy_(&normed)?;
                    first += width;
                }
                Ok(())
            }
        }
    }
}

/// The weights of all query heads and all key heads, which are those of two tensors.
fn of_heads(
    path: &WeightPath<'_>,
    heads: &HeadDims,
    [queries, keys]: [&str; 2],
    is_one_plus: bool,
) -> Result<Tensor, Error> {
    let load = |name: &str, count: i64| of_each(path, name, [count, heads.dim], is_one_plus);
    Ok(Tensor::f_cat(&[load(queries, heads.query)?, load(keys, heads.kv)?], 0)?)
}

/// The weight of one tensor for each of `count` heads, `[count, dim]` in f32.
fn of_each(
    path: &WeightPath<'_>,
    name: &str,
    [count, dim]: [i64; 2],
    is_one_plus: bool,
) -> Result<Tensor, Error> {
    let weight = path.pp(name).tensor("weight", &[dim])?;
    let weight = if is_one_plus { one_plus(&weight)? } else { weight.f_to_kind(Kind::Float)? };
    Ok(weight.f_expand([count, dim], false)?)
}

/// `1 + weight`, in f32: bf16 has no number between 1 and 1.0078.
fn one_plus(weight: &Tensor) -> Result<Tensor, Error> {
    Ok(weight.f_to_kind(Kind::Float)?.f_add_scalar(1.0)?)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::Norm;

    fn close(norm: &Norm, x: &Tensor, want: &Tensor, bound: f64) {
        let got = norm.forward(x).unwrap();
        assert_eq!(got.kind(), x.kind());
        let difference = (got.to_kind(Kind::Double) - want).abs().max().double_value(&[]);
        assert!(difference < bound, "{norm:?}: {difference}");
    }

    #[test]
    fn the_formulas_hold_and_half_precision_rounds_once() {
        tch::manual_seed(1);
        let x = Tensor::randn([1, 5, 64], (Kind::Float, Device::Cpu)) * 3.0;
        let weight = Tensor::randn([64], (Kind::Float, Device::Cpu));
        let bias = Tensor::randn([64], (Kind::Float, Device::Cpu));
        for (kind, bound) in [(Kind::Float, 1e-5), (Kind::BFloat16, 0.04)] {
            let x = x.to_kind(kind);
            let exact = x.to_kind(Kind::Double);
            // The weight keeps its f32 precision also for bf16 inputs.
            let (w, b) = (weight.to_kind(Kind::Double), bias.to_kind(Kind::Double));
            let mean_square = exact.square().mean_dim([2i64].as_slice(), true, Kind::Double);
            let want = &exact / (mean_square + 1e-5).sqrt() * &w;
            close(&Norm::Rms { weight: weight.shallow_clone(), eps: 1e-5 }, &x, &want, bound);

            let centred = &exact - exact.mean_dim([2i64].as_slice(), true, Kind::Double);
            let variance = centred.square().mean_dim([2i64].as_slice(), true, Kind::Double);
            let (weight, bias) = (weight.to_kind(kind), bias.to_kind(kind));
            let want = centred / (variance + 1e-5).sqrt() * weight.to_kind(Kind::Double) + &b;
            close(&Norm::Layer { weight, bias: Some(bias), eps: 1e-5 }, &x, &want, bound);
        }
    }
}
