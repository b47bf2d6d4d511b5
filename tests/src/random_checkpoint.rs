//! Checkpoints of random weights, of any size: written in pieces, so that they need not fit into memory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

/// A tensor to be written.
#[derive(Clone, Debug)]
pub struct RandomTensor {
    /// Its name in the checkpoint.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it holds.
    pub values: Values,
}

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Random bf16 numbers of either sign from 2^n to 2^(n + 1), without the end.
    Bf16(i8),
    /// The same bf16 number everywhere, by its bits.
    SameBf16(u16),
    /// The same f32 number everywhere, by its bits.
    SameF32(u32),
    /// Random numbers of the form E4M3.
    E4M3,
    /// Words of random bits.
    Words,
    /// Random bytes.
    Bytes,
    /// The same byte everywhere.
    SameByte(u8),
}

impl RandomTensor {
    /// A tensor by its parts.
    #[must_use]
    pub fn new(name: impl Into<String>, shape: &[usize], values: Values) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), values }
    }

    /// Bytes in the file.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.values.size()
    }
}

impl Values {
    fn dtype(self) -> &'static str {
        match self {
            Self::Bf16(_) | Self::SameBf16(_) => "BF16",
            Self::SameF32(_) => "F32",
            Self::E4M3 => "F8_E4M3",
            Self::Words => "I32",
            Self::Bytes | Self::SameByte(_) => "U8",
        }
    }

    /// Bytes of one.
    fn size(self) -> usize {
        match self {
            Self::Bf16(_) | Self::SameBf16(_) => 2,
            Self::SameF32(_) | Self::Words => 4,
            Self::E4M3 | Self::Bytes | Self::SameByte(_) => 1,
        }
    }

    /// Eight bytes of them, out of 64 random bits.
    fn eight(self, random: u64) -> u64 {
        let halves = |half: u16| u64::from(half) * 0x0001_0001_0001_0001;
        match self {
            Self::Bf16(exponent) => {
                let exponent = (127 + i16::from(exponent)).cast_unsigned() << 7;
                random & halves(0x807F) | halves(exponent)
            }
            Self::SameBf16(bits) => halves(bits),
            Self::SameF32(bits) => u64::from(bits) << 32 | u64::from(bits),
            // Without the highest bit of the exponent none is the one that is no number.
            Self::E4M3 => random & 0xBFBF_BFBF_BFBF_BFBF,
            Self::Words | Self::Bytes => random,
            Self::SameByte(byte) => u64::from(byte) * 0x0101_0101_0101_0101,
        }
    }
}

/// Writes `config.json`, and `shards` with their index, into `folder`; the same numbers every time.
///
/// # Errors
///
/// Files that cannot be written.
pub fn write(folder: &Path, config: &Value, shards: &[Vec<RandomTensor>]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), config.to_string())?;
    let mut state = 1_u64;
    let mut places = Map::new();
    for (number, tensors) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        write_shard(&folder.join(&name), tensors, &mut state)?;
        places.extend(tensors.iter().map(|tensor| (tensor.name.clone(), json!(name))));
    }
    let index = json!({ "metadata": {}, "weight_map": places });
    fs::write(folder.join("model.safetensors.index.json"), index.to_string())
}

fn write_shard(path: &Path, tensors: &[RandomTensor], state: &mut u64) -> io::Result<()> {
    let (mut header, mut end) = (Map::new(), 0);
    for RandomTensor { name, shape, values } in tensors {
        let begin = end;
        end += shape.iter().product::<usize>() * values.size();
        let entry = json!({ "dtype": values.dtype(), "shape": shape, "data_offsets": [begin, end] });
        header.insert(name.clone(), entry);
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for tensor in tensors {
        let mut left = tensor.bytes();
        while left > 0 {
            // xorshift (Marsaglia 2003).
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            let bytes = tensor.values.eight(*state).to_le_bytes();
            let count = left.min(bytes.len());
            file.write_all(&bytes[..count])?;
            left -= count;
        }
    }
    file.flush()
}
