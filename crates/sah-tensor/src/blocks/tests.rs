//! Packed blocks beside what [`dequantise`] makes of the same bytes, which has the bits of the `gguf` package.

use half::f16;

use super::*;
use crate::testing::{close, values};

const TYPES: [GgmlType; 8] = [
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q4K,
    GgmlType::Q5K,
    GgmlType::Q6K,
];

/// Rows of random blocks with finite scales of either sign, among them 0 and subnormal ones.
fn random_blocks(ty: GgmlType, rows: usize, columns: usize) -> Vec<u8> {
    let count = rows * columns / ty.block_len() * ty.block_bytes();
    let mut bytes: Vec<u8> = values(count, 7).iter().map(|value| ((value + 1.0) * 128.0) as u8).collect();
    for (number, block) in bytes.chunks_exact_mut(ty.block_bytes()).enumerate() {
        for at in scale_positions(ty) {
            let scale = match number % 9 {
                0 => 0.0,
                1 => 3e-6,
                _ => (number % 23) as f32 / 23.0 - 0.5,
            };
            block[*at..at + 2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        }
    }
    bytes
}

/// Rows and columns: less and more than a panel, and odd numbers of blocks.
fn shapes(ty: GgmlType) -> [(usize, usize); 5] {
    let block = ty.block_len();
    [(1, block), (16, 2 * block), (17, 3 * block), (37, block), (64, 5 * block)]
}

#[test]
fn expansions_have_the_bits_of_the_dequantised_file() {
    for ty in TYPES {
        for (rows, columns) in shapes(ty) {
            let bytes = random_blocks(ty, rows, columns);
            let expected = dequantise(ty, &bytes);
            let blocks = Blocks::pack(ty, columns, &bytes).unwrap();
            assert_eq!((blocks.rows(), blocks.columns()), (rows, columns));
            let mut found = vec![f32::NAN; rows * columns];
            blocks.expand(&mut found);
            assert!(found == expected, "{ty:?} {rows} x {columns}");
            for row in [0, rows / 2, rows - 1] {
                blocks.expand_row(row, &mut found[..columns]);
                assert!(found[..columns] == expected[row * columns..][..columns], "{ty:?} row {row}");
            }
        }
    }
}

#[test]
fn products_are_those_of_the_dequantised_file() {
    for ty in TYPES {
        for (rows, columns) in shapes(ty) {
            let bytes = random_blocks(ty, rows, columns);
            let weights = dequantise(ty, &bytes);
            let blocks = Blocks::pack(ty, columns, &bytes).unwrap();
            for inputs in 1..=MAX_ROWS {
                let x = values(inputs * columns, 3);
                for threads in [1, 2, 5] {
                    let mut output = vec![f32::NAN; inputs * rows];
                    blocks.multiply(&x, output.chunks_mut(rows).collect(), threads);
                    let case = format!("{ty:?} {rows} x {columns}, {inputs} rows, {threads} threads");
                    close(&output, &weights, &x, columns, &case);
                }
            }
        }
    }
}

#[test]
fn packed_blocks_take_hardly_more_than_the_file() {
    for ty in TYPES {
        let (rows, columns) = (32, 8 * ty.block_len());
        let bytes = random_blocks(ty, rows, columns);
        let packed = 4 * Blocks::pack(ty, columns, &bytes).unwrap().words.len();
        assert!(packed >= bytes.len() && packed as f64 <= 1.03 * bytes.len() as f64, "{ty:?}: {packed}");
    }
}

#[test]
fn an_empty_matrix_and_scales_that_are_no_numbers() {
    let empty = Blocks::pack(GgmlType::Q4_1, 32, &[]).unwrap();
    assert_eq!(empty.rows(), 0);
    empty.multiply(&[0.0; 32], vec![&mut []], 2);
    for ty in TYPES {
        for scale in [f16::INFINITY, f16::NEG_INFINITY, f16::NAN] {
            for at in scale_positions(ty) {
                let mut bytes = random_blocks(ty, 3, 2 * ty.block_len());
                let at = bytes.len() - ty.block_bytes() + at;
                bytes[at..at + 2].copy_from_slice(&scale.to_le_bytes());
                assert!(Blocks::pack(ty, 2 * ty.block_len(), &bytes).is_none(), "{ty:?} {scale}");
            }
        }
    }
}
