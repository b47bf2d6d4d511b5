//! What a machine allows at best for a model: its arithmetic and its memory, measured in the same run.

use std::collections::BTreeMap;

use sah_adapter::{AttentionSize, ModelSizes};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

use crate::args::PrecisionArgs;
use crate::machine;

/// The machine's speed, measured in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Speed {
    /// Tokens of the context that was measured in this round.
    pub(super) context: usize,
    /// From 1.
    pub(super) round: u32,
    /// Floating point operations a second of libtorch's matrix products with the model's weights, by precision.
    pub(super) product_flops: BTreeMap<String, f64>,
    /// Bytes a second that all threads read from memory; `None` where the model is not on the CPU.
    pub(super) memory_bandwidth: Option<f64>,
}

impl Speed {
    /// Measures products in f32 and in every one of `precisions`.
    pub(super) fn measure(
        (context, round): (usize, u32),
        sizes: &ModelSizes,
        precisions: &[PrecisionArgs],
        device: Device,
    ) -> anyhow::Result<Self> {
        let kinds = precisions.iter().map(|precision| (precision.dtype.name(), precision.dtype.kind()));
        let kinds: BTreeMap<&str, Kind> = kinds.chain([("f32", Kind::Float)]).collect();
        let product_flops = kinds
            .into_iter()
            .map(|(name, kind)| Ok((name.to_owned(), machine::product_speed(&sizes.products, kind, device)?)))
            .collect::<anyhow::Result<_>>()?;
        let threads = tch::get_num_threads() as usize;
        let memory_bandwidth = (device == Device::Cpu).then(|| machine::memory_bandwidth(threads));
        Ok(Self { context, round, product_flops, memory_bandwidth })
    }

    /// Operations a second in f32 or in `precision`, whichever is faster: weights can be converted on the way.
    fn flops(&self, precision: PrecisionArgs) -> f64 {
        let of = |name: &str| self.product_flops.get(name).copied().unwrap_or_default();
        of("f32").max(of(precision.dtype.name()))
    }

    /// Seconds for reading a context of `tokens`.
    pub(super) fn prefill(&self, sizes: &ModelSizes, precision: PrecisionArgs, tokens: usize) -> f64 {
        prefill_operations(sizes, tokens) / self.flops(precision)
    }

    /// Seconds to decode a token after a context of `tokens`, of whose keys a share of `density` is read.
    pub(super) fn decode(&self, sizes: &ModelSizes, tokens: usize, density: f64) -> Option<f64> {
        Some((sizes.weight_bytes as f64 + density * cache_bytes(sizes, tokens)) / self.memory_bandwidth?)
    }

    /// Seconds for reading a context once, and `steps` times the weights and the context's keys, once for all questions.
    pub(super) fn shared(
        &self,
        sizes: &ModelSizes,
        precision: PrecisionArgs,
        (tokens, density): (usize, f64),
        steps: usize,
    ) -> Option<f64> {
        let decode = self.decode(sizes, tokens, density)?;
        Some(self.prefill(sizes, precision, tokens) + steps as f64 * decode)
    }
}

/// Floating point operations for reading `tokens`: `2 * values * tokens` for the products, the head for one position, and
/// `2 * H * (D + Dv)` in each layer for each pair of a query and a key that it reads, without a window half of all pairs.
pub(super) fn prefill_operations(sizes: &ModelSizes, tokens: usize) -> f64 {
    let values: u64 = sizes.products.iter().map(|size| size.values()).sum();
    let products = 2.0 * values as f64 * tokens as f64 + 2.0 * sizes.head.values() as f64;
    let of_layer = |layer: &AttentionSize| {
        let per_pair = 2 * layer.query_heads * (layer.key_dim + layer.value_dim);
        per_pair as f64 * pairs(tokens as f64, layer.window)
    };
    products + sizes.attention.iter().map(of_layer).sum::<f64>()
}

/// How many pairs of a query and a key a layer has: `n^2 / 2`, or `n w - w^2 / 2` where each row reads `w` keys.
fn pairs(tokens: f64, window: Option<usize>) -> f64 {
    let width = window.map_or(tokens, |window| tokens.min(window as f64));
    tokens * width - width * width / 2.0
}

/// Bytes of the keys and values that a token after a context of `tokens` reads when it reads all that its layers allow.
pub(super) fn cache_bytes(sizes: &ModelSizes, tokens: usize) -> f64 {
    let read = |window: Option<usize>| window.map_or(tokens, |window| tokens.min(window));
    sizes.attention.iter().map(|layer| rows_bytes(layer, read(layer.window))).sum()
}

