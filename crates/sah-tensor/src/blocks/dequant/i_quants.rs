//! The I-quants: 4 or 8 values at once are a point of a grid, which a codebook has, with signs and a scale.
//!
//! The grids are those of ggml, as the `gguf` package 0.19.0 has them: the points that its authors found to be used most (llama.cpp
//! pull requests 4773, 4856, 4897, 5453, 5590 and 5676). `cargo xtask bless i-quant-grids` writes them.

use super::half_at;

const GRID_2_XXS: &[u8; 256 * 8] = include_bytes!("grids/iq2_xxs.bin");
const GRID_2_XS: &[u8; 512 * 8] = include_bytes!("grids/iq2_xs.bin");
const GRID_2_S: &[u8; 1024 * 8] = include_bytes!("grids/iq2_s.bin");
const GRID_3_XXS: &[u8; 256 * 4] = include_bytes!("grids/iq3_xxs.bin");
const GRID_3_S: &[u8; 512 * 4] = include_bytes!("grids/iq3_s.bin");
const GRID_1: &[u8; 2048 * 8] = include_bytes!("grids/iq1_s.bin");

/// The values of 4 bits of `IQ4_NL` and `IQ4_XS`: closer near 0.
const VALUES_4: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0,
];

/// How far the values of one bit are from -1, 0 and 1.
const DELTA: f32 = 0.125;

/// `d: f16, qs: [[u32; 2]; 8]`: of 32 values the points of 8 each in the bytes of the first word; in the second seven bits of signs for
/// each point and a scale s of four bits. Value = d (0.5 + s) / 4 times the point.
pub(super) fn iq2_xxs(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    for (words, values) in bytes[2..].chunks_exact(8).zip(values.chunks_exact_mut(32)) {
        let (points, signs) = (&words[..4], word_at(words, 4));
        let scale = d * (0.5 + (signs >> 28) as f32) * 0.25;
        for (at, (&number, values)) in points.iter().zip(values.chunks_exact_mut(8)).enumerate() {
            signed(scale, point::<8>(GRID_2_XXS, number.into()), even_signs(signs >> (7 * at)), values);
        }
    }
}

/// `d: f16, qs: [u16; 32], scales: [u8; 8]`: of 8 values nine bits of the point and seven of signs; a scale of four bits for each 16
/// values, as in [`iq2_xxs`].
pub(super) fn iq2_xs(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (qs, scales) = bytes[2..].split_at(64);
    for (at, (q, values)) in qs.chunks_exact(2).zip(values.chunks_exact_mut(8)).enumerate() {
        let q = u16::from_le_bytes([q[0], q[1]]);
        let scale = d * (0.5 + f32::from(nibble(scales, at / 2))) * 0.25;
        signed(scale, point::<8>(GRID_2_XS, (q & 511).into()), even_signs(u32::from(q >> 9)), values);
    }
}

/// `d: f16, qs: [u8; 32], signs: [u8; 32], qh: [u8; 8], scales: [u8; 8]`: of 8 values ten bits of the point, the upper two in `qh`, and
/// all signs; scales as in [`iq2_xs`].
pub(super) fn iq2_s(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (qs, rest) = bytes[2..].split_at(32);
    let (signs, rest) = rest.split_at(32);
    let (high, scales) = rest.split_at(8);
    for (at, values) in values.chunks_exact_mut(8).enumerate() {
        let number = usize::from(qs[at]) | usize::from(high[at / 4] >> (2 * (at % 4)) & 3) << 8;
        let scale = d * (0.5 + f32::from(nibble(scales, at / 2))) * 0.25;
        signed(scale, point::<8>(GRID_2_S, number), signs[at], values);
    }
}

/// `d: f16, qs: [u8; 64], scales: [u32; 8]`: a point for each 4 values; of 32 values seven bits of signs for each 8, and a scale s of four
/// bits. Value = d (0.5 + s) / 2 times the point.
pub(super) fn iq3_xxs(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (qs, scales) = bytes[2..].split_at(64);
    for (at, (points, values)) in qs.chunks_exact(2).zip(values.chunks_exact_mut(8)).enumerate() {
        let word = word_at(scales, 4 * (at / 4));
        let scale = d * (0.5 + (word >> 28) as f32) * 0.5;
        let signs = even_signs(word >> (7 * (at % 4)));
        let (first, second) = values.split_at_mut(4);
        signed(scale, point::<4>(GRID_3_XXS, points[0].into()), signs, first);
        signed(scale, point::<4>(GRID_3_XXS, points[1].into()), signs >> 4, second);
    }
}

/// `d: f16, qs: [u8; 64], qh: [u8; 8], signs: [u8; 32], scales: [u8; 4]`: nine bits of the point of each 4 values, the upper one in `qh`,
/// all signs, and a scale s of four bits for each 32. Value = d (1 + 2 s) times the point.
pub(super) fn iq3_s(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (qs, rest) = bytes[2..].split_at(64);
    let (high, rest) = rest.split_at(8);
    let (signs, scales) = rest.split_at(32);
    for (at, values) in values.chunks_exact_mut(4).enumerate() {
        let number = usize::from(qs[at]) | usize::from(high[at / 8] >> (at % 8) & 1) << 8;
        let scale = d * f32::from(1 + 2 * nibble(scales, at / 8));
        signed(scale, point::<4>(GRID_3_S, number), signs[at / 2] >> (4 * (at % 2)), values);
    }
}

