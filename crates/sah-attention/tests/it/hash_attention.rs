//! `HashAttention` against its rule, with networks from a file and random hyperplanes.

use std::path::PathBuf;

use sah_attention::{
    Activation, HashAttentionConfig, HashAttentionMasker, HashSource, HashWeights, Masker, RequestState, Size,
};
use tch::{Device, Kind, Tensor};

use crate::rules::{Entries, Problem, check_top_k, each_entry, vector};
use crate::seeded::seeded;

on_devices!(the_most_equal_bits_are_selected, random_hyperplanes_rank_by_angle);

/// A weight file that is gone at the end.
pub(crate) struct WeightFile {
    pub(crate) path: PathBuf,
    tensors: Vec<(String, Tensor)>,
}

impl WeightFile {
    /// Networks for layers 1 and 2: from 16 elements through `widths`.
    pub(crate) fn new(name: &str, heads: i64, widths: &[i64]) -> Self {
        let path = std::env::temp_dir().join(format!("sah-hash-{}-{name}.safetensors", std::process::id()));
        let random = |size: &[i64]| Tensor::randn(size, (Kind::Float, Device::Cpu));
        let tensors = seeded(11, || {
            let mut tensors = Vec::new();
            for layer in [1, 2] {
                for side in ["query", "key"] {
                    let mut inputs = 16;
                    for (at, &outputs) in widths.iter().enumerate() {
                        let name = |part| format!("layers.{layer}.{side}.{at}.{part}");
                        tensors.push((name("weight"), random(&[heads, inputs, outputs])));
                        // The first matrix has no bias.
                        if at > 0 {
                            tensors.push((name("bias"), random(&[heads, outputs])));
                        }
                        inputs = outputs;
                    }
                }
            }
            tensors
        });
        Self { path, tensors }.written()
    }

    fn written(self) -> Self {
        Tensor::write_safetensors(&self.tensors, &self.path).unwrap();
        self
    }

    fn change(&mut self, name: &str, new: &str, tensor: Option<Tensor>) {
        let at = self.tensors.iter().position(|(other, _)| other == name).unwrap();
        let (_, old) = self.tensors.remove(at);
        self.tensors.push((new.to_owned(), tensor.unwrap_or(old)));
        Tensor::write_safetensors(&self.tensors, &self.path).unwrap();
    }

    pub(crate) fn masker(&self, heavy: usize, bits: usize, activation: Activation) -> HashAttentionMasker {
        let weights = HashSource::File {
            path: self.path.clone(),
            mlp_layers: None,
            mlp_hidden_size: None,
            activation: Some(activation),
        };
        let config = HashAttentionConfig { heavy_size: Size::Count(heavy), hat_bits: bits, weights };
        HashAttentionMasker::new(&config).unwrap()
    }

    /// A signature, written out.
    fn signature(&self, layer: usize, side: &str, head: usize, x: &[f64], act: fn(f64) -> f64) -> Vec<bool> {
        let tensor =
            |name: String| self.tensors.iter().find(|(other, _)| *other == name).map(|(_, tensor)| tensor);
        let mut x = x.to_vec();
        for at in 0.. {
            let name = format!("layers.{layer}.{side}.{at}");
            let Some(matrix) = tensor(format!("{name}.weight")) else { break };
            if at > 0 {
                x = x.into_iter().map(act).collect();
            }
            let matrix = matrix.get(head as i64);
            let mut out = match tensor(format!("{name}.bias")) {
                Some(bias) => Vec::<f64>::try_from(bias.get(head as i64).to_kind(Kind::Double)).unwrap(),
                None => vec![0.0; matrix.size()[1] as usize],
            };
            for (row, x) in x.iter().enumerate() {
                let row = Vec::<f64>::try_from(matrix.get(row as i64).to_kind(Kind::Double)).unwrap();
                for (out, weight) in out.iter_mut().zip(row) {
                    *out += x * weight;
                }
            }
            x = out;
        }
        x.into_iter().map(|x| x > 0.0).collect()
    }
}

impl Drop for WeightFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn the_most_equal_bits_are_selected(device: Device) {
    for seed in 0..24 {
        let problem = Problem::new(seed, 16, device);
        let shape = problem.shape;
        let (widths, bits): (&[i64], usize) =
            [(&[20, 24, 32][..], 32), (&[40][..], 40), (&[12, 7][..], 7)][seed as usize % 3];
        let heads = if seed % 2 == 0 { shape.heads } else { problem.kv_heads };
        let file = WeightFile::new(&format!("rule-{seed}-{device:?}"), heads as i64, widths);
        let mask = problem.select(&file.masker(9, bits, Activation::Silu));

        let silu = |x: f64| x / (1.0 + (-x).exp());
        let network = |h: usize| h / (shape.heads / heads);
        let kv_head = |h: usize| h / (shape.heads / problem.kv_heads);
        let signature = |side, h, x: Vec<f64>| file.signature(1, side, network(h), &x, silu);
        let mut signatures = std::collections::HashMap::new();
        for b in 0..shape.batch {
            for h in 0..shape.heads {
                for i in 0..shape.queries {
                    let of = signature("query", h, vector(&problem.tensors.queries, b, h, i));
                    signatures.insert(("query", b, h, i), of);
                }
                for j in 0..shape.keys {
                    let of = signature("key", h, vector(&problem.tensors.keys, b, kv_head(h), j));
                    signatures.insert(("key", b, h, j), of);
                }
            }
        }
        // The later of two keys that share as many bits ranks higher.
        let scores = each_entry(&problem.tensors, shape, problem.kv_heads, |_, _, [b, h, i, j]| {
            let (query, key) = (&signatures[&("query", b, h, i)], &signatures[&("key", b, h, j)]);
            let equal = query.iter().zip(key).filter(|(q, k)| q == k).count();
            (equal * shape.keys + j) as f64
        });
        check_top_k(&mask, &Entries::weights(&problem.previous()), &scores, problem.window, 9, 0.0);
    }
}

