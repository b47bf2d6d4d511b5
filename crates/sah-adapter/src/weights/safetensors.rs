//! Tensors out of safetensors files, single or sharded.
//!
//! Headers are read at once, data when asked for. The headers are parsed by the `safetensors` crate, which also
//! checks that the tensors fill the data without a gap or an overlap.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::gguf::read_range;
use crate::Error;

/// The single file, and the index of a checkpoint in several files.
pub(crate) const SINGLE: &str = "model.safetensors";
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// Headers may not be longer, as in the format's own implementation.
const MAX_HEADER: u64 = 100_000_000;

const CONVERT: &str = "convert the weights with Python: AutoModelForCausalLM.from_pretrained(DIR)\
                       .save_pretrained(DIR, safe_serialization=True)";

/// Where a tensor lies and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    file: usize,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<i64>,
    offset: u64,
    pub(crate) bytes: u64,
}

/// The safetensors files of a checkpoint.
#[derive(Debug)]
pub(crate) struct Safetensors {
    /// The single file or the index: what an error about a missing tensor names.
    pub(crate) path: PathBuf,
    files: Vec<PathBuf>,
    tensors: BTreeMap<String, Entry>,
    /// Tensors in files that the index does not list.
    pub(crate) unlisted: Vec<String>,
}

impl Safetensors {
    /// How many values all tensors have together.
    pub(crate) fn parameters(&self) -> u64 {
        self.parameters_where(|_| 1)
    }

    /// The same where a number of a type holds several values: as many as `held` says.
    pub(crate) fn parameters_where(&self, held: impl Fn(Dtype) -> u64) -> u64 {
        self.tensors.values().map(|entry| count(&entry.shape).saturating_mul(held(entry.dtype))).sum()
    }

    /// How many tensors, and how many files they lie in.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.tensors.len(), self.files.len())
    }

    /// Finds and reads the headers of the weights in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let single = folder.join(SINGLE);
        if single.is_file() {
            let tensors = header(&single, 0)?;
            return Ok(Self { path: single.clone(), files: vec![single], tensors, unlisted: vec![] });
        }
        let index = folder.join(INDEX);
        if index.is_file() {
            return Self::open_sharded(folder, index);
        }
        Err(missing_weights(folder, has_pickles(folder)))
    }

    fn open_sharded(folder: &Path, index: PathBuf) -> Result<Self, Error> {
        let mut files = vec![];
        let (mut tensors, mut unlisted) = (BTreeMap::new(), vec![]);
        let shards = shards(&index)?;
        let missing: Vec<&str> =
            shards.keys().filter(|shard| !folder.join(shard).is_file()).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(missing_shards(folder, &missing));
        }
        for (shard, names) in shards {
            let path = folder.join(&shard);
            let mut inside = header(&path, files.len())?;
            for name in names {
                let Some(entry) = inside.remove(&name) else {
                    return Err(Error::BadFile {
                        path,
                        problem: format!("has no tensor `{name}`, which {INDEX} places in it"),
                        remedy: "fetch the checkpoint again, index and parts from the same revision".into(),
                    });
                };
                tensors.insert(name, entry);
            }
            unlisted.extend(inside.into_keys());
            files.push(path);
        }
        Ok(Self { path: index, files, tensors, unlisted })
    }

    /// The files, in order of their names.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The description of the tensor `name`.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.tensors.get(name)
    }

    /// The names of all tensors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether the name of any tensor begins with `prefix`.
    pub(crate) fn has_any(&self, prefix: &str) -> bool {
        self.tensors.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// A tensor whose name ends as `name` does, but for what stands first in either.
    pub(crate) fn similar(&self, name: &str) -> Option<&str> {
        let rest = name.split_once('.').map_or(name, |(_, rest)| rest);
        self.names().find(|found| {
            found.strip_suffix(rest).is_some_and(|begin| begin.is_empty() || begin.ends_with('.'))
        })
    }

    /// Whether two tensors have the same type, shape and bytes.
    pub(crate) fn is_same(&self, one: &Entry, other: &Entry) -> Result<bool, Error> {
        const CHUNK: u64 = 1 << 20;
        if (one.dtype, &one.shape) != (other.dtype, &other.shape) {
            return Ok(false);
        }
        for offset in (0..one.bytes).step_by(CHUNK as usize) {
            let length = (one.bytes - offset).min(CHUNK);
            let read = |entry: &Entry| read_range(self.file(entry), entry.offset + offset, length);
            if read(one)? != read(other)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The file that holds a tensor.
    pub(crate) fn file(&self, entry: &Entry) -> &Path {
        &self.files[entry.file]
    }

    /// Hands the bytes of a tensor, little-endian, row after row, to `take` in pieces of `chunk` bytes (the last may be
    /// shorter), each with its offset. With `number`: those of one of the parts that its first dimension counts.
    pub(crate) fn read_chunks(
        &self,
        entry: &Entry,
        number: Option<i64>,
        chunk: usize,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (start, bytes) = match (number, entry.shape.first()) {
            (Some(number), Some(&count)) if count > 0 => {
                let bytes = entry.bytes / count.unsigned_abs();
                (entry.offset + number.unsigned_abs() * bytes, bytes)
            }
            _ => (entry.offset, entry.bytes),
        };
        for offset in (0..bytes).step_by(chunk) {
            let length = (bytes - offset).min(chunk as u64);
            take(offset as usize, &read_range(self.file(entry), start + offset, length)?)?;
        }
        Ok(())
    }
}

/// The files that an index lists, in order of name, each with its tensors.
pub(crate) fn shards(index: &Path) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let field = |expected: &str, found: String| Error::Field {
        path: index.to_owned(),
        field: "weight_map".into(),
        expected: expected.into(),
        found,
    };
    let json = crate::hf::json::read(index)?;
    let map = json
        .get("weight_map")
        .and_then(serde_json::Value::as_object)
        .ok_or_else(|| field("an object from tensor to file", "nothing of the kind".into()))?;
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, file) in map {
        let expected = "names of .safetensors files in the same folder";
        let file = file.as_str().ok_or_else(|| field(expected, file.to_string()))?;
        let plain = Path::new(file).file_name().is_some_and(|name| name == file);
        if !plain || !file.ends_with(".safetensors") {
            return Err(field(expected, format!("`{file}`")));
        }
        shards.entry(file.into()).or_default().push(tensor.clone());
    }
    if shards.is_empty() {
        return Err(field("at least one tensor", "none".into()));
    }
    Ok(shards)
}

