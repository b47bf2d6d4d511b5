//! How many keys a masker's state describes, and of which request.

use std::ops::Range;

use tch::{Device, Kind};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;

/// The request that a masker's state belongs to, and how many of its keys the state describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Prefix {
    batch: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    value_dim: usize,
    kind: Kind,
    device: Device,
    keys: usize,
}

impl Prefix {
    /// No key of these inputs yet.
    #[must_use]
    pub fn of(inputs: &AttentionInputs<'_>) -> Self {
        let dims = inputs.dims();
        Self {
            batch: dims.batch,
            heads: dims.heads,
            kv_heads: dims.kv_heads,
            head_dim: dims.head_dim,
            value_dim: dims.value_dim,
            kind: inputs.kind(),
            device: inputs.device(),
            keys: 0,
        }
    }

    /// Number of keys that are described.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// The keys of `inputs` that are not described yet. Fails where the inputs are not a continuation of the same request.
    pub fn new_keys(&self, masker: &'static str, inputs: &AttentionInputs<'_>) -> Result<Range<usize>> {
        let found = Self { keys: self.keys, ..Self::of(inputs) };
        if found != *self {
            return Err(Error::StateMismatch {
                masker,
                remembered: self.describe(),
                found: found.describe(),
            });
        }
        let keys = inputs.dims().keys;
        if self.keys > keys {
            return Err(Error::StateAhead { masker, remembered: self.keys, keys });
        }
        Ok(self.keys..keys)
    }

    /// The first `keys` keys are described.
    pub fn set_keys(&mut self, keys: usize) {
        self.keys = keys;
    }

    fn describe(&self) -> String {
        let Self { batch, heads, kv_heads, head_dim, value_dim, kind, device, .. } = self;
        format!("[{batch}, {heads} over {kv_heads}, K, {head_dim} and {value_dim}] of {kind:?} on {device:?}")
    }
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn a_state_belongs_to_one_request() {
        let tensor = |heads, keys| Tensor::zeros([1, heads, keys, 4], (Kind::Float, Device::Cpu));
        let check = |heads, keys| {
            let (queries, keys) = (tensor(2, 1), tensor(heads, keys));
            let inputs = AttentionInputs::new(&queries, &keys, &keys, 1.0).unwrap();
            let mut prefix = Prefix::of(&AttentionInputs::new(&queries, &queries, &queries, 1.0).unwrap());
            prefix.set_keys(5);
            prefix.new_keys("mine", &inputs).map_err(|error| error.to_string())
        };
        assert_eq!(check(2, 7), Ok(5..7));
        assert_eq!(check(2, 5), Ok(5..5));
        assert_eq!(
            check(2, 4).unwrap_err(),
            "`mine` remembers 5 keys but there are 4; call RequestState::truncate when the KV cache is cut"
        );
        assert_eq!(
            check(1, 7).unwrap_err(),
            "`mine` remembers keys of [1, 2 over 2, K, 4 and 4] of Float on Cpu, got [1, 2 over 1, K, 4 and 4] of Float \
             on Cpu; a RequestState belongs to one request"
        );
    }
}
