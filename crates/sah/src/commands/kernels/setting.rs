//! One setting to measure: the heads of a model over a cache of one length.

use tch::{Device, Kind, Tensor};

use crate::args::HeadsArg;

/// Heads, keys and query rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Setting {
    pub(super) heads: HeadsArg,
    /// Keys, `K`.
    pub(super) keys: usize,
    /// Query rows, `Q`: 1 when a token is decoded.
    pub(super) rows: usize,
}

/// Random tensors of a [`Setting`].
#[derive(Debug)]
pub(super) struct Tensors {
    /// `[1, H, Q, D]`.
    pub(super) queries: Tensor,
    /// `[1, Hkv, K, D]`.
    pub(super) keys: Tensor,
    /// `[1, Hkv, K, D]`.
    pub(super) values: Tensor,
}

impl HeadsArg {
    /// As on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SmolLm2 => "smollm2-135m",
            Self::Llama3 => "llama-3-8b",
            Self::Qwen2 => "qwen2.5-7b",
            Self::Phi3 => "phi-3-mini",
        }
    }

    /// Query heads, key/value heads and their dimension.
    pub(super) fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::SmolLm2 => (9, 3, 64),
            Self::Llama3 => (32, 8, 128),
            Self::Qwen2 => (28, 4, 128),
            Self::Phi3 => (32, 32, 96),
        }
    }
}

impl Setting {
    /// Name of its folder among criterion's.
    pub(super) fn name(&self) -> String {
        format!("{}_{}_keys_{}_rows", self.heads.name(), self.keys, self.rows)
    }

    pub(super) fn tensors(&self, kind: Kind, device: Device) -> anyhow::Result<Tensors> {
        let (heads, kv_heads, dim) = self.heads.sizes();
        let random = |heads, count| {
            Tensor::f_randn([1, heads, count, dim].map(|size| size as i64), (Kind::Float, device))?
                .f_to_kind(kind)
        };
        Ok(Tensors {
            queries: random(heads, self.rows)?,
            keys: random(kv_heads, self.keys)?,
            values: random(kv_heads, self.keys)?,
        })
    }

    /// Bytes of keys and values.
    pub(super) fn cache_bytes(&self, element: usize) -> f64 {
        let (_, kv_heads, dim) = self.heads.sizes();
        (2 * kv_heads * self.keys * dim * element) as f64
    }

    /// Share of the keys of a key/value head that its group reads where each of its query heads reads `share`, chosen
    /// apart.
    pub(super) fn share_of_group(&self, share: f64) -> f64 {
        let (heads, kv_heads, _) = self.heads.sizes();
        1.0 - (1.0 - share).powi((heads / kv_heads) as i32)
    }
}
