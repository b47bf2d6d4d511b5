//! Packed blocks beside what [`dequantise`] makes of the same bytes, which has the bits of the `gguf` package.

use half::f16;

use super::*;
use crate::product::{MAX_ROWS, Panels as _, multiply};
use crate::testing::{close, values};

const TYPES: [GgmlType; 9] = [
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q4K,
    GgmlType::Q5K,
    GgmlType::Q6K,
    GgmlType::Mxfp4,
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
        if ty == GgmlType::Mxfp4 {
            // Around 1, and the smallest ones.
            block[0] = if number % 9 < 3 { number as u8 % 9 } else { 120 + number as u8 % 9 };
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
                blocks.row(row, &mut found[..columns]);
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
            for inputs in (1..=MAX_ROWS).chain([17, 50]) {
                let x = values(inputs * columns, 3);
                for threads in [1, 2, 5] {
                    let mut output = vec![f32::NAN; inputs * rows];
                    multiply(&[&blocks], &x, inputs, &mut output, threads);
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
        let packed = Blocks::pack(ty, columns, &bytes).unwrap().bytes() as usize;
        assert!(packed >= bytes.len() && packed as f64 <= 1.03 * bytes.len() as f64, "{ty:?}: {packed}");
    }
}

#[test]
fn an_empty_matrix_and_scales_that_are_no_numbers() {
    let empty = Blocks::pack(GgmlType::Q4_1, 32, &[]).unwrap();
    assert_eq!(empty.rows(), 0);
    multiply(&[&empty], &[0.0; 32], 1, &mut [], 2);
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

/// Values, product and single rows of `blocks`, beside `expected`, `[rows, columns]`.
fn check(blocks: &Blocks, expected: &[f32], case: &str) {
    let (rows, columns) = (blocks.rows(), blocks.columns());
    let mut expanded = vec![f32::NAN; rows * columns];
    blocks.expand(&mut expanded);
    assert_eq!(expanded, expected, "{case}");
    let mut row = vec![f32::NAN; columns];
    blocks.row(rows - 1, &mut row);
    assert_eq!(row, expected[(rows - 1) * columns..], "{case}");
    for inputs in [1, 3, 8] {
        let x = values(inputs * columns, 3);
        let mut output = vec![f32::NAN; inputs * rows];
        multiply(&[blocks], &x, inputs, &mut output, 3);
        close(&output, expected, &x, columns, case);
    }
    let x = values(columns, 4);
    let mut output = vec![f32::NAN; rows];
    for (number, part) in output.chunks_mut(16).enumerate() {
        blocks.multiply_few(number, &x, &mut [part]);
    }
    close(&output, expected, &x, columns, case);
}

/// Whole numbers from 0 to `below`.
fn integers(count: usize, below: usize) -> Vec<u8> {
    values(count, 11).iter().map(|value| ((value + 1.0) / 2.0 * below as f32) as u8).collect()
}

#[test]
fn groups_of_4_bits_are_their_integers_less_the_zero_point_times_the_scale() {
    for (rows, columns, group) in
        [(1, 32, 32), (16, 64, 32), (17, 128, 128), (40, 384, 128), (33, 192, 64), (48, 512, 256)]
    {
        let codes = integers(rows * columns, 16);
        let groups = rows * columns / group;
        let scales: Vec<f32> =
            values(groups, 5).into_iter().map(|scale| f16::from_f32(scale * 0.1).to_f32()).collect();
        let zero_points = integers(groups, 17);
        let blocks = Blocks::pack_int4(columns, group, &codes, &scales, &zero_points).unwrap();
        let value = |(at, code): (usize, &u8)| {
            let shared = at / columns * (columns / group) + at % columns / group;
            scales[shared] * (f32::from(*code) - f32::from(zero_points[shared]))
        };
        let expected: Vec<f32> = codes.iter().enumerate().map(value).collect();
        check(&blocks, &expected, &format!("{rows} x {columns} by {group}"));
    }
    assert!(
        Blocks::pack_int4(32, 32, &[0; 32], &[0.1], &[8]).is_none(),
        "a scale with more bits than an f16"
    );
    assert!(Blocks::pack_int4(32, 32, &[0; 32], &[f32::INFINITY], &[8]).is_none());
}

/// The number that the bits of E4M3 stand for.
fn e4m3(code: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 0xF), f32::from(code & 7));
    let size = if exponent == 0 {
        mantissa / 8.0 * (-6_f32).exp2()
    } else {
        (1.0 + mantissa / 8.0) * ((exponent - 7) as f32).exp2()
    };
    if code & 0x80 == 0 { size } else { -size }
}

#[test]
fn e4m3_is_its_number_times_the_scale_of_its_block() {
    for (rows, columns, block) in [
        (1, 64, [1, 64]),
        (16, 256, [128, 128]),
        (150, 192, [64, 128]),
        (20, 100, [1, 100]),
        (31, 72, [31, 72]),
    ] {
        let mut codes = integers(rows * columns, 256);
        codes.iter_mut().filter(|code| **code & 0x7F == 0x7F).for_each(|code| *code = 0x7E);
        let per_row = columns.div_ceil(block[1]);
        let scales = values(rows.div_ceil(block[0]) * per_row, 9);
        let blocks = Blocks::pack_e4m3(columns, block, &codes, &scales).unwrap();
        let value = |(at, code): (usize, &u8)| {
            let (row, column) = (at / columns, at % columns);
            scales[row / block[0] * per_row + column / block[1]] * e4m3(*code)
        };
        let expected: Vec<f32> = codes.iter().enumerate().map(value).collect();
        check(&blocks, &expected, &format!("{rows} x {columns} in {block:?}"));
    }
    assert!(Blocks::pack_e4m3(64, [1, 64], &[0x7F; 64], &[1.0]).is_none(), "no number");
}

#[test]
fn mxfp4_is_the_same_with_neighbours_in_a_byte_and_with_halves_of_a_block() {
    for (rows, columns) in [(1, 32), (17, 64), (16, 96), (40, 128), (33, 352)] {
        let bytes = random_blocks(GgmlType::Mxfp4, rows, columns);
        let blocks = bytes.chunks_exact(17);
        let exponents: Vec<u8> = blocks.clone().map(|block| block[0]).collect();
        let number = |block: &[u8], column: usize| block[1 + column % 16] >> (column / 16 * 4) & 0xF;
        let pairs = |block| {
            (0..32).step_by(2).map(move |column| number(block, column) | number(block, column + 1) << 4)
        };
        let codes: Vec<u8> = blocks.flat_map(pairs).collect();
        let packed = Blocks::pack_mxfp4(columns, &codes, &exponents).unwrap();
        check(&packed, &dequantise(GgmlType::Mxfp4, &bytes), &format!("{rows} x {columns}"));
    }
    assert!(Blocks::pack_mxfp4(32, &[0x77; 16], &[252]).is_some());
    for exponent in 253..=255 {
        assert!(Blocks::pack_mxfp4(32, &[0x77; 16], &[exponent]).is_none(), "6 times 2^{}", exponent - 127);
        let block: Vec<u8> = [exponent].into_iter().chain([0x77; 16]).collect();
        assert!(Blocks::pack(GgmlType::Mxfp4, 32, &block).is_none());
    }
}

#[test]
fn rows_are_put_in_another_order() {
    for rows in [16, 17, 64] {
        let blocks = Blocks::pack(GgmlType::Q8_0, 64, &random_blocks(GgmlType::Q8_0, rows, 64)).unwrap();
        let from = |row: usize| (row * 5 + 3) % rows;
        let (mut before, mut after) = (vec![0.0; rows * 64], vec![0.0; rows * 64]);
        blocks.expand(&mut before);
        blocks.with_rows(from).expand(&mut after);
        let expected: Vec<f32> = (0..rows).flat_map(|row| before[from(row) * 64..][..64].to_vec()).collect();
        assert_eq!(after, expected, "{rows} rows");
    }
}

#[test]
fn matrices_that_fill_their_panels_are_stacked() {
    let part = |rows: usize, seed: u8| {
        let codes: Vec<u8> = (0..rows * 32).map(|at| (at as u8).wrapping_mul(seed) & 15).collect();
        Blocks::pack_int4(32, 32, &codes, &vec![0.5; rows], &vec![8; rows]).unwrap()
    };
    let whole = Blocks::stacked(vec![part(16, 3), part(32, 5)]).unwrap();
    let (mut all, mut first, mut second) = (vec![0.0; 48 * 32], vec![0.0; 16 * 32], vec![0.0; 32 * 32]);
    whole.expand(&mut all);
    part(16, 3).expand(&mut first);
    part(32, 5).expand(&mut second);
    assert_eq!(all, [first, second].concat());
    assert_eq!(Blocks::stacked(vec![part(16, 3), part(17, 5)]).unwrap_err().len(), 2);
}