/// Bytes of weights and of the keys and values of `tokens`.
pub(super) fn memory_bytes(sizes: &ModelSizes, tokens: usize) -> f64 {
    let keeps = sizes.attention.iter().filter(|layer| !layer.shares_keys);
    let cache: f64 = keeps.map(|layer| rows_bytes(layer, tokens)).sum();
    sizes.weight_bytes as f64 + cache
}

/// Bytes of the keys and values of so many tokens in a layer.
fn rows_bytes(layer: &AttentionSize, tokens: usize) -> f64 {
    (layer.kv_heads * layer.row_bytes * tokens) as f64
}

#[cfg(test)]
pub(super) mod tests {
    use sah_adapter::MatrixSize;

    use super::*;
    use crate::args::{DtypeArg, WeightsArg};

    fn precision(dtype: DtypeArg) -> PrecisionArgs {
        PrecisionArgs { dtype, weights: WeightsArg::Expanded, kv_dtype: None }
    }

    /// SmolLM2-135M in f32: 30 layers, 9 query and 3 KV heads of 64, hidden 576, MLP 1,536, vocabulary 49,152, tied.
    pub(in super::super) fn smollm2() -> ModelSizes {
        let size = |outputs, inputs| MatrixSize { outputs, inputs, count: 30 };
        let layer = AttentionSize {
            query_heads: 9,
            kv_heads: 3,
            key_dim: 64,
            value_dim: 64,
            window: None,
            row_bytes: 2 * 4 * 64,
            shares_keys: false,
        };
        ModelSizes {
            products: vec![size(960, 576), size(576, 576), size(3072, 576), size(576, 1536)],
            head: MatrixSize { outputs: 49_152, inputs: 576, count: 1 },
            attention: vec![layer; 30],
            weight_bytes: 537_919_488,
        }
    }

    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    fn the_default_model_at_4096_by_hand() {
        let sizes = smollm2();
        assert_eq!(sizes.values() * 4, sizes.weight_bytes);
        // 2 * 106,168,320 * 4,096 + 2 * 28,311,552 + 4 * 30 * 576 * 4,096^2 / 2
        close(prefill_operations(&sizes, 4096), 869_730_877_440.0 + 56_623_104.0 + 579_820_584_960.0);
        // 30 layers, 2 * 3 * 64 values of 4 bytes a token: 46,080 bytes
        close(cache_bytes(&sizes, 4096), 188_743_680.0);
        close(memory_bytes(&sizes, 4096), 726_663_168.0);
    }

    #[test]
    fn a_window_bounds_what_is_read_but_not_what_is_kept() {
        let mut sizes = smollm2();
        sizes.attention.iter_mut().step_by(2).for_each(|layer| layer.window = Some(1024));
        close(cache_bytes(&sizes, 4096), 188_743_680.0 / 2.0 * (1.0 + 0.25));
        close(memory_bytes(&sizes, 4096), 726_663_168.0);
        // 4 x 2 less the half of 2 x 2 that stands before the window is full; half of 4 x 4.
        close(pairs(4.0, Some(2)), 6.0);
        close(pairs(4.0, Some(8)), 8.0);
    }

    #[test]
    fn limits_are_work_divided_by_speed() {
        let product_flops = [("f32".to_owned(), 250e9), ("bf16".to_owned(), 150e9)].into();
        let speed = Speed { context: 4096, round: 1, product_flops, memory_bandwidth: Some(25e9) };
        let (sizes, f32) = (smollm2(), precision(DtypeArg::F32));
        close(speed.prefill(&sizes, f32, 4096), 1_449_608_085_504.0 / 250e9);
        close(speed.prefill(&sizes, precision(DtypeArg::Bf16), 4096), 1_449_608_085_504.0 / 250e9);
        close(speed.decode(&sizes, 4096, 1.0).unwrap(), 726_663_168.0 / 25e9);
        close(speed.decode(&sizes, 4096, 0.0).unwrap(), 537_919_488.0 / 25e9);
        let shared = speed.shared(&sizes, f32, (4096, 1.0), 32).unwrap();
        close(shared, 1_449_608_085_504.0 / 250e9 + 32.0 * 726_663_168.0 / 25e9);
        assert_eq!(Speed { memory_bandwidth: None, ..speed }.decode(&sizes, 4096, 1.0), None);
    }
}
