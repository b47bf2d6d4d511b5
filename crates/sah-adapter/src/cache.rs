//! The keys and values of the tokens that a model has seen.

use tch::{Device, Kind, Tensor};

use crate::Error;

/// Keys and values of one sequence, layer by layer, in buffers allocated once.
///
/// Questions about one context share its entries: each question appends its own and [`KvCache::truncate`] takes them
/// away again, so the context is neither copied nor computed twice.
#[derive(Debug)]
pub(crate) struct KvCache {
    layers: Vec<Layer>,
    length: i64,
    capacity: i64,
    expected: usize,
}

/// `[1, Hkv, capacity, D]` each.
#[derive(Debug)]
struct Layer {
    keys: Tensor,
    values: Tensor,
}

/// What a cache's tensors look like.
#[derive(Clone, Debug)]
pub(crate) struct CacheShape {
    /// The device of each layer.
    pub(crate) layers: Vec<Device>,
    /// Hkv.
    pub(crate) kv_heads: i64,
    /// D.
    pub(crate) head_dim: i64,
}

impl KvCache {
    /// An empty cache with room for `capacity` tokens.
    pub(crate) fn new(shape: &CacheShape, capacity: usize, kind: Kind) -> Result<Self, Error> {
        let capacity = capacity as i64;
        let size = [1, shape.kv_heads, capacity, shape.head_dim];
        let layers = shape
            .layers
            .iter()
            .map(|&device| {
                Ok(Layer {
                    keys: Tensor::f_empty(size, (kind, device))?,
                    values: Tensor::f_empty(size, (kind, device))?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { layers, length: 0, capacity, expected: 0 })
    }

    /// Tokens in the cache.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// Tokens that it has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Memory of its buffers, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        self.layers.iter().map(|layer| bytes(&layer.keys) + bytes(&layer.values)).sum()
    }

    /// Announces a prompt of `length` tokens in all, of which the next ones are the beginning: models whose rotary
    /// embeddings depend on the length of the sequence treat them as if they came in one pass.
    pub(crate) fn expect(&mut self, length: usize) {
        self.expected = length;
    }

    /// What was announced; 0 where nothing was.
    pub(crate) fn expected_length(&self) -> usize {
        self.expected
    }

    /// Writes `[1, Hkv, Q, D]` new entries of one layer behind those of the cache and gives views of all of them,
    /// `[1, Hkv, K, D]`. The length changes only with [`KvCache::advance`], when all layers have written.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor), Error> {
        let new = keys.size()[2];
        let total = self.length + new;
        if total > self.capacity {
            return Err(Error::CacheFull { capacity: self.capacity as usize, needed: total as usize });
        }
        let layer = &self.layers[layer];
        layer.keys.f_narrow(2, self.length, new)?.f_copy_(keys)?;
        layer.values.f_narrow(2, self.length, new)?.f_copy_(values)?;
        Ok((layer.keys.f_narrow(2, 0, total)?, layer.values.f_narrow(2, 0, total)?))
    }

    /// Counts `new` tokens that every layer has appended.
    pub(crate) fn advance(&mut self, new: usize) {
        self.length += new as i64;
    }

    /// Forgets all tokens but the first `length`.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length as i64);
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{CacheShape, KvCache};

    fn cache(capacity: usize) -> KvCache {
        let shape = CacheShape { layers: vec![Device::Cpu; 2], kv_heads: 3, head_dim: 4 };
        KvCache::new(&shape, capacity, Kind::Float).unwrap()
    }

    fn entries(start: i64, count: i64) -> Tensor {
        let positions = Tensor::arange_start(start, start + count, (Kind::Float, Device::Cpu));
        positions.view([1, 1, count, 1]).expand([1, 3, count, 4], false)
    }

    #[test]
    fn a_question_sees_the_context_but_not_the_question_before_it() {
        let mut cache = cache(8);
        let _context = cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap();
        cache.advance(5);
        let _question = cache.append(0, &entries(10, 2), &entries(10, 2)).unwrap();
        cache.advance(2);
        cache.truncate(5);
        let (keys, _) = cache.append(0, &entries(20, 1), &entries(20, 1)).unwrap();
        let expected = Tensor::cat(&[entries(0, 5), entries(20, 1)], 2);
        assert!(keys.equal(&expected));
    }

    #[test]
    fn more_tokens_than_it_has_room_for_are_an_error() {
        let mut cache = cache(4);
        let error = cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap_err();
        assert!(error.to_string().contains('5'), "{error}");
    }
}
