//! Values of -1, 0 and 1, and the microscaling format of four bits.

use super::half_at;
use super::i_quants::look_up;
use super::k_quants::two_bits;

/// Twice the numbers of the form e2m1 (OCP Microscaling Formats 1.0).
const E2M1: [f32; 16] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0];

/// `qs: [u8; 48], qh: [u8; 4], d: f16`: five digits to the base of 3 in a byte, four in each of the last; value = d (digit - 1). The
/// first 32 bytes have the first digit of 32 values, then their second, and so on; the next 16 and the last 4 likewise.
pub(super) fn tq1_0(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 52);
    let parts = [(&bytes[..32], 5), (&bytes[32..48], 5), (&bytes[48..52], 4)];
    let digits = parts.into_iter().flat_map(|(part, digits)| {
        (0..digits).flat_map(move |digit| part.iter().map(move |byte| byte.wrapping_mul(3_u8.pow(digit))))
    });
    for (value, fraction) in values.iter_mut().zip(digits) {
        // A byte is a fraction of 256: its next digit is the whole part of three times it.
        let digit = (u16::from(fraction) * 3) >> 8;
        *value = d * (i32::from(digit) - 1) as f32;
    }
}

/// `qs: [u8; 64], d: f16`; value = d (q - 1), q of two bits as in the K-quants.
pub(super) fn tq2_0(bytes: &[u8], values: &mut [f32]) {
    let d = half_at(bytes, 64);
    for (i, value) in values.iter_mut().enumerate() {
        *value = d * (i32::from(two_bits(bytes, i)) - 1) as f32;
    }
}

/// `e: u8, qs: [u8; 16]`; value = 2^(e - 127) times a number of the form e2m1, those of low nibbles first.
pub(super) fn mxfp4(bytes: &[u8], values: &mut [f32]) {
    let e = u32::from(bytes[0]);
    // Half of the power, as the numbers are doubled; the two smallest halves are subnormal.
    let bits = if e < 2 { 0x0020_0000 << e } else { (e - 1) << 23 };
    look_up(f32::from_bits(bits), &E2M1, &bytes[1..], values);
}
