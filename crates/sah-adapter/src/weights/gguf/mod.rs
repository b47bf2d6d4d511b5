//! Tensors and configuration out of a GGUF file.
//!
//! The format is described in ggml's `docs/gguf.md`. The parser is our own: the crates that read GGUF bring an
//! inference engine along or trust the lengths in the file.

mod config;
mod dequant;
mod names;
mod reader;
#[cfg(test)]
pub(crate) mod testing;
mod types;
mod value;

pub(crate) use config::{Metadata, hf_config};
pub(crate) use reader::{Gguf, read_range};

use names::Permuted;
use reader::TensorInfo;
use types::{GgmlType, type_name};

use crate::Error;

/// The tensors of a GGUF file under their Hugging Face names and in Hugging Face order.
#[derive(Debug)]
pub(crate) struct GgufWeights {
    pub(crate) file: Gguf,
    /// Rows of one query or key head, for undoing the converters' permutation.
    head_dim: usize,
}

impl GgufWeights {
    /// `config` is what [`hf_config`] made of the same file.
    pub(crate) fn new(file: Gguf, config: &serde_json::Value) -> Self {
        // `hf_config` has checked it: an even number above 0.
        let head_dim = config["head_dim"].as_u64().unwrap_or(2) as usize;
        Self { file, head_dim }
    }

    fn info(&self, name: &str) -> Option<(String, &TensorInfo)> {
        let stored = names::gguf_name(name)?;
        let info = self.file.tensors.get(&stored)?;
        Some((stored, info))
    }

    /// Shape of the tensor that Hugging Face calls `name`.
    pub(crate) fn shape(&self, name: &str) -> Option<&[i64]> {
        self.info(name).map(|(_, info)| info.shape.as_slice())
    }

    /// Values of the tensor `name`, row after row; `None` where there is no such tensor.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<f32>>, Error> {
        let Some((stored, info)) = self.info(name) else { return Ok(None) };
        if names::permuted(name) == Permuted::No {
            return values(&self.file, &stored, info).map(Some);
        }
        let rows = info.shape.first().map_or(0, |&rows| rows as usize);
        if rows % self.head_dim != 0 {
            return Err(Error::BadFile {
                path: self.file.path.clone(),
                problem: format!(
                    "tensor `{stored}` has {rows} rows, no multiple of a head's {}",
                    self.head_dim
                ),
                remedy: "convert the model again".into(),
            });
        }
        let ty = readable(&self.file, &stored, info)?;
        let bytes = self.file.read(info)?;
        // Rows consist of whole blocks (the reader checked it), so they can be moved before they are dequantised.
        // A bias has one value a row.
        let row_bytes = bytes.len() / rows.max(1);
        let ordered: Vec<u8> = (0..rows)
            .flat_map(|row| {
                let from = names::stored_row(row, self.head_dim) * row_bytes;
                &bytes[from..from + row_bytes]
            })
            .copied()
            .collect();
        Ok(Some(dequant::dequantise(ty, &ordered)))
    }
}

fn readable(file: &Gguf, stored: &str, info: &TensorInfo) -> Result<GgmlType, Error> {
    GgmlType::from_raw(info.raw_type).ok_or_else(|| Error::TensorType {
        path: file.path.clone(),
        name: stored.into(),
        found: type_name(info.raw_type),
        supported: GgmlType::SUPPORTED.into(),
    })
}

/// Values of a tensor in the order of the file.
fn values(file: &Gguf, stored: &str, info: &TensorInfo) -> Result<Vec<f32>, Error> {
    let ty = readable(file, stored, info)?;
    Ok(dequant::dequantise(ty, &file.read(info)?))
}

#[cfg(test)]
mod tests {
    use super::testing::{Builder, open};
    use super::value::Value;
    use super::*;
    use serde_json::json;

    fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
        values.into_iter().flat_map(f32::to_le_bytes).collect()
    }

    #[test]
    fn query_rows_come_back_in_the_order_of_rotate_half() {
        // Two heads of four rows; row r holds r. Stored order of a head: 0, 2, 1, 3.
        let stored = floats([0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0].map(|row: f32| [row; 2]).concat());
        let builder = Builder::new()
            .tensor("blk.0.attn_q.weight", 0, &[8, 2], &stored)
            .tensor("blk.0.attn_v.weight", 0, &[8, 2], &stored)
            .tensor("blk.0.attn_k.bias", 0, &[4], &floats([0.0, 2.0, 1.0, 3.0]));
        let (_folder, file) = open(builder);
        let weights = GgufWeights::new(file, &json!({ "head_dim": 4 }));
        let read = |name: &str| weights.read(name).unwrap().unwrap();
        let ascending = (0..8).flat_map(|row| [row as f32; 2]).collect::<Vec<_>>();
        assert_eq!(read("model.layers.0.self_attn.q_proj.weight"), ascending);
        assert_eq!(read("model.layers.0.self_attn.k_proj.bias"), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(read("model.layers.0.self_attn.v_proj.weight")[2..4], [2.0, 2.0]);
        assert_eq!(weights.shape("model.layers.0.self_attn.q_proj.weight"), Some(&[8, 2][..]));
        assert!(weights.read("lm_head.weight").unwrap().is_none());
    }

    #[test]
    fn a_type_that_cannot_be_read_is_named_with_its_tensor() {
        let (_folder, file) = open(Builder::new().tensor("output.weight", 12, &[1, 256], &[0; 144]));
        let error = GgufWeights::new(file, &json!({ "head_dim": 2 })).read("lm_head.weight").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`output.weight` is stored as Q4_K; supported: F32, F16"), "{text}");
    }

    /// The file and its values were made by the `gguf` Python package, see `tests/reference/make_goldens.py`.
    #[test]
    fn every_type_gives_the_bits_of_the_python_package() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let file = Gguf::open(&folder.join("every_type.gguf")).unwrap();
        let expected = std::fs::read(folder.join("every_type.safetensors")).unwrap();
        let expected = safetensors::SafeTensors::deserialize(&expected).unwrap();
        assert_eq!(expected.len(), GgmlType::SUPPORTED.split(", ").count());
        for (name, tensor) in expected.iter() {
            let info = &file.tensors[name];
            assert_eq!(info.shape, [3, 512], "{name}");
            let found: Vec<u8> =
                values(&file, name, info).unwrap().into_iter().flat_map(f32::to_le_bytes).collect();
            assert_eq!(found, tensor.data(), "{name}");
        }
    }

    #[test]
    fn every_type_of_metadata_is_read() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/every_type.gguf");
        let metadata = Gguf::open(&path).unwrap().metadata;
        for (key, expected) in [
            ("t.u8", Value::Unsigned(200)),
            ("t.i8", Value::Signed(-5)),
            ("t.u16", Value::Unsigned(60_000)),
            ("t.i16", Value::Signed(-300)),
            ("t.i32", Value::Signed(-70_000)),
            ("t.f32", Value::F32(1e-5)),
            ("t.u64", Value::Unsigned(1 << 40)),
            ("t.i64", Value::Signed(-(1 << 40))),
            ("t.f64", Value::F64(0.1)),
            ("t.bool", Value::Bool(true)),
            ("t.strings", Value::Array(["a", "ü", ""].map(|text| Value::String(text.into())).to_vec())),
        ] {
            assert_eq!(metadata[key], expected, "{key}");
        }
    }

    /// One hash over all tensors of the default model, by name, as `tests/reference/make_goldens.py` takes it.
    #[test]
    #[ignore = "needs the default model (cargo xtask setup)"]
    fn the_default_model_gives_the_bits_of_the_python_package() {
        use sha2::{Digest, Sha256};

        let crate_folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let golden = crate::hf::json::read(&crate_folder.join("tests/reference/smollm2.json")).unwrap();
        let path = crate_folder.join("../../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
        let file = Gguf::open(&path).unwrap();
        let mut digest = Sha256::new();
        for (name, info) in &file.tensors {
            digest.update(name);
            for value in values(&file, name, info).unwrap() {
                digest.update(value.to_le_bytes());
            }
        }
        let found = digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(found, golden["tensors_sha256"]);
    }
}
