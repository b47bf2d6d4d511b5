//! Numbers out of GGUF's quantised blocks, bit for bit as the `gguf` Python package computes them.
//!
//! Layouts and formulas follow ggml's `quants`: `d` (scale) and `m` (minimum) are f16, quants are unsigned nibbles,
//! of which the low halves come first. All arithmetic is in f32, one rounding per operation.

mod i_quants;
mod k_quants;
mod small;

use half::{bf16, f16};
use rayon::prelude::*;

use self::i_quants::{iq1_m, iq1_s, iq2_s, iq2_xs, iq2_xxs, iq3_s, iq3_xxs, iq4_nl, iq4_xs};
pub(super) use self::k_quants::six_bit_pair;
use self::k_quants::{q2_k, q3_k, q4_k, q5_k, q6_k};
use self::small::{mxfp4, tq1_0, tq2_0};
use super::GgmlType;

/// Blocks that one task converts: enough work to be worth a task.
const BLOCKS_PER_TASK: usize = 4096;

/// The values of `bytes`, whole blocks of `ty`.
///
/// # Panics
///
/// If `bytes` does not consist of whole blocks.
#[must_use]
pub fn dequantise(ty: GgmlType, bytes: &[u8]) -> Vec<f32> {
    assert_eq!(bytes.len() % ty.block_bytes(), 0, "whole blocks");
    let blocks = bytes.len() / ty.block_bytes();
    let mut values = vec![0.0; blocks * ty.block_len()];
    values
        .par_chunks_mut(ty.block_len() * BLOCKS_PER_TASK)
        .zip(bytes.par_chunks(ty.block_bytes() * BLOCKS_PER_TASK))
        .for_each(|(values, bytes)| dequantise_blocks(ty, bytes, values));
    values
}

fn dequantise_blocks(ty: GgmlType, bytes: &[u8], values: &mut [f32]) {
    let block = match ty {
        GgmlType::F32 => |b: &[u8], v: &mut [f32]| v[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        GgmlType::F16 => |b: &[u8], v: &mut [f32]| v[0] = half_at(b, 0),
        GgmlType::Bf16 => |b: &[u8], v: &mut [f32]| v[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        GgmlType::Q4_0 => q4_0,
        GgmlType::Q4_1 => q4_1,
        GgmlType::Q5_0 => q5_0,
        GgmlType::Q5_1 => q5_1,
        GgmlType::Q8_0 => q8_0,
        GgmlType::Q2K => q2_k,
        GgmlType::Q3K => q3_k,
        GgmlType::Q4K => q4_k,
        GgmlType::Q5K => q5_k,
        GgmlType::Q6K => q6_k,
        GgmlType::Iq1S => iq1_s,
        GgmlType::Iq1M => iq1_m,
        GgmlType::Iq2Xxs => iq2_xxs,
        GgmlType::Iq2Xs => iq2_xs,
        GgmlType::Iq2S => iq2_s,
        GgmlType::Iq3Xxs => iq3_xxs,
        GgmlType::Iq3S => iq3_s,
        GgmlType::Iq4Nl => iq4_nl,
        GgmlType::Iq4Xs => iq4_xs,
        GgmlType::Tq1_0 => tq1_0,
        GgmlType::Tq2_0 => tq2_0,
        GgmlType::Mxfp4 => mxfp4,
    };
    for (values, bytes) in values.chunks_exact_mut(ty.block_len()).zip(bytes.chunks_exact(ty.block_bytes())) {
        block(bytes, values);
    }
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// `d: f16, qs: [u8; 16]`; value = d (q - 8).
fn q4_0(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (low, high) = values.split_at_mut(16);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[2..]) {
        *low = d * (i32::from(byte & 0xF) - 8) as f32;
        *high = d * (i32::from(byte >> 4) - 8) as f32;
    }
}

/// `d: f16, m: f16, qs: [u8; 16]`; value = d q + m.
fn q4_1(bytes: &[u8], values: &mut [f32]) {
    let (d, m) = (half_at(bytes, 0), half_at(bytes, 2));
    let (low, high) = values.split_at_mut(16);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[4..]) {
        *low = d * f32::from(byte & 0xF) + m;
        *high = d * f32::from(byte >> 4) + m;
    }
}

/// The 32 five-bit quants of `high: u32` (bit 4 of each) and `low: [u8; 16]` (bits 0 to 3).
fn five_bits(high: &[u8], low: &[u8]) -> [u8; 32] {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    std::array::from_fn(|i| {
        let nibble = if i < 16 { low[i] & 0xF } else { low[i - 16] >> 4 };
        nibble | ((high >> i & 1) as u8) << 4
    })
}

/// `d: f16, qh: u32, qs: [u8; 16]`; value = d (q - 16).
fn q5_0(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    for (value, q) in values.iter_mut().zip(five_bits(&bytes[2..6], &bytes[6..])) {
        *value = d * (i32::from(q) - 16) as f32;
    }
}

/// `d: f16, m: f16, qh: u32, qs: [u8; 16]`; value = d q + m.
fn q5_1(bytes: &[u8], values: &mut [f32]) {
    let (d, m) = (half_at(bytes, 0), half_at(bytes, 2));
    for (value, q) in values.iter_mut().zip(five_bits(&bytes[4..8], &bytes[8..])) {
        *value = d * f32::from(q) + m;
    }
}

/// `d: f16, qs: [i8; 32]`; value = d q.
fn q8_0(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    for (value, q) in values.iter_mut().zip(&bytes[2..]) {
        *value = d * f32::from(q.cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_worked_by_hand() {
        // d = 0.5, m = -1: quants 0..16 in the low nibbles, 15 in the high ones.
        let mut block = vec![];
        block.extend(f16::from_f32(0.5).to_le_bytes());
        block.extend(f16::from_f32(-1.0).to_le_bytes());
        block.extend((0..16).map(|q| 0xF0 | q));
        let values = dequantise(GgmlType::Q4_1, &block);
        assert_eq!(values[..3], [-1.0, -0.5, 0.0]);
        assert_eq!(values[16..], [6.5; 16]);
    }

    #[test]
    fn tasks_meet_at_the_right_places() {
        let ones = f16::ONE.to_le_bytes();
        let bytes: Vec<u8> = (0..3 * BLOCKS_PER_TASK + 5)
            .flat_map(|i| ones.into_iter().chain(std::iter::repeat_n((i % 128) as u8, 32)))
            .collect();
        let values = dequantise(GgmlType::Q8_0, &bytes);
        let expected: Vec<f32> = (0..values.len()).map(|i| (i / 32 % 128) as f32).collect();
        assert_eq!(values, expected);
    }
}
