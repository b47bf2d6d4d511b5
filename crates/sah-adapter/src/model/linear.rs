//! `y = x W^T + b`, the product that most of a model consists of.

use sah_attention::element::{Bf16, Element, F32};
use tch::{Device, Kind, Tensor};

use super::matvec::matvec;
use crate::Error;
use crate::weights::WeightPath;

/// A linear map, with or without bias.
#[derive(Debug)]
pub(super) struct Linear {
    /// `[out, in]`, contiguous.
    weight: Tensor,
    /// `[out]`.
    bias: Option<Tensor>,
}

impl Linear {
    /// The map of a weight `[out, in]` and a bias `[out]`.
    pub(super) fn new(weight: &Tensor, bias: Option<Tensor>) -> Result<Self, Error> {
        Ok(Self { weight: weight.f_contiguous()?, bias })
    }

    /// One or several projections of the same input, by name and number of outputs, stacked: their outputs stand one after
    /// another. Each has a tensor `weight`, and one `bias` where `bias`.
    pub(super) fn load(
        path: &WeightPath<'_>,
        parts: &[(&str, i64)],
        inputs: i64,
        bias: bool,
    ) -> Result<Self, Error> {
        let stack = |tensor: &dyn Fn(&WeightPath<'_>, i64) -> Result<Tensor, Error>| {
            let tensors: Vec<Tensor> = parts
                .iter()
                .map(|(name, outputs)| tensor(&path.pp(name), *outputs))
                .collect::<Result<_, _>>()?;
            match tensors.as_slice() {
                [tensor] => Ok::<_, Error>(tensor.shallow_clone()),
                tensors => Ok(Tensor::f_cat(tensors, 0)?),
            }
        };
        let weight = stack(&|path, outputs| path.tensor("weight", &[outputs, inputs]))?;
        let bias = bias.then(|| stack(&|path, outputs| path.tensor("bias", &[outputs]))).transpose()?;
        Self::new(&weight, bias)
    }

    /// Where it is.
    pub(super) fn device(&self) -> Device {
        self.weight.device()
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> i64 {
        self.weight.size()[0]
    }

    /// `x`: `[1, Q, in]`. Gives `[1, Q, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let inputs = self.weight.size()[1];
        let on_cpu = x.device() == Device::Cpu && self.weight.device() == Device::Cpu;
        if x.numel() as i64 == inputs && on_cpu && x.kind() == self.weight.kind() {
            match x.kind() {
                Kind::Float => return self.forward_one::<F32>(x),
                Kind::BFloat16 if inputs % 2 == 0 => return self.forward_one::<Bf16>(x),
                _ => {}
            }
        }
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?)
    }

    /// One row on the CPU, `[1, 1, in]`, of the kind of the weights, which are stored as `E`.
    #[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
    fn forward_one<E: Element>(&self, x: &Tensor) -> Result<Tensor, Error> {
        let row = x.f_to_kind(Kind::Float)?.f_contiguous()?;
        let rows = self.weight.size()[0];
        let mut output = Tensor::f_empty([1, 1, rows], (Kind::Float, Device::Cpu))?;
        let words = self.weight.numel() / E::PER_WORD;
        // SAFETY: the three tensors are contiguous on the CPU and own numel() values each, the weights of a kind of which
        // `E::PER_WORD` make a word, aligned for one as all of libtorch's memory; they live until the end of this function,
        // and nobody else knows `output`.
        let (weights, row, written) = unsafe {
            (
                std::slice::from_raw_parts(self.weight.data_ptr().cast::<E::Word>(), words),
                std::slice::from_raw_parts(row.data_ptr().cast::<f32>(), row.numel()),
                std::slice::from_raw_parts_mut(output.data_ptr().cast::<f32>(), rows as usize),
            )
        };
        matvec::<E>(weights, row, written, tch::get_num_threads() as usize);
        if let Some(bias) = &self.bias {
            output = output.f_add_(bias)?;
        }
        Ok(output.f_to_kind(x.kind())?)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::Linear;

    #[test]
    fn one_row_is_what_libtorch_gives_for_it() {
        // The error of one rounding to the kind; the sums are in f32.
        for (kind, bound) in [(Kind::Float, 1e-5), (Kind::Half, 2e-3), (Kind::BFloat16, 1e-2)] {
            for (inputs, biased) in [(96, false), (95, false), (96, true)] {
                let random = |size: &[i64]| Tensor::randn(size, (Kind::Float, Device::Cpu)).to_kind(kind);
                let (weight, bias) = (random(&[64, inputs]), biased.then(|| random(&[64])));
                let exact = |rows: &Tensor| {
                    let bias = bias.as_ref().map(|bias| bias.to_kind(Kind::Double));
                    rows.to_kind(Kind::Double).linear(&weight.to_kind(Kind::Double), bias.as_ref())
                };
                let rows = random(&[1, 5, inputs]);
                let exact = exact(&rows);
                let linear = Linear::new(&weight, bias).unwrap();
                for row in 0..5 {
                    let one = linear.forward(&rows.narrow(1, row, 1)).unwrap();
                    assert_eq!((one.kind(), one.size()), (kind, vec![1, 1, linear.outputs()]));
                    let one = one.to_kind(Kind::Double);
                    assert!(
                        one.allclose(&exact.narrow(1, row, 1), bound, bound, false),
                        "{kind:?} row {row}"
                    );
                }
            }
        }
    }
}
