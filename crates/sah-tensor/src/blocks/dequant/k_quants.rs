//! The K-quants: super-blocks of 256 values that share one or two f16 scales, with a scale of few bits for each 16 or
//! 32 of them.

use super::half_at;

/// `scales: [u8; 16], qs: [u8; 64], d: f16, dmin: f16`; value = (d s) q - (dmin m), q of two bits; s and m are the
/// low and high nibble of `scales`, for each 16 values. Each 128 values take 32 bytes of `qs`.
pub(super) fn q2_k(bytes: &[u8], values: &mut [f32]) {
    let (scales, rest) = bytes.split_at(16);
    let (qs, halves) = rest.split_at(64);
    let (d, min) = (half_at(halves, 0), half_at(halves, 2));
    for (group, values) in values.chunks_exact_mut(16).enumerate() {
        let scale = d * f32::from(scales[group] & 0xF);
        let min = min * f32::from(scales[group] >> 4);
        for (i, value) in values.iter_mut().enumerate() {
            *value = scale * f32::from(two_bits(qs, 16 * group + i)) - min;
        }
    }
}

/// `hmask: [u8; 32], qs: [u8; 64], scales: [u8; 12], d: f16`; value = (d (s - 32)) (q - 4 (1 - h)), q of two bits as in
/// [`q2_k`], h the bit of `hmask` that stands for the value's 32, s of six bits for each 16 values.
pub(super) fn q3_k(bytes: &[u8], values: &mut [f32]) {
    let (high, rest) = bytes.split_at(32);
    let (qs, rest) = rest.split_at(64);
    let (scales, d) = rest.split_at(12);
    let d = half_at(d, 0);
    for (group, values) in values.chunks_exact_mut(16).enumerate() {
        // The low four bits of the scales lie in eight bytes, the high two in the four after them.
        let low = scales[group % 8] >> (4 * (group / 8)) & 0xF;
        let top = scales[8 + group % 4] >> (2 * (group / 4)) & 3;
        let scale = d * (i32::from(low | top << 4) - 32) as f32;
        for (i, value) in values.iter_mut().enumerate() {
            let i = 16 * group + i;
            let offset = if high[i % 32] >> (i / 32) & 1 == 0 { 4 } else { 0 };
            *value = scale * (i32::from(two_bits(qs, i)) - offset) as f32;
        }
    }
}

/// `d: f16, dmin: f16, scales: [u8; 12], qs: [u8; 128]`; value = (d s) q - (dmin m), q of four bits, s and m of six
/// bits for each 32 values. Each 64 values take 32 bytes of `qs`, low nibbles first.
pub(super) fn q4_k(bytes: &[u8], values: &mut [f32]) {
    let (head, qs) = bytes.split_at(16);
    four_bit_groups(head, qs, values, |_| 0);
}

/// As [`q4_k`], with `qh: [u8; 32]` between scales and quants: the fifth bit of each value.
pub(super) fn q5_k(bytes: &[u8], values: &mut [f32]) {
    let (head, rest) = bytes.split_at(16);
    let (high, qs) = rest.split_at(32);
    four_bit_groups(head, qs, values, |i| (high[i % 32] >> (i / 32) & 1) << 4);
}

/// `ql: [u8; 128], qh: [u8; 64], scales: [i8; 16], d: f16`; value = (d scale) (q - 32), q of six bits, a scale for
/// each 16 values. Each half of 128 values takes 64 bytes of `ql` and 32 of `qh`.
pub(super) fn q6_k(bytes: &[u8], values: &mut [f32]) {
    let (ql, rest) = bytes.split_at(128);
    let (qh, rest) = rest.split_at(64);
    let (scales, d) = rest.split_at(16);
    let d = half_at(d, 0);
    for (i, value) in values.iter_mut().enumerate() {
        let (half, within) = (i / 128, i % 128);
        let low = ql[64 * half + within % 64] >> (4 * (within / 64)) & 0xF;
        let high = qh[32 * half + within % 32] >> (2 * (within / 32)) & 3;
        let scale = d * f32::from(scales[i / 16].cast_signed());
        *value = scale * (i32::from(low | high << 4) - 32) as f32;
    }
}

/// The two bits of value `i`: 32 bytes hold 128 values, the first 32 of them in the lowest bits.
pub(super) fn two_bits(qs: &[u8], i: usize) -> u8 {
    qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3
}

/// The common part of [`q4_k`] and [`q5_k`]. `head` is d, dmin and the scales; `high` gives the bits above the nibble.
fn four_bit_groups(head: &[u8], qs: &[u8], values: &mut [f32], high: impl Fn(usize) -> u8) {
    let (d, min) = (half_at(head, 0), half_at(head, 2));
    for (group, values) in values.chunks_exact_mut(32).enumerate() {
        let (scale, offset) = six_bit_pair(&head[4..], group);
        let (scale, offset) = (d * f32::from(scale), min * f32::from(offset));
        for (i, value) in values.iter_mut().enumerate() {
            let low = qs[32 * (group / 2) + i] >> (4 * (group % 2)) & 0xF;
            *value = scale * f32::from(low | high(32 * group + i)) - offset;
        }
    }
}

/// Scale and minimum of group `group` of 8, six bits each, out of 12 bytes. Those of the first four groups are the low
/// six bits of bytes 0 to 3 and 4 to 7. Of the last four, the low nibbles lie in bytes 8 to 11 (scale low, minimum
/// high) and the top two bits above the six of the first four.
pub(in crate::blocks) fn six_bit_pair(packed: &[u8], group: usize) -> (u8, u8) {
    let (scale, min) = (packed[group % 4], packed[4 + group % 4]);
    if group < 4 {
        return (scale & 0x3F, min & 0x3F);
    }
    let low = packed[4 + group];
    (low & 0xF | scale >> 6 << 4, low >> 4 | min >> 6 << 4)
}