/// `d: f16, qs: [u8; 32], qh: [u16; 8]`: eleven bits of the point of each 8 values; in `qh` the upper three of four points, a scale s
/// of three bits for the 32 values, and the sign of the delta. Value = d (2 s + 1) (point + delta).
pub(super) fn iq1_s(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let (qs, high) = bytes[2..].split_at(32);
    for (at, values) in values.chunks_exact_mut(8).enumerate() {
        let high = u16::from_le_bytes([high[at / 4 * 2], high[at / 4 * 2 + 1]]);
        let number = usize::from(qs[at]) | usize::from(high >> (3 * (at % 4)) & 7) << 8;
        let scale = d * f32::from(2 * (high >> 12 & 7) + 1);
        shifted(scale, number, high >> 15 == 1, values);
    }
}

/// `qs: [u8; 32], qh: [u8; 16], scales: [u16; 4]`: as [`iq1_s`], with a delta for each 8 values, a scale for each 16, and the f16 in
/// the highest bits of the scales.
pub(super) fn iq1_m(bytes: &[u8], values: &mut [f32]) {
    let (qs, rest) = bytes.split_at(32);
    let (high, scales) = rest.split_at(16);
    let scale_word = |at: usize| u16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]);
    let bits = (0..4).fold(0, |bits, at| bits | (scale_word(at) & 0xF000) >> (12 - 4 * at));
    let d = half::f16::from_bits(bits).to_f32();
    for (at, values) in values.chunks_exact_mut(8).enumerate() {
        let high = nibble(high, at);
        let number = usize::from(qs[at]) | usize::from(high & 7) << 8;
        let scale = d * f32::from(2 * (scale_word(at / 8) >> (3 * (at / 2 % 4)) & 7) + 1);
        shifted(scale, number, high & 8 != 0, values);
    }
}

/// `d: f16, qs: [u8; 16]`; value = d times one of 16 values, those of low nibbles first.
pub(super) fn iq4_nl(bytes: &[u8], values: &mut [f32]) {
    look_up(half_at(bytes, 0), &VALUES_4, &bytes[2..], values);
}

/// `d: f16, scales_h: u16, scales_l: [u8; 4], qs: [u8; 128]`; value = d (s - 32) times one of 16 values, s of six bits for each 32.
pub(super) fn iq4_xs(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 0);
    let high = u16::from_le_bytes([bytes[2], bytes[3]]);
    let (low, qs) = bytes[4..].split_at(4);
    for (at, (qs, values)) in qs.chunks_exact(16).zip(values.chunks_exact_mut(32)).enumerate() {
        let scale = i32::from(nibble(low, at)) | i32::from(high >> (2 * at) & 3) << 4;
        look_up(d * (scale - 32) as f32, &VALUES_4, qs, values);
    }
}

/// `scale` times the values of 4 bits that `table` has for the nibbles of `qs`, the low ones first.
pub(super) fn look_up(scale: f32, table: &[f32; 16], qs: &[u8], values: &mut [f32]) {
    let (low, high) = values.split_at_mut(qs.len());
    for ((low, high), byte) in low.iter_mut().zip(high).zip(qs) {
        *low = scale * table[usize::from(byte & 0xF)];
        *high = scale * table[usize::from(byte >> 4)];
    }
}

/// Point number `number` of a grid, whose points are those of `N` values.
fn point<const N: usize>(grid: &[u8], number: usize) -> &[u8] {
    &grid[number * N..][..N]
}

/// `scale` times the point, negative where a bit of `signs` is set.
fn signed(scale: f32, point: &[u8], signs: u8, values: &mut [f32]) {
    for (at, (value, &one)) in values.iter_mut().zip(point).enumerate() {
        let sign = if signs >> at & 1 == 0 { 1.0 } else { -1.0 };
        *value = scale * f32::from(one) * sign;
    }
}

/// `scale` times a point of -1, 0 and 1 with the delta added or taken away.
fn shifted(scale: f32, number: usize, is_below: bool, values: &mut [f32]) {
    let delta = if is_below { -DELTA } else { DELTA };
    for (value, &one) in values.iter_mut().zip(point::<8>(GRID_1, number)) {
        *value = scale * (f32::from(one.cast_signed()) + delta);
    }
}

/// Eight signs out of the lowest seven bits: the eighth makes the number of negative ones even.
fn even_signs(bits: u32) -> u8 {
    let seven = (bits & 0x7F) as u8;
    seven | ((seven.count_ones() & 1) as u8) << 7
}

/// Nibble number `at`, the low one of each byte first.
fn nibble(bytes: &[u8], at: usize) -> u8 {
    bytes[at / 2] >> (4 * (at % 2)) & 0xF
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
