//! The header of a GGUF file: metadata and where each tensor lies.
//!
//! Nothing in the file is trusted: every count and length is held against the bytes that are left before anything
//! is allocated, so that a broken header costs an error and not the machine's memory.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sah_tensor::blocks::{GgmlType, type_name};

use super::value::Value;
use crate::Error;

const MAGIC: [u8; 4] = *b"GGUF";
const DEFAULT_ALIGNMENT: u64 = 32;
/// Arrays of arrays are allowed by the format; nobody nests deeper than this.
const MAX_DEPTH: usize = 4;
/// The longest array taken: a vocabulary of 16 million tokens.
const MAX_ARRAY: u64 = 1 << 24;
const MAX_DIMS: u32 = 8;

/// A tensor as the header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    /// Outermost dimension first, as everywhere but in the file itself.
    pub(crate) shape: Vec<i64>,
    /// The number of its storage type.
    pub(crate) raw_type: u32,
    /// Where its data begins, from the start of the file.
    pub(crate) offset: u64,
    /// Bytes of its data; 0 where the storage type is not known.
    pub(crate) bytes: u64,
    /// Which of [`Gguf::files`] has it.
    pub(crate) file: usize,
}

/// A GGUF model whose header has been read and checked: one file, or one in several parts.
#[derive(Debug)]
pub(crate) struct Gguf {
    /// The file that has the metadata: the only one, or the first part. What errors name.
    pub(crate) path: PathBuf,
    /// All files, in order.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
}

impl Gguf {
    /// Reads the header of one file; the tensors' data stays in the file.
    pub(super) fn open_part(path: &Path) -> Result<Self, Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        let len = file.metadata().map_err(read_error)?.len();
        let header = Cursor { inner: BufReader::new(file), at: 0, len, path };
        header.parse()
    }

    /// The bytes of a tensor. Its type must be one of [`GgmlType`].
    pub(crate) fn read(&self, info: &TensorInfo) -> Result<Vec<u8>, Error> {
        self.read_part(info, 0, info.bytes)
    }

    /// At most `length` bytes of a tensor's data from byte `start` on.
    pub(crate) fn read_part(&self, info: &TensorInfo, start: u64, length: u64) -> Result<Vec<u8>, Error> {
        read_range(&self.files[info.file], info.offset + start, length.min(info.bytes - start))
    }
}

/// `len` bytes of a file from `offset` on.
pub(crate) fn read_range(path: &Path, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read_error)?;
    file.seek(SeekFrom::Start(offset)).map_err(read_error)?;
    let mut bytes = Vec::with_capacity(len as usize);
    file.take(len).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() as u64 == len {
        return Ok(bytes);
    }
    Err(Error::BadFile {
        path: path.to_owned(),
        problem: format!("ends {} bytes early", len - bytes.len() as u64),
        remedy: "fetch the file again".into(),
    })
}

/// Reads the header front to back and knows how much of the file is left.
struct Cursor<'a, R> {
    inner: R,
    at: u64,
    len: u64,
    path: &'a Path,
}

