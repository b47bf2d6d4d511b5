//! Tensors on the host, in place: a copy of what is large takes as long as what is done with it.

use tch::{Device, Kind, TchError, Tensor};

/// The elements of a contiguous f32 tensor on the CPU.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub fn floats(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.device() == Device::Cpu && tensor.kind() == Kind::Float);
    // SAFETY: the tensor owns numel() f32 in one piece and is borrowed for as long as the slice; who borrows it writes to none
    // of its views meanwhile.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// A new f32 tensor on the CPU. `write` gets its elements, whatever they are, and writes all of them.
#[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
pub fn written(size: [i64; 4], write: impl FnOnce(&mut [f32])) -> Result<Tensor, TchError> {
    let tensor = Tensor::f_empty(size, (Kind::Float, Device::Cpu))?;
    // SAFETY: the tensor was made here, owns numel() f32 in one piece, outlives the slice, and nobody else knows it yet.
    write(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) });
    Ok(tensor)
}
