//! `HashAttention` weights as torch writes them, against what Python reads in them (`tests/reference/hash_attention.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sah_adapter::{Error, HashConversion, convert_hash_attention};
use sah_attention::{
    Activation, AttentionInputs, HashAttentionConfig, HashAttentionMasker, HashSource, Mask, Masker as _,
    RequestState, Size,
};
use serde::Deserialize;
use tch::{Device, Tensor};

#[derive(Deserialize)]
struct Golden {
    queries: Vec<f32>,
    keys: Vec<f32>,
    /// For each layer, head and row, the keys that are selected.
    dictionary: Vec<Vec<Vec<Vec<usize>>>>,
    checkpoint: Vec<Vec<Vec<Vec<usize>>>>,
}

const FOUND: HashConversion =
    HashConversion { layers: 2, heads: 2, head_dim: 4, matrices: 2, hidden: Some(6), bits: 8, ignored: 0 };

fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/hash_attention").join(file)
}

fn golden() -> Golden {
    serde_json::from_slice(&std::fs::read(reference("golden.json")).unwrap()).unwrap()
}

fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    Tensor::read_safetensors(path).unwrap().into_iter().collect()
}

/// Converts `file`; compares tensors with those of `form`.safetensors, and selections with `selected`.
fn check(file: &str, form: &str, found: HashConversion, selected: &[Vec<Vec<Vec<usize>>>]) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("weights.safetensors");
    assert_eq!(convert_hash_attention(&reference(file), &output).unwrap(), found, "{file}");
    let (ours, expected) = (tensors(&output), tensors(&reference(&format!("{form}.safetensors"))));
    assert_eq!(ours.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{file}");
    for (name, tensor) in &ours {
        assert_eq!(tensor.kind(), expected[name].kind(), "{file}: {name}");
        assert_eq!(tensor, &expected[name], "{file}: {name}");
    }

    let masker = HashAttentionMasker::new(&HashAttentionConfig {
        heavy_size: Size::Count(5),
        hat_bits: 8,
        weights: HashSource::File {
            path: output,
            mlp_layers: Some(2),
            mlp_hidden_size: Some(6),
            activation: Some(Activation::Silu),
        },
    })
    .unwrap();
    let golden = golden();
    let queries = Tensor::from_slice(&golden.queries).view([1, 2, 3, 4]);
    let keys = Tensor::from_slice(&golden.keys).view([1, 2, 24, 4]);
    let inputs = AttentionInputs::new(&queries, &keys, &keys, 0.5).unwrap();
    let mut state = RequestState::new(0);
    for (layer, selected) in selected.iter().enumerate() {
        let empty = Mask::empty(inputs.dims().mask_shape());
        let mask = masker.select(&inputs, &mut state.layer(layer, 0), empty).unwrap();
        let mask = Vec::<f32>::try_from(mask.to_dense(Device::Cpu).unwrap().view([-1])).unwrap();
        for (row, expected) in mask.chunks(24).zip(selected.iter().flatten()) {
            let row: Vec<usize> = (0..24).filter(|&key| row[key] > 0.0).collect();
            assert_eq!(&row, expected, "{file}: layer {layer}");
        }
    }
}

#[test]
fn a_pickle_of_matrices_by_layer() {
    let selected = golden().dictionary;
    for file in ["dictionary-3.pkl", "dictionary-4.pkl"] {
        check(file, "dictionary", FOUND, &selected);
    }
}

#[test]
fn a_checkpoint_head_by_head() {
    let selected = golden().checkpoint;
    for file in ["checkpoint.pt", "checkpoint-legacy.pt"] {
        check(file, "checkpoint", HashConversion { ignored: 2, ..FOUND }, &selected);
    }
}

#[test]
fn a_pickle_that_would_run_a_command_runs_nothing() {
    let marker = Path::new("/tmp/a-pickle-of-hash-attention-was-run");
    let _ = std::fs::remove_file(marker);
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("weights.safetensors");
    let error = convert_hash_attention(&reference("os_system.pkl"), &output).unwrap_err();
    assert!(matches!(&error, Error::ForbiddenGlobal { name, .. } if name == "posix.system"), "{error}");
    assert!(error.to_string().contains("os_system.pkl: asks for Python's `posix.system`"), "{error}");
    assert!(!marker.exists() && !output.exists());
}

/// What is left of a file never passes for a whole one.
#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    for file in ["dictionary-3.pkl", "dictionary-4.pkl", "checkpoint.pt", "checkpoint-legacy.pt"] {
        let whole = std::fs::read(reference(file)).unwrap();
        for length in (0..whole.len()).step_by(5).chain([whole.len() - 1]) {
            std::fs::write(&input, &whole[..length]).unwrap();
            let converted = convert_hash_attention(&input, &output);
            assert!(matches!(converted, Err(Error::BadFile { .. })), "{file}, {length} bytes: {converted:?}");
        }
    }
}

#[test]
fn a_file_of_something_else_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    let check = |bytes: &[u8], part: &str| {
        std::fs::write(&input, bytes).unwrap();
        let error = convert_hash_attention(&input, &output).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(b"", "the file ends within the pickle");
    check(b"no pickle", "byte 0: instruction 0x6e is not one that weights need");
    check(b"\x80\x04}.", "the whole: holds nothing");
    check(b"\x80\x04].", "the whole: expected a dict, found a list or tuple");
    check(b"\x80\x04}K\x00}s.", "layer 0: query_matrix: is not there");
    check(b"\x80\x04}\x8c\x01aNs.", "has no entry with learning_to_hash_transformation_");
    let name = b"0.learning_to_hash_transformation_q.0.1.weight";
    check(&[b"\x80\x04}\x8c\x2e", &name[..], b"Ns."].concat(), "is not named {layer}.learning_to_hash");
    check(b"PK\x03\x04", "zip archive: ");
    let missing = convert_hash_attention(Path::new("no/such.pkl"), &output).unwrap_err();
    assert!(matches!(missing, Error::Read { .. }), "{missing}");
}
