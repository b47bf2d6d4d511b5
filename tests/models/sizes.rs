//! The sizes of a loaded model are those of its configuration.

use std::path::Path;

use sah_adapter::{AttentionSize, MatrixSize, ModelSizes};

fn sizes(name: &str) -> ModelSizes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models").join(name);
    crate::load(&folder).unwrap().sizes()
}

fn shapes(sizes: &ModelSizes) -> Vec<(usize, usize, usize)> {
    sizes.products.iter().map(|size| (size.outputs, size.inputs, size.count)).collect()
}

#[test]
fn matrices_are_those_of_the_config() {
    // Hidden 32, 4 query and 2 KV heads of 8, MLP 48, 2 layers.
    let llama = sizes("llama");
    assert_eq!(shapes(&llama), [(64, 32, 2), (32, 32, 2), (96, 32, 2), (32, 48, 2)]);
    assert_eq!(llama.head, MatrixSize { outputs: 96, inputs: 32, count: 1 });
    let layer = AttentionSize {
        query_heads: 4,
        kv_heads: 2,
        key_dim: 8,
        value_dim: 8,
        window: None,
        row_bytes: 2 * 8 * 4,
        shares_keys: false,
    };
    assert_eq!(llama.attention, [layer; 2]);
    assert_eq!(llama.values(), 2 * (64 * 32 + 32 * 32 + 96 * 32 + 32 * 48) + 96 * 32);
    assert_eq!(llama.weight_bytes, 4 * llama.values());
    // Hidden 32, 4 heads of 8, MLP 128 without a gate, 2 layers.
    assert_eq!(shapes(&sizes("gpt2")), [(96, 32, 2), (32, 32, 2), (128, 32, 2), (32, 128, 2)]);
}

#[test]
fn equal_shapes_are_counted_together_and_windows_are_told() {
    // Hidden 32, 4 query and 2 KV heads of 12, MLP 48, 4 layers, every other one with a window of 10.
    let gemma = sizes("gemma2");
    assert_eq!(shapes(&gemma), [(96, 32, 8), (32, 48, 8)]);
    let windows: Vec<Option<usize>> = gemma.attention.iter().map(|layer| layer.window).collect();
    assert_eq!(windows, [Some(10), None, Some(10), None]);
}
