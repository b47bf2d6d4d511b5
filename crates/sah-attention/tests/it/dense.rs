//! Dense attention against the oracle and against libtorch.

use sah_attention::{AutoKernel, Kernel, Mask, MaskShape, Reads, ReferenceKernel};
use tch::{Device, Kind, Tensor};

use crate::cases::{Tensors, difference};

on_devices!(equals_the_oracle_and_libtorch, equals_the_oracle_in_half_precision);

/// Prompt, one token, chunk after earlier keys; long and short, grouped and not, one and more in a batch.
fn shapes() -> impl Iterator<Item = (MaskShape, usize, usize, usize)> {
    let lengths = [
        (1, 1),
        (1, 2),
        (1, 300),
        (1, 1537),
        (2, 2),
        (33, 33),
        (2, 3),
        (7, 90),
        (64, 300),
        (600, 601),
        (530, 900),
    ];
    let heads = [(9, 3), (4, 4), (8, 1), (6, 2)];
    lengths.into_iter().flat_map(move |(queries, keys)| {
        heads.into_iter().enumerate().map(move |(n, (heads, kv_heads))| {
            let (d, dv) = if n == 3 { (32, 16) } else { (64, 64) };
            (MaskShape { batch: 1 + n % 2, heads, queries, keys }, kv_heads, d, dv)
        })
    })
}

fn equals_the_oracle_and_libtorch(device: Device) {
    for (seed, (shape, kv_heads, d, dv)) in shapes().enumerate() {
        let tensors = Tensors::new(shape, kv_heads, d, dv, seed as u64, device);
        let got = AutoKernel.attend(&tensors.inputs(), Reads::All).unwrap();
        let want = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&Mask::full(shape))).unwrap();
        let error = difference(&got, &want);
        assert!(error < 1e-5, "{shape}, {kv_heads} key/value heads: {error} from the oracle");
        let causal = Tensor::ones([shape.queries as i64, shape.keys as i64], (Kind::Bool, device))
            .tril((shape.keys - shape.queries) as i64);
        let libtorch = Tensor::scaled_dot_product_attention(
            &tensors.queries,
            &tensors.keys,
            &tensors.values,
            Some(&causal),
            0.0,
            false,
            tensors.scale,
            true,
        );
        let error = difference(&got, &libtorch);
        assert!(error < 1e-5, "{shape}, {kv_heads} key/value heads: {error} from libtorch");
    }
}

/// Bounds as in the kernels' tests: output rounded to 8 (`BFloat16`) and 11 (`Half`) bits.
fn equals_the_oracle_in_half_precision(device: Device) {
    for (kind, bound) in [(Kind::BFloat16, 0.04), (Kind::Half, 0.005)] {
        for (seed, (shape, kv_heads, d, dv)) in shapes().enumerate() {
            let tensors = Tensors::new(shape, kv_heads, d, dv, seed as u64, device).to_kind(kind);
            let got = AutoKernel.attend(&tensors.inputs(), Reads::All).unwrap();
            assert_eq!(got.kind(), kind);
            let want = ReferenceKernel
                .attend(&tensors.to_kind(Kind::Float).inputs(), Reads::Mask(&Mask::full(shape)))
                .unwrap();
            let error = difference(&got, &want);
            assert!(error < bound, "{kind:?}, {shape}, {kv_heads} key/value heads: {error}");
        }
    }
}
