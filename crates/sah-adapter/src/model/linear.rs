//! `y = x W^T`, the product that most of a model consists of.

use tch::{Device, Kind, Tensor};

use super::matvec::matvec;
use crate::Error;

/// A linear map without bias.
#[derive(Debug)]
pub(super) struct Linear {
    /// `[out, in]`.
    weight: Tensor,
}

impl Linear {
    /// The map of one or several weights with the same input, stacked: their outputs stand one after another.
    pub(super) fn new(weights: &[Tensor]) -> Result<Self, Error> {
        let weight = match weights {
            [weight] => weight.f_contiguous()?,
            _ => Tensor::f_cat(weights, 0)?,
        };
        Ok(Self { weight })
    }

    /// `x`: `[1, Q, in]`. Gives `[1, Q, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let one_row = x.numel() as i64 == self.weight.size()[1];
        let plain = |tensor: &Tensor| tensor.kind() == Kind::Float && tensor.device() == Device::Cpu;
        if one_row && plain(x) && plain(&self.weight) {
            return self.forward_one(&x.f_contiguous()?);
        }
        Ok(x.f_linear(&self.weight, None::<&Tensor>)?)
    }

    /// One row in f32 on the CPU: `[1, 1, in]`, contiguous.
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
        let weights = [Tensor::randn([48, 96], options), Tensor::randn([16, 96], options)];
        let linear = Linear::new(&weights).unwrap();
        let rows = Tensor::randn([1, 5, 96], options);
        let all = linear.forward(&rows).unwrap();
        assert_eq!(all.size(), [1, 5, 64]);
        for row in 0..5 {
            let one = linear.forward(&rows.narrow(1, row, 1)).unwrap();
            assert!(one.allclose(&all.narrow(1, row, 1), 1e-5, 1e-5, false), "row {row}");
        }
    }

    #[test]
    fn other_kinds_go_through_libtorch() {
        let options = (Kind::BFloat16, Device::Cpu);
        let linear = Linear::new(&[Tensor::randn([8, 32], options)]).unwrap();
        assert_eq!(linear.forward(&Tensor::randn([1, 1, 32], options)).unwrap().kind(), Kind::BFloat16);
    }
}