/// A checkpoint without safetensors. `pickled`: it has weights in Python's own form.
pub(crate) fn missing_weights(folder: &Path, pickled: bool) -> Error {
    let remedy = if pickled {
        CONVERT
    } else if has_file(folder, &[".gguf"]) {
        "give the .gguf file itself as the model"
    } else {
        "download the checkpoint's weights into the folder"
    };
    let file = format!("{SINGLE} or {INDEX}");
    Error::MissingFile { folder: folder.to_owned(), file, remedy: remedy.into() }
}

/// Parts that the index lists are not there.
pub(crate) fn missing_shards(folder: &Path, shards: &[&str]) -> Error {
    const SHOWN: usize = 8;
    let names = shards[..shards.len().min(SHOWN)].join(", ");
    let more =
        if shards.len() > SHOWN { format!(" and {} more", shards.len() - SHOWN) } else { String::new() };
    Error::MissingFile {
        folder: folder.to_owned(),
        file: format!("{names}{more}, which {INDEX} lists"),
        remedy: "fetch what is missing".into(),
    }
}

fn has_pickles(folder: &Path) -> bool {
    has_file(folder, &[".bin", ".pth", ".pt"])
}

fn has_file(folder: &Path, endings: &[&str]) -> bool {
    let matches = |name: &str| endings.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
    std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(matches)))
}

/// Values of a tensor with this shape.
pub(crate) fn count(shape: &[i64]) -> u64 {
    shape.iter().fold(1, |count, &dim| count.saturating_mul(dim.unsigned_abs()))
}

