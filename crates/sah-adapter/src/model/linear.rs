//! `y = x W^T + b`, the product that most of a model consists of.

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

    /// Number of outputs.
    pub(super) fn outputs(&self) -> i64 {
        self.weight.size()[0]
    }

    /// `x`: `[1, Q, in]`. Gives `[1, Q, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let one_row = x.numel() as i64 == self.weight.size()[1];
        let plain = |tensor: &Tensor| tensor.kind() == Kind::Float && tensor.device() == Device::Cpu;
        if one_row && plain(x) && plain(&self.weight) {
            let mut output = self.forward_one(&x.f_contiguous()?)?;
            return match &self.bias {
                None => Ok(output),
                Some(bias) => Ok(output.f_add_(bias)?),
            };
        }
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?)
    }

    /// One row in f32 on the CPU: `[1, 1, in]`, contiguous. Without the bias.
    #[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
    fn forward_one(&self, x: &Tensor) -> Result<Tensor, Error> {
        let rows = self.weight.size()[0];
        let output = Tensor::f_empty([1, 1, rows], (Kind::Float, Device::Cpu))?;
        // SAFETY: the three tensors are contiguous f32 on the CPU and own numel() values each; they live until the end
        // of this function, and nobody else knows `output`.
        let (weights, row, written) = unsafe {
            (
                std::slice::from_raw_parts(self.weight.data_ptr().cast::<f32>(), self.weight.numel()),
                std::slice::from_raw_parts(x.data_ptr().cast::<f32>(), x.numel()),
                std::slice::from_raw_parts_mut(output.data_ptr().cast::<f32>(), rows as usize),
            )
        };
        matvec(weights, row, written, tch::get_num_threads() as usize);
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::Linear;

    #[test]
    fn one_row_is_what_libtorch_gives_for_it() {
        let options = (Kind::Float, Device::Cpu);
        for bias in [None, Some(Tensor::randn([64], options))] {
            let linear = Linear::new(&Tensor::randn([64, 96], options), bias).unwrap();
            let rows = Tensor::randn([1, 5, 96], options);
            let all = linear.forward(&rows).unwrap();
            assert_eq!(all.size(), [1, 5, linear.outputs()]);
            for row in 0..5 {
                let one = linear.forward(&rows.narrow(1, row, 1)).unwrap();
                assert!(one.allclose(&all.narrow(1, row, 1), 1e-5, 1e-5, false), "row {row}");
            }
        }
    }

    #[test]
    fn other_kinds_go_through_libtorch() {
        let options = (Kind::BFloat16, Device::Cpu);
        let linear = Linear::new(&Tensor::randn([8, 32], options), None).unwrap();
        assert_eq!(linear.forward(&Tensor::randn([1, 1, 32], options)).unwrap().kind(), Kind::BFloat16);
    }
}
