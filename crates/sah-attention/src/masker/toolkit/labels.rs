//! Short copies of vectors, quantised to a few bits each.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::masker::toolkit::GrowingTensor;

/// Number of bits from which on nothing is quantised.
const EXACT: u32 = 16;

/// To which side a value between two steps goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearer one, to the even one where both are as near.
    Nearest,
    /// Up, so that an upper bound stays one.
    Up,
}

/// Quantisation of each vector by itself to `2^bits` steps between its smallest and its largest element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiser {
    bits: u32,
    rounding: Rounding,
}

impl Quantiser {
    /// `bits` from 1 to 16; 16 keeps vectors as they are.
    pub fn new(bits: u32, rounding: Rounding) -> Result<Self> {
        if !(1..=EXACT).contains(&bits) {
            return Err(Error::Field {
                field: "label_bits",
                expected: "from 1 to 16",
                found: bits.to_string(),
            });
        }
        Ok(Self { bits, rounding })
    }

    fn is_exact(self) -> bool {
        self.bits == EXACT
    }

    /// Codes of `vectors`, `[.., r, n]` with a vector in each column, as whole numbers of `Float`, and the least element and
    /// the step of each, `[.., 1, n]`.
    fn quantise(self, vectors: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
        let vectors = vectors.f_to_kind(Kind::Float)?;
        let least = vectors.f_amin([-2i64].as_slice(), true)?;
        let range = vectors.f_amax([-2i64].as_slice(), true)?.f_sub(&least)?;
        let range = range.f_masked_fill(&range.f_eq(0.0)?, 1.0)?;
        let steps = f64::from((1_u32 << self.bits) - 1);
        let codes = vectors.f_sub(&least)?.f_mul(&range.f_reciprocal()?.f_mul_scalar(steps)?)?;
        let codes = match self.rounding {
            Rounding::Nearest => codes.f_round()?,
            Rounding::Up => codes.f_ceil()?,
        };
        Ok((codes.f_clamp(0.0, steps)?, least, range.f_div_scalar(steps)?))
    }

    /// `vectors`, `[.., r, n]`, as they are read after quantisation, in `Float`.
    pub fn apply(self, vectors: &Tensor) -> Result<Tensor> {
        if self.is_exact() {
            return Ok(vectors.f_to_kind(Kind::Float)?);
        }
        let (codes, least, step) = self.quantise(vectors)?;
        Ok(codes.f_mul(&step)?.f_add(&least)?)
    }
}

/// Vectors in columns `[.., r, n]`, stored in the quantiser's bits: two codes a byte up to 4 bits, one a byte up to 8, one
/// in two bytes above; least element and step of each vector in `Float`.
#[derive(Debug)]
pub struct Labels {
    quantiser: Quantiser,
    /// Elements of a vector, `r`.
    width: usize,
    codes: GrowingTensor,
    /// Least element and step, `[.., 2, n]`; empty where nothing is quantised.
    scales: GrowingTensor,
}

impl Labels {
    /// No vector yet. `leading` are the sizes before `r` and `n`, `kind` that of vectors that are kept as they are.
    pub fn new(
        quantiser: Quantiser,
        leading: &[usize],
        width: usize,
        kind: Kind,
        device: Device,
    ) -> Result<Self> {
        let (rows, kind) = match quantiser.bits {
            1..=4 => (width.div_ceil(2), Kind::Uint8),
            5..=8 => (width, Kind::Uint8),
            9..EXACT => (width, Kind::Int16),
            _ => (width, kind),
        };
        let sizes = |rows| [leading, &[rows]].concat();
        let codes = GrowingTensor::new(&sizes(rows), kind, device)?;
        Ok(Self { quantiser, width, codes, scales: GrowingTensor::new(&sizes(2), Kind::Float, device)? })
    }

    /// Forgets the vectors from `at` on and writes `vectors`, `[.., r, m]`, instead.
    pub fn write(&mut self, at: usize, vectors: &Tensor) -> Result<()> {
        if self.quantiser.is_exact() {
            return self.codes.write(at, vectors);
        }
        let (mut codes, least, step) = self.quantiser.quantise(vectors)?;
        if self.quantiser.bits <= 4 {
            let width = self.width as i64;
            let codes_of = |first: i64| codes.f_slice(-2, first, width, 2);
            let (low, high) = (codes_of(0)?, codes_of(1)?);
            let high = high.f_pad(
                [0, 0, 0, low.size()[low.dim() - 2] - high.size()[high.dim() - 2]],
                "constant",
                0.0,
            )?;
            codes = low.f_add(&high.f_mul_scalar(16.0)?)?;
        }
        self.scales.write(at, &Tensor::f_cat(&[least, step], -2)?)?;
        self.codes.write(at, &codes)
    }

