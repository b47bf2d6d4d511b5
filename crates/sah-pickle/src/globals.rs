//! The classes and functions that a pickle may name. Each stands for a few lines in `machine.rs`; no other exists here.

use safetensors::Dtype;

/// A class or function of Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.storage._load_from_bytes`: a storage that was saved inside the pickle.
    LoadFromBytes,
    /// `torch.FloatStorage` and its like.
    Storage(Dtype),
}

impl Global {
    /// The one of this name, if it is allowed.
    pub(crate) fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch.storage", "_load_from_bytes") => Self::LoadFromBytes,
            ("torch", "FloatStorage") => Self::Storage(Dtype::F32),
            ("torch", "DoubleStorage") => Self::Storage(Dtype::F64),
            ("torch", "HalfStorage") => Self::Storage(Dtype::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Dtype::BF16),
            _ => return None,
        })
    }
}
