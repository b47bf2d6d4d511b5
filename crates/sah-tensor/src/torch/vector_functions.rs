//! Functions of libtorch on the CPU, safe to call from several threads.

use std::sync::Once;

use tch::{Device, Kind, TchError, Tensor};

/// A function of libtorch of one tensor.
type Function = fn(&Tensor) -> Result<Tensor, TchError>;

/// Those that libtorch takes from oneMKL and this project calls.
const FUNCTIONS: [Function; 10] = [
    Tensor::f_acos,
    Tensor::f_cos,
    Tensor::f_erf,
    Tensor::f_exp,
    Tensor::f_expm1,
    Tensor::f_log,
    Tensor::f_log1p,
    Tensor::f_sin,
    Tensor::f_sqrt,
    Tensor::f_tanh,
];

/// Has libtorch choose its functions of many numbers (`exp`, `tanh`, `cos` and their like) once, before several threads call
/// them.
///
/// libtorch takes them from oneMKL, which chooses one for this processor at the first call of each. Two first calls at the same
/// time can run one of low accuracy, off by some thousand roundings, and say nothing
/// (<https://github.com/pytorch/pytorch/issues/188792>). Call this before the first of them; it costs nothing after that.
pub fn choose_vector_functions() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        for kind in [Kind::Float, Kind::Double] {
            // What fails here for want of memory fails again, and is reported, where it is needed.
            let Ok(x) = Tensor::f_full([1], 0.5, (kind, Device::Cpu)) else { continue };
            for function in FUNCTIONS {
                drop(function(&x));
            }
        }
    });
}