/// The tensors of one file.
fn header(path: &Path, file: usize) -> Result<BTreeMap<String, Entry>, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let bad = |problem: String| Error::BadFile {
        path: path.to_owned(),
        problem,
        remedy: "fetch the file again".into(),
    };
    let mut reader = File::open(path).map_err(read_error)?;
    let len = reader.metadata().map_err(read_error)?.len();
    if len < 8 {
        return Err(bad(format!("is no safetensors file: it has only {len} bytes")));
    }
    let mut size = [0; 8];
    reader.read_exact(&mut size).map_err(read_error)?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER || size > len - 8 {
        let problem =
            format!("truncated or no safetensors file: its header of {size} bytes does not fit into {len}");
        return Err(bad(problem));
    }
    let mut text = vec![0; size as usize];
    reader.read_exact(&mut text).map_err(read_error)?;
    let metadata: Metadata =
        serde_json::from_slice(&text).map_err(|e| bad(format!("bad safetensors header: {e}")))?;
    let start = 8 + size;
    let expected = start + metadata.data_len() as u64;
    if expected != len {
        return Err(bad(format!(
            "truncated safetensors file: its header describes {expected} bytes, it has {len}"
        )));
    }
    Ok(metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            let shape = info.shape.iter().map(|&dim| dim as i64).collect();
            (name, Entry { file, dtype: info.dtype, shape, offset: start + from, bytes: to - from })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::TensorView;

    use super::*;

    fn write(path: &Path, tensors: &[(&str, &[f32])]) {
        let data: Vec<(String, Vec<u8>)> = tensors
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let views: HashMap<&str, TensorView<'_>> = data
            .iter()
            .map(|(name, bytes)| {
                (name.as_str(), TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).unwrap())
            })
            .collect();
        std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    }

    /// All bytes of a tensor, put together from chunks of three.
    fn read(weights: &Safetensors, name: &str) -> Vec<u8> {
        let mut all = vec![];
        let take = |offset: usize, bytes: &[u8]| {
            assert_eq!(offset, all.len());
            all.extend_from_slice(bytes);
            Ok(())
        };
        weights.read_chunks(weights.entry(name).unwrap(), None, 3, take).unwrap();
        all
    }

    fn problem(folder: &Path) -> String {
        Safetensors::open(folder).unwrap_err().to_string()
    }

    #[test]
    fn tensors_are_found_in_one_file_or_in_several() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&at("a-1.safetensors"), &[("x", &[1.0, 2.0])]);
        write(&at("a-2.safetensors"), &[("y", &[3.0]), ("z", &[4.0])]);
        let index =
            r#"{"weight_map": {"x": "a-1.safetensors", "y": "a-2.safetensors", "z": "a-2.safetensors"}}"#;
        std::fs::write(at(INDEX), index).unwrap();
        let weights = Safetensors::open(folder.path()).unwrap();
        assert_eq!(read(&weights, "x"), [1.0_f32, 2.0].map(f32::to_le_bytes).concat());
        assert_eq!(read(&weights, "z"), 4.0_f32.to_le_bytes());
        assert!(weights.file(weights.entry("z").unwrap()).ends_with("a-2.safetensors"));

        std::fs::remove_file(at("a-2.safetensors")).unwrap();
        assert!(problem(folder.path()).contains("a-2.safetensors, which model.safetensors.index.json lists"));

        // A single file wins, as in transformers.
        write(&at(SINGLE), &[("x", &[9.0])]);
        let weights = Safetensors::open(folder.path()).unwrap();
        assert_eq!(read(&weights, "x"), 9.0_f32.to_le_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SINGLE);
        write(&path, &[("x", &[1.0, 2.0]), ("y", &[3.0])]);
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let problem = problem(folder.path());
            assert!(
                problem.contains("model.safetensors: ") && problem.contains("fetch the file again"),
                "{problem}"
            );
        }
    }

    #[test]
    fn flipped_bytes_never_panic_or_over_allocate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SINGLE);
        write(&path, &[("x", &[1.0, 2.0])]);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() - 8 {
            for flip in [0x01, 0x04, 0x80, 0xFF] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                std::fs::write(&path, broken).unwrap();
                let Ok(weights) = Safetensors::open(folder.path()) else { continue };
                for name in weights.tensors.keys() {
                    assert!(read(&weights, name).len() <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_folder_without_safetensors_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        assert!(problem(folder.path()).contains("download the checkpoint's weights"));
        std::fs::write(folder.path().join("m.gguf"), b"").unwrap();
        assert!(problem(folder.path()).contains("give the .gguf file itself"));
        std::fs::write(folder.path().join("pytorch_model.bin"), b"").unwrap();
        assert!(problem(folder.path()).contains("safe_serialization=True"));
    }

    #[test]
    fn an_index_cannot_lead_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let check = |index: &str, expected: &str| {
            std::fs::write(folder.path().join(INDEX), index).unwrap();
            let problem = problem(folder.path());
            assert!(problem.contains(expected), "{problem}");
        };
        check(r#"{"weight_map": {"x": "../x.safetensors"}}"#, "found `../x.safetensors`");
        check(r#"{"weight_map": {"x": 1}}"#, "found 1");
        check(r#"{"weight_map": {}}"#, "at least one tensor");
        check(r#"{"metadata": {}}"#, "`weight_map`");
        check("not json", "is no JSON");
    }
}