    /// The vectors, `[.., r, n]`, in `Float`.
    pub fn values(&self) -> Result<Tensor> {
        let mut codes = self.codes.view()?;
        if self.quantiser.is_exact() {
            return Ok(codes.f_to_kind(Kind::Float)?);
        }
        if self.quantiser.bits <= 4 {
            let (low, high) = (codes.f_bitwise_and(15)?, codes.f_bitwise_right_shift_tensor_scalar(4)?);
            let pairs = Tensor::f_stack(&[low, high], -2)?;
            codes = pairs.f_flatten(-3, -2)?.f_narrow(-2, 0, self.width as i64)?;
        }
        let scales = self.scales.view()?;
        let (least, step) = (scales.f_narrow(-2, 0, 1)?, scales.f_narrow(-2, 1, 1)?);
        Ok(codes.f_to_kind(Kind::Float)?.f_mul(&step)?.f_add(&least)?)
    }

    /// Forgets the vectors from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.codes.truncate(len);
        self.scales.truncate(len);
    }

    /// An independent copy.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { codes: self.codes.fork(), scales: self.scales.fork(), ..*self }
    }

    /// Memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.codes.bytes() + self.scales.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::seeded;

    fn stored(bits: u32, rounding: Rounding, vectors: &Tensor) -> (Tensor, usize) {
        let quantiser = Quantiser::new(bits, rounding).unwrap();
        let (width, kind) = (vectors.size()[1] as usize, vectors.kind());
        let mut labels =
            Labels::new(quantiser, &[vectors.size()[0] as usize], width, kind, Device::Cpu).unwrap();
        for at in 0..vectors.size()[2] {
            labels.write(at as usize, &vectors.narrow(2, at, 1)).unwrap();
        }
        let applied = quantiser.apply(vectors).unwrap();
        assert!(labels.values().unwrap().equal(&applied), "{bits} bits: stored and applied differ");
        labels.write(0, vectors).unwrap();
        (labels.values().unwrap(), labels.bytes() / vectors.size()[2] as usize)
    }

    #[test]
    fn codes_take_their_bits_and_are_within_half_a_step() {
        let vectors = seeded(1, || Tensor::randn([2, 5, 16], (Kind::Float, Device::Cpu)));
        let range = vectors.amax([1i64].as_slice(), true) - vectors.amin([1i64].as_slice(), true);
        for (bits, bytes) in [(1, 3 + 8), (4, 3 + 8), (5, 5 + 8), (8, 5 + 8), (12, 10 + 8), (16, 20)] {
            let (values, per_vector) = stored(bits, Rounding::Nearest, &vectors);
            assert!(
                per_vector >= 2 * bytes && per_vector <= 2 * bytes * 9 / 8 + 1,
                "{bits} bits: {per_vector}"
            );
            let step = &range / f64::from((1 << bits.min(15)) - 1);
            let steps = ((&values - &vectors) / step).abs().max().double_value(&[]);
            assert!(steps < 0.51, "{bits} bits: {steps} steps");
            let (above, _) = stored(bits, Rounding::Up, &vectors);
            assert!((above - &vectors).min().double_value(&[]) > -1e-6);
        }
        let constant = Tensor::full([1, 4, 2], 3.0, (Kind::Float, Device::Cpu));
        assert!(stored(4, Rounding::Nearest, &constant).0.equal(&constant), "no range");
        assert!(Quantiser::new(0, Rounding::Up).is_err() && Quantiser::new(17, Rounding::Up).is_err());
    }

    #[test]
    fn the_middle_goes_to_the_even_step() {
        let vectors = Tensor::from_slice(&[0.0f32, 1.5, 2.5, 3.0]).view([1, 4, 1]);
        let (values, _) = stored(2, Rounding::Nearest, &vectors);
        assert_eq!(Vec::<f32>::try_from(values.view([-1])).unwrap(), [0.0, 2.0, 2.0, 3.0]);
    }
}
