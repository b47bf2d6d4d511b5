//! Storage types of GGUF tensors.

/// A storage type that this crate can turn into numbers.
///
/// The quantised ones store blocks along the last dimension; how a block is laid out stands beside its
/// dequantisation in `dequant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GgmlType {
    /// Numbers of 32 bits, one a block.
    F32,
    /// Numbers of 16 bits, one a block.
    F16,
    /// The upper halves of f32, one a block.
    Bf16,
    /// 32 quants of 4 bits with a scale.
    Q4_0,
    /// 32 quants of 4 bits with a scale and a minimum.
    Q4_1,
    /// 32 quants of 5 bits with a scale.
    Q5_0,
    /// 32 quants of 5 bits with a scale and a minimum.
    Q5_1,
    /// 32 quants of 8 bits with a scale.
    Q8_0,
    /// 256 quants of 2 bits, each 16 with a scale and a minimum of 4 bits.
    Q2K,
    /// 256 quants of 3 bits, each 16 with a scale of 6 bits.
    Q3K,
    /// 256 quants of 4 bits, each 32 with a scale and a minimum of 6 bits.
    Q4K,
    /// 256 quants of 5 bits, each 32 with a scale and a minimum of 6 bits.
    Q5K,
    /// 256 quants of 6 bits, each 16 with a scale of 8 bits.
    Q6K,
    /// 256 values of 1.56 bits: points of a grid for each 8, each 32 with a scale of 3 bits.
    Iq1S,
    /// The same of 1.75 bits, each 16 with a scale.
    Iq1M,
    /// 256 values of 2.06 bits: points of a grid for each 8, each 32 with a scale of 4 bits.
    Iq2Xxs,
    /// The same of 2.31 bits, each 16 with a scale.
    Iq2Xs,
    /// The same of 2.56 bits, with all signs.
    Iq2S,
    /// 256 values of 3.06 bits: points of a grid for each 4, each 32 with a scale of 4 bits.
    Iq3Xxs,
    /// The same of 3.44 bits, with all signs.
    Iq3S,
    /// 32 of 16 values with a scale.
    Iq4Nl,
    /// 256 of the same values, each 32 with a scale of 6 bits.
    Iq4Xs,
    /// 256 values of -1, 0 and 1, five in a byte, with a scale.
    Tq1_0,
    /// The same, four in a byte.
    Tq2_0,
    /// 32 numbers of 4 bits with a power of 2.
    Mxfp4,
}

impl GgmlType {
    /// What an error lists as readable.
    pub const SUPPORTED: &'static str = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, \
         IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0, MXFP4";

    /// From the number in the file.
    #[must_use]
    pub fn from_raw(raw: u32) -> Option<Self> {
        Some(match raw {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            16 => Self::Iq2Xxs,
            17 => Self::Iq2Xs,
            18 => Self::Iq3Xxs,
            19 => Self::Iq1S,
            20 => Self::Iq4Nl,
            21 => Self::Iq3S,
            22 => Self::Iq2S,
            23 => Self::Iq4Xs,
            29 => Self::Iq1M,
            30 => Self::Bf16,
            34 => Self::Tq1_0,
            35 => Self::Tq2_0,
            39 => Self::Mxfp4,
            _ => return None,
        })
    }

    /// Its name, as ggml has it.
    #[must_use]
    pub fn name(self) -> String {
        // Above 39, no type is one that can be read.
        (0..=39).find(|&raw| Self::from_raw(raw) == Some(self)).map_or_else(String::new, type_name)
    }

    /// Elements of one block.
    #[must_use]
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::Iq4Nl | Self::Mxfp4 => 32,
            _ => 256,
        }
    }

    /// Bytes of one block.
    #[must_use]
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 | Self::Iq4Nl => 2 + 16,
            Self::Q4_1 => 2 + 2 + 16,
            Self::Q5_0 => 2 + 4 + 16,
            Self::Q5_1 => 2 + 2 + 4 + 16,
            Self::Q8_0 => 2 + 32,
            Self::Q2K => 16 + 64 + 2 + 2,
            Self::Q3K | Self::Iq3S => 64 + 32 + 12 + 2,
            Self::Q4K => 2 + 2 + 12 + 128,
            Self::Q5K => 2 + 2 + 12 + 32 + 128,
            Self::Q6K => 128 + 64 + 16 + 2,
            Self::Iq1S => 2 + 32 + 16,
            Self::Iq1M => 32 + 16 + 8,
            Self::Iq2Xxs | Self::Tq2_0 => 2 + 64,
            Self::Iq2Xs => 2 + 64 + 8,
            Self::Iq2S => 2 + 32 + 32 + 8 + 8,
            Self::Iq3Xxs => 2 + 64 + 32,
            Self::Iq4Xs => 2 + 2 + 4 + 128,
            Self::Tq1_0 => 48 + 4 + 2,
            Self::Mxfp4 => 1 + 16,
        }
    }
}

/// The name of a storage type, for errors, whether it can be read or not.
#[must_use]
pub fn type_name(raw: u32) -> String {
    let name = match raw {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        30 => "BF16",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return format!("unknown type {raw}"),
    };
    name.to_owned()
}