impl<R: Read> Cursor<'_, R> {
    fn parse(mut self) -> Result<Gguf, Error> {
        let magic = self.array::<4>("the magic number")?;
        if magic != MAGIC {
            return Err(self.bad(format!("begins with {magic:02x?}, not with GGUF"), "give a GGUF file"));
        }
        match self.u32("the version")? {
            2 | 3 => {}
            version if version.swap_bytes() <= 3 => {
                return Err(self.bad("is big-endian".into(), "give the little-endian file"));
            }
            version => {
                let problem = format!("is GGUF version {version}; versions 2 and 3 can be read");
                return Err(self.bad(problem, "convert the model again with a current llama.cpp"));
            }
        }
        // The smallest tensor entry: empty name, no dimension, type, offset. The smallest pair: empty key, type, byte.
        let tensor_count = self.count("the number of tensors", 8 + 4 + 4 + 8)?;
        let pair_count = self.count("the number of metadata entries", 8 + 4 + 1)?;

        let mut metadata = BTreeMap::new();
        for i in 0..pair_count {
            let key = self.string(&format!("key {i} of the metadata"))?;
            let value_type = self.u32(&key)?;
            let value = self.value(value_type, &key, 0)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(self.damaged(format!("metadata `{key}` occurs twice")));
            }
        }
        let entries = (0..tensor_count).map(|i| self.tensor_entry(i)).collect::<Result<Vec<_>, _>>()?;
        let alignment = self.alignment(&metadata)?;
        let data_start = self.at.next_multiple_of(alignment);

        let mut tensors = BTreeMap::new();
        for (name, mut info) in entries {
            self.place(&name, &mut info, data_start, alignment)?;
            if tensors.insert(name.clone(), info).is_some() {
                return Err(self.damaged(format!("tensor `{name}` occurs twice")));
            }
        }
        let path = self.path.to_owned();
        Ok(Gguf { files: vec![path.clone()], path, metadata, tensors })
    }

    fn alignment(&self, metadata: &BTreeMap<String, Value>) -> Result<u64, Error> {
        let Some(value) = metadata.get("general.alignment") else { return Ok(DEFAULT_ALIGNMENT) };
        // The upper limit keeps `next_multiple_of` from overflowing; real files have 32 or 64.
        value.as_u64().filter(|a| a.is_power_of_two() && *a <= 1 << 30).ok_or_else(|| Error::Field {
            path: self.path.to_owned(),
            field: "general.alignment".into(),
            expected: "a power of two".into(),
            found: value.describe(),
        })
    }

    /// Name, dimensions, type and offset of a tensor; its offset still counts from the start of the data.
    fn tensor_entry(&mut self, index: u64) -> Result<(String, TensorInfo), Error> {
        let name = self.string(&format!("the name of tensor {index}"))?;
        let dims = self.u32(&name)?;
        if dims > MAX_DIMS {
            return Err(self.damaged(format!("tensor `{name}` has {dims} dimensions")));
        }
        let mut shape = (0..dims)
            .map(|_| {
                let dim = self.u64(&name)?;
                i64::try_from(dim)
                    .map_err(|_| self.damaged(format!("tensor `{name}` has a dimension of {dim}")))
            })
            .collect::<Result<Vec<i64>, Error>>()?;
        // The file has the innermost dimension first.
        shape.reverse();
        let raw_type = self.u32(&name)?;
        let offset = self.u64(&name)?;
        Ok((name, TensorInfo { shape, raw_type, offset, bytes: 0, file: 0 }))
    }

    /// Fills in where the tensor lies in the file and checks that it lies inside.
    fn place(&self, name: &str, info: &mut TensorInfo, start: u64, alignment: u64) -> Result<(), Error> {
        let impossible =
            || self.damaged(format!("tensor `{name}` of shape {:?} cannot be in this file", info.shape));
        let elements =
            info.shape.iter().try_fold(1_u64, |n, &dim| n.checked_mul(dim as u64)).ok_or_else(impossible)?;
        if !info.offset.is_multiple_of(alignment) {
            return Err(self.damaged(format!(
                "tensor `{name}` at offset {} is not aligned to {alignment} bytes",
                info.offset
            )));
        }
        let bytes = match GgmlType::from_raw(info.raw_type) {
            Some(ty) => {
                let row = info.shape.last().copied().unwrap_or(1) as u64;
                if !row.is_multiple_of(ty.block_len() as u64) {
                    return Err(self.damaged(format!(
                        "tensor `{name}` has rows of {row}, no multiple of the {} block of {}",
                        type_name(info.raw_type),
                        ty.block_len()
                    )));
                }
                let blocks = elements / ty.block_len() as u64;
                blocks.checked_mul(ty.block_bytes() as u64).ok_or_else(impossible)?
            }
            None => 0,
        };
        let offset = start.checked_add(info.offset).ok_or_else(impossible)?;
        let end = offset.checked_add(bytes).ok_or_else(impossible)?;
        if end > self.len {
            return Err(self.damaged(format!(
                "tensor `{name}` ends at byte {end}, but the file has only {} bytes",
                self.len
            )));
        }
        (info.offset, info.bytes) = (offset, bytes);
        Ok(())
    }

    fn value(&mut self, value_type: u32, key: &str, depth: usize) -> Result<Value, Error> {
        Ok(match value_type {
            0 => Value::Unsigned(self.array::<1>(key)?[0].into()),
            1 => Value::Signed(self.array::<1>(key)?[0].cast_signed().into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array(key)?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Unsigned(self.u32(key)?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array(key)?).into()),
            6 => Value::F32(f32::from_le_bytes(self.array(key)?)),
            7 => match self.array::<1>(key)?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => return Err(self.damaged(format!("metadata `{key}` is a truth value of {other}"))),
            },
            8 => Value::String(self.string(key)?),
            9 => self.array_value(key, depth)?,
            10 => Value::Unsigned(self.u64(key)?),
            11 => Value::Signed(i64::from_le_bytes(self.array(key)?)),
            12 => Value::F64(f64::from_le_bytes(self.array(key)?)),
            other => return Err(self.damaged(format!("metadata `{key}` has value type {other}"))),
        })
    }

    fn array_value(&mut self, key: &str, depth: usize) -> Result<Value, Error> {
        if depth == MAX_DEPTH {
            return Err(self.damaged(format!("metadata `{key}` nests arrays too deeply")));
        }
        let item_type = self.u32(key)?;
        let smallest = match item_type {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            9 => 12,
            _ => 8,
        };
        let count = self.count(key, smallest)?;
        if count > MAX_ARRAY {
            return Err(self.damaged(format!("metadata `{key}` has {count} items")));
        }
        (0..count)
            .map(|_| self.value(item_type, key, depth + 1))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array)
    }

    /// A count of things that take at least `smallest` bytes each.
    fn count(&mut self, what: &str, smallest: u64) -> Result<u64, Error> {
        let count = self.u64(what)?;
        let left = self.len.saturating_sub(self.at);
        if count > left / smallest {
            return Err(self.damaged(format!("{what}: {count} items do not fit into the {left} bytes left")));
        }
        Ok(count)
    }

    fn string(&mut self, what: &str) -> Result<String, Error> {
        let len = self.count(what, 1)?;
        let mut bytes = vec![0; len as usize];
        self.fill(&mut bytes, what)?;
        String::from_utf8(bytes).map_err(|_| self.damaged(format!("{what}: text that is not UTF-8")))
    }

    fn u32(&mut self, what: &str) -> Result<u32, Error> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, Error> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8], what: &str) -> Result<(), Error> {
        match self.inner.read_exact(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.damaged(format!("the file ends at byte {}, inside {what}", self.len)))
            }
            Err(source) => Err(Error::Read { path: self.path.to_owned(), source }),
        }
    }

    fn damaged(&self, problem: impl Display) -> Error {
        self.bad(format!("broken GGUF header: {problem}"), "fetch the file again")
    }

    fn bad(&self, problem: String, remedy: &str) -> Error {
        Error::BadFile { path: self.path.to_owned(), problem, remedy: remedy.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::Builder;

    fn sample() -> Vec<u8> {
        Builder::new()
            .string("general.architecture", "llama")
            .u32("llama.block_count", 1)
            .f32("llama.rope.freq_base", 1e4)
            .strings("tokenizer.ggml.tokens", &["a", "b"])
            .bool("tokenizer.ggml.add_bos_token", false)
            .tensor("a", 0, &[2, 3], &[1; 24])
            .tensor("q", 8, &[1, 32], &[2; 34])
            .bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Gguf, Error> {
        Cursor { inner: bytes, at: 0, len: bytes.len() as u64, path: Path::new("x.gguf") }.parse()
    }

    #[test]
    fn metadata_and_tensors_are_found() {
        let gguf = parse(&sample()).unwrap();
        assert_eq!(gguf.metadata["general.architecture"], Value::String("llama".into()));
        assert_eq!(gguf.metadata["llama.block_count"], Value::Unsigned(1));
        assert_eq!(gguf.metadata["tokenizer.ggml.tokens"].as_array().unwrap().len(), 2);
        assert_eq!(gguf.tensors["a"].shape, [2, 3]);
        assert_eq!(gguf.tensors["q"].offset, gguf.tensors["a"].offset + 32);
        assert_eq!(gguf.tensors["q"].bytes, 34);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_the_file() {
        let bytes = sample();
        for len in 0..bytes.len() {
            let error = parse(&bytes[..len]).unwrap_err().to_string();
            assert!(error.starts_with("x.gguf: "), "{error}");
        }
    }

    #[test]
    fn flipped_bytes_never_panic_and_never_point_outside() {
        let bytes = sample();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xFF] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                let Ok(gguf) = parse(&broken) else { continue };
                for info in gguf.tensors.values() {
                    assert!(info.offset + info.bytes <= bytes.len() as u64);
                }
            }
        }
    }

    #[test]
    fn huge_counts_are_refused_before_anything_is_allocated() {
        let bytes = sample();
        // Every eight bytes could be a count or a length: the largest values there are.
        for at in 0..bytes.len() - 8 {
            for value in [u64::MAX, u64::MAX / 2, 1 << 40] {
                let mut broken = bytes.clone();
                broken[at..at + 8].copy_from_slice(&value.to_le_bytes());
                let _ = parse(&broken);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |bytes: &[u8], expected: &str| {
            let error = parse(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"PK\x03\x04....", "not with GGUF");
        check(b"GGUF\x01\0\0\0", "version 1");
        check(b"GGUF\0\0\0\x03", "big-endian");
        let tensor = |ty, shape: &[u64], data: &[u8]| Builder::new().tensor("t", ty, shape, data).bytes();
        check(&tensor(0, &[4], &[0; 8]), "ends at byte");
        check(&tensor(2, &[2, 16], &[0; 18]), "no multiple of the Q4_0 block");
        check(&tensor(0, &[1 << 40, 1 << 40], &[]), "cannot be in this file");
        check(&Builder::new().u32("general.alignment", 3).bytes(), "a power of two");
        check(&Builder::new().u32("k", 3).u32("k", 3).bytes(), "`k` occurs twice");
    }

    #[test]
    fn an_unknown_storage_type_does_not_keep_the_header_from_being_read() {
        let gguf = parse(&Builder::new().tensor("t", 28, &[256], &[]).bytes()).unwrap();
        assert_eq!(gguf.tensors["t"].raw_type, 28);
    }
}
