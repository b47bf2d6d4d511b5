//! In which forms a cache stores keys and values.

use std::fmt;

use tch::Kind;

use super::{int8, kivi};

/// How a key or a value of one head, `D` numbers, is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvFormat {
    /// As numbers of a floating-point kind.
    Plain(Kind),
    /// As integers from -127 to 127 and the f32 that they are multiplied by, which is the largest magnitude of the row over
    /// 127. Numbers are rounded to the nearest, half to even. A row that holds an infinity or NaN is NaN.
    Int8,
    /// As codes of a few bits in groups (KIVI: Liu et al. 2024, arXiv 2402.02750), once rows are [packed](super::KvRows::pack); as
    /// numbers of a kind until then, and those that are never packed.
    ///
    /// A group is 32 tokens of one channel of keys, or 32 channels of one token of values; all `D` where 32 do not divide them.
    /// `x` is stored as `round((x - minimum) / scale)`, half to even, with `scale = (maximum - minimum) / (2^bits - 1)`; minimum
    /// and scale of each group are f16.
    Kivi {
        /// Bits of a code.
        bits: KiviBits,
        /// The kind of rows that are not packed.
        plain: Kind,
    },
}

/// Bits of a code of [`KvFormat::Kivi`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KiviBits {
    /// 4 codes.
    Two,
    /// 16 codes.
    Four,
}

impl KiviBits {
    /// How many.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Codes in a byte.
    pub(crate) fn per_byte(self) -> usize {
        8 / self.count() as usize
    }
}

/// Whether rows are keys, which [`KvFormat::Kivi`] groups by channel, or values, which it groups by token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvSide {
    /// Keys.
    Keys,
    /// Values.
    Values,
}

impl KvFormat {
    /// Bytes of `dim` numbers; of [`KvFormat::Kivi`], those of a packed key.
    #[must_use]
    pub fn row_bytes(self, dim: usize) -> usize {
        match self {
            Self::Kivi { bits, .. } => dim / bits.per_byte() + dim * kivi::PARAMETER_BYTES / kivi::GROUP,
            Self::Plain(_) | Self::Int8 => {
                let (kind, extra) = self.layout();
                (dim + extra) * kind.elt_size_in_bytes()
            }
        }
    }

    /// Of so many tokens of a context, how many are to be packed: whole groups of the first ones, so that at least the last 128 stay
    /// as they are. 0 where the format packs none.
    #[must_use]
    pub fn packed_of(self, tokens: usize) -> usize {
        match self {
            Self::Kivi { .. } => tokens.saturating_sub(kivi::RECENT) / kivi::GROUP * kivi::GROUP,
            Self::Plain(_) | Self::Int8 => 0,
        }
    }

    /// Whether rows are packed once a context is read.
    #[must_use]
    pub fn packs(self) -> bool {
        matches!(self, Self::Kivi { .. })
    }

    /// The kind of the tensor that holds rows which are not packed, and by how much they are longer there.
    pub(super) fn layout(self) -> (Kind, usize) {
        match self {
            Self::Plain(kind) | Self::Kivi { plain: kind, .. } => (kind, 0),
            Self::Int8 => (Kind::Int8, int8::SCALE_BYTES),
        }
    }
}

impl fmt::Display for KvFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(kind) => write!(f, "{kind:?}"),
            Self::Int8 => f.write_str("int8 with a scale"),
            Self::Kivi { bits, .. } => write!(f, "int{} in groups", bits.count()),
        }
    }
}
