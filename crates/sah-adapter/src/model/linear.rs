//! `y = x W^T`, the product that most of a model consists of.

use tch::{Device, Kind, Tensor};

use super::matvec::{Bf16, F32, Format, matvec};
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
        let inputs = self.weight.size()[1];
        let on_cpu = x.device() == Device::Cpu && self.weight.device() == Device::Cpu;
        if x.numel() as i64 == inputs && on_cpu && x.kind() == self.weight.kind() {
            match x.kind() {
                Kind::Float => return self.forward_one::<F32>(x),
                Kind::BFloat16 if inputs % 2 == 0 => return self.forward_one::<Bf16>(x),
                _ => {}
            }
        }
        Ok(x.f_linear(&self.weight, None::<&Tensor>)?)
    }

    /// One row on the CPU, `[1, 1, in]`, of the kind of the weights, which are stored as `F`.
    #[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
    fn forward_one<F: Format>(&self, x: &Tensor) -> Result<Tensor, Error> {
        let row = x.f_to_kind(Kind::Float)?.f_contiguous()?;
        let rows = self.weight.size()[0];
        let output = Tensor::f_empty([1, 1, rows], (Kind::Float, Device::Cpu))?;
        let words = self.weight.numel() / F::VALUES;
        // SAFETY: the three tensors are contiguous on the CPU and own numel() values each, the weights of a kind of which
        // `F::VALUES` make a word, aligned for one as all of libtorch's memory; they live until the end of this function,
        // and nobody else knows `output`.
        let (weights, row, written) = unsafe {
            (
                std::slice::from_raw_parts(self.weight.data_ptr().cast::<F::Word>(), words),
                std::slice::from_raw_parts(row.data_ptr().cast::<f32>(), row.numel()),
                std::slice::from_raw_parts_mut(output.data_ptr().cast::<f32>(), rows as usize),
            )
        };
        matvec::<F>(weights, row, written, tch::get_num_threads() as usize);
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
            for inputs in [96, 95] {
                let options = (Kind::Float, Device::Cpu);
                let random = |size: [i64; 2]| Tensor::randn(size, options).to_kind(kind);
                let linear = Linear::new(&[random([48, inputs]), random([16, inputs])]).unwrap();
                let rows = random([5, inputs]).unsqueeze(0);
                let exact = rows.to_kind(Kind::Double).matmul(&linear.weight.to_kind(Kind::Double).tr());
                for row in 0..5 {
                    let one = linear.forward(&rows.narrow(1, row, 1)).unwrap();
                    assert_eq!((one.kind(), one.size()), (kind, vec![1, 1, 64]));
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
