//! The non-linear functions inside an MLP.

use sah_tensor::torch::rowwise;
use tch::Tensor;

use super::ConfigFile;
use crate::Error;

/// A function of single numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// `x * Phi(x)`, with the error function (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// The approximation of [`Self::Gelu`] by a hyperbolic tangent.
    GeluTanh,
    /// `min(x, limit) * sigmoid(alpha * min(x, limit))`; as a gate, of what is kept within `limit`, plus 1.
    ClampedSwish { alpha: f64, limit: f64 },
}

impl Activation {
    /// The function that `field` of a config names as Hugging Face does; `default` where the field is absent.
    pub(super) fn read(file: &ConfigFile<'_>, field: &str, default: &'static str) -> Self {
        match file.text(field, default) {
            "silu" | "swish" => Self::Silu,
            "gelu" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Self::GeluTanh,
            other => {
                file.unsupported(field, other, "silu, gelu, gelu_new, gelu_pytorch_tanh");
                Self::Silu
            }
        }
    }

    /// The function of each element.
    pub(super) fn forward(self, x: &Tensor) -> Result<Tensor, Error> {
        Ok(match self {
            Self::Silu => x.f_silu()?,
            Self::Gelu => x.f_gelu("none")?,
            Self::GeluTanh => x.f_gelu("tanh")?,
            Self::ClampedSwish { alpha, limit } => {
                let x = x.f_clamp_max(limit)?;
                x.f_mul(&x.f_mul_scalar(alpha)?.f_sigmoid()?)?
            }
        })
    }

    /// `act(gate) * up` of gates and ups side by side, `[1, Q, 2 width]`. Gives `[1, Q, width]`.
    pub(super) fn gate(self, both: Tensor) -> Result<Tensor, Error> {
        if self == Self::Silu && rowwise::is_plain(&both) {
            return Ok(rowwise::silu_gate(both)?);
        }
        let width = both.size()[2] / 2;
        let (gate, mut up) = (both.f_narrow(2, 0, width)?, both.f_narrow(2, width, width)?);
        if let Self::ClampedSwish { limit, .. } = self {
            up = up.f_clamp(-limit, limit)?.f_add_scalar_(1)?;
        }
        Ok(self.forward(&gate)?.f_mul_(&up)?)
    }
}