pub(crate) fn random_masker(heavy: usize, bits: usize) -> HashAttentionMasker {
    let config =
        HashAttentionConfig { heavy_size: Size::Count(heavy), hat_bits: bits, weights: HashSource::Random };
    HashAttentionMasker::new(&config).unwrap()
}

/// Two vectors at angle a share a share 1 - a / pi of the bits: with 1,024 bits the choice is that by angle, but for keys
/// within four standard deviations (2 * 4 * 0.016) of the border.
fn random_hyperplanes_rank_by_angle(device: Device) {
    let mut other_choices = 0;
    for seed in 0..9 {
        let problem = Problem::new(seed, 16, device);
        let mask = problem.select(&random_masker(11, 1024));
        let shares = each_entry(&problem.tensors, problem.shape, problem.kv_heads, |query, key, _| {
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let cosine = crate::rules::dot(query, key) / norm(query) / norm(key);
            1.0 - cosine.clamp(-1.0, 1.0).acos() / std::f64::consts::PI
        });
        check_top_k(&mask, &Entries::weights(&problem.previous()), &shares, problem.window, 11, 0.128);
        let again = problem.select(&random_masker(11, 1024)).to_dense(device).unwrap();
        assert!(mask.to_dense(device).unwrap().equal(&again));
        let other = problem.select_with(&random_masker(11, 1024), &mut RequestState::new(1000));
        other_choices += usize::from(!other.to_dense(device).unwrap().equal(&again));
    }
    assert!(other_choices > 4, "the seed hardly matters");
}

#[test]
fn files_are_checked() {
    let file = || WeightFile::new("checks", 4, &[8, 6]);
    let message = |file: &WeightFile, bits| {
        HashWeights::read(&file.path, bits, Some(Activation::Relu))
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(message(&file(), 6), Ok(()));
    let check = |file: &WeightFile, part: &str| {
        let error = message(file, 6).unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    assert!(message(&file(), 7).unwrap_err().ends_with("1.weight: must have hat_bits = 7 outputs, has 6"));
    let zeros = |size: &[i64]| Some(Tensor::zeros(size, (Kind::Float, Device::Cpu)));
    let changed = |name: &str, new: &str, tensor| {
        let mut file = file();
        file.change(name, new, tensor);
        file
    };
    let (first, second) = ("layers.1.key.0.weight", "layers.1.key.1.weight");
    check(&changed(first, "nets.1", None), "layers.1.key.0.weight: is not there");
    check(&changed("layers.2.key.1.bias", "zz", None), "zz: is not named `layers.{number}");
    check(
        &changed(second, "layers.1.key.3.weight", None),
        "layers.1.key.0.weight: must have hat_bits = 6 outputs",
    );
    check(&changed(first, first, zeros(&[4, 16])), "must have shape [H, in, out], got [4, 16]");
    check(
        &changed(second, second, zeros(&[3, 8, 6])),
        "must have the heads and take the outputs of the one before",
    );
    check(
        &changed("layers.1.key.1.bias", "layers.1.key.1.bias", zeros(&[4, 5])),
        "must have shape [4, 6], got [4, 5]",
    );
    let integers = Some(Tensor::zeros([4, 16, 8], (Kind::Int64, Device::Cpu)));
    check(&changed(first, first, integers), "must be of a floating-point kind, got Int64");
    check(&changed(first, first, zeros(&[4, 9, 8])), "queries and keys must have the same heads and inputs");
    let error = HashWeights::read(&file().path, 6, None).unwrap_err().to_string();
    assert!(
        error.ends_with("layers.1.query: has more than one matrix: hat_mlp_activation must be given"),
        "{error}"
    );
    let gone = file().path.clone();
    assert!(HashWeights::read(&gone, 6, None).unwrap_err().to_string().contains(": file: "));
}

#[test]
fn files_are_checked_against_config_and_model() {
    let file = WeightFile::new("model", 5, &[8, 6]);
    let build = |mlp_layers, mlp_hidden_size| {
        let activation = Some(Activation::Tanh);
        let weights = HashSource::File { path: file.path.clone(), mlp_layers, mlp_hidden_size, activation };
        HashAttentionMasker::new(&HashAttentionConfig { heavy_size: Size::Count(3), hat_bits: 6, weights })
    };
    assert!(build(Some(2), Some(8)).is_ok());
    let message = |layers, hidden| build(layers, hidden).unwrap_err().to_string();
    assert!(message(Some(3), None).ends_with("layers.1: hat_mlp_layers is 3, the network has 2 matrices"));
    assert!(message(None, Some(9)).ends_with("layers.1: hat_mlp_hidden_size is 9, a matrix has 8 outputs"));

    let problem = |d| Problem::new(2, d, Device::Cpu);
    let error = |problem: &Problem, layer| {
        let mut state = RequestState::new(0);
        let masker = build(None, None).unwrap();
        masker
            .select(&problem.inputs(), &mut state.layer(layer, 0), problem.previous())
            .unwrap_err()
            .to_string()
    };
    assert!(error(&problem(16), 1).contains("layers.1: must have "), "{}", error(&problem(16), 1));
    assert!(error(&problem(16), 0).ends_with("layers.0: is not there"));
}
