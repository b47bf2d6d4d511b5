//! Tiny random checkpoints and the logits that transformers gave for them: `tests/reference/tiny_models.py` writes both.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use sah_adapter::Network;
use sah_attention::AttentionPolicy;
use serde::Deserialize;
use tch::{Device, Kind};

use crate::project_root;

/// Largest difference of a logit in f32, where logits are of order 1.
pub const F32_BOUND: f32 = 1e-4;

/// Largest difference of a logit in bf16 to transformers' in bf16. Both round activations to 8 bits (a step is 0.0078 at
/// 1), but in other places: softmax, norms and rotary embeddings are in f32 here.
pub const BF16_BOUND: f32 = 0.3;

/// How many times as far from transformers' f32 our bf16 may be as transformers' own bf16.
pub const BF16_RATIO: f32 = 2.0;

/// What version 5 makes of checkpoints that version 4 wrote.
const BY_5: &str = "golden-5.json";

/// One checkpoint, and what one version of transformers makes of it.
#[derive(Debug)]
pub struct TinyModel {
    /// The name of its folder.
    pub name: String,
    /// `config.json`, the weights and the goldens.
    pub folder: PathBuf,
    golden: Golden,
}

#[derive(Debug, Deserialize)]
struct Golden {
    format_version: u32,
    versions: Versions,
    prompt: Vec<u32>,
    pieces: Vec<usize>,
    generated: Vec<u32>,
    f32: Logits,
    bf16: Logits,
}

/// What the goldens were made with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Versions {
    /// Version of transformers.
    pub transformers: String,
    /// Version of torch.
    pub torch: String,
}

#[derive(Debug, Deserialize)]
struct Logits {
    /// After the prompt, read at once.
    whole: Vec<f32>,
    /// After each piece of the prompt.
    pieces: Vec<Vec<f32>>,
    /// After each token behind the pieces.
    decoded: Vec<Vec<f32>>,
}

/// The kind in which transformers computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// In f32.
    F32,
    /// In bf16.
    Bf16,
}

/// The largest differences of logits.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    /// After the prompt, read at once.
    pub whole: f32,
    /// After each piece of the prompt.
    pub pieces: f32,
    /// After each token that was decoded.
    pub decoded: f32,
    /// Whether the best token was the same at every step.
    pub same_tokens: bool,
}

impl Differences {
    /// The largest difference of all.
    #[must_use]
    pub fn largest(&self) -> f32 {
        self.whole.max(self.pieces).max(self.decoded)
    }
}

/// The folder of the checkpoint `name`.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    project_root().join("tests/fixtures/models").join(name)
}

impl TinyModel {
    /// Reads the goldens of the checkpoint `name`, by the version of transformers that wrote it.
    ///
    /// # Errors
    ///
    /// A file that is missing or has another format.
    pub fn read(name: &str) -> anyhow::Result<Self> {
        Self::read_golden(name, "golden.json")
    }

    /// The same by every version that has the architecture, the one that wrote it first.
    ///
    /// # Errors
    ///
    /// As [`TinyModel::read`].
    pub fn read_all(name: &str) -> anyhow::Result<Vec<Self>> {
        let mut all = vec![Self::read(name)?];
        if folder(name).join(BY_5).exists() {
            all.push(Self::read_golden(name, BY_5)?);
        }
        Ok(all)
    }

    fn read_golden(name: &str, file: &str) -> anyhow::Result<Self> {
        let folder = folder(name);
        let path = folder.join(file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let golden: Golden = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        ensure!(golden.format_version == 1, "{}: format version {}", path.display(), golden.format_version);
        Ok(Self { name: name.to_owned(), folder, golden })
    }

    /// What the goldens were made with.
    #[must_use]
    pub fn versions(&self) -> &Versions {
        &self.golden.versions
    }

    /// How far transformers' own logits in bf16 are from those in f32.
    #[must_use]
    pub fn bf16_of_transformers(&self) -> f32 {
        let Golden { f32, bf16, .. } = &self.golden;
        let pairs =
            |logits: &Logits| [vec![logits.whole.clone()], logits.pieces.clone(), logits.decoded.clone()];
        let pairs = pairs(f32).concat().into_iter().zip(pairs(bf16).concat());
        pairs.map(|(left, right)| difference(&left, &right)).fold(0.0, f32::max)
    }

    /// Runs the checkpoint in `folder` as `kind` and compares with the logits of transformers in `against`.
    ///
    /// # Errors
    ///
    /// A checkpoint that cannot be loaded or run.
    pub fn compare(&self, folder: &Path, kind: Kind, against: Against) -> anyhow::Result<Differences> {
        let golden = &self.golden;
        let expected = match against {
            Against::F32 => &golden.f32,
            Against::Bf16 => &golden.bf16,
        };
        let network = Network::load(folder, Device::Cpu, kind)?;
        let room = golden.prompt.len() + golden.generated.len();
        let dense = &mut AttentionPolicy::dense();

        let found = network.sequence(room)?.feed(&golden.prompt, dense)?;
        let whole = difference(&found, &expected.whole);

        let mut sequence = network.sequence(room)?;
        let mut prompt = golden.prompt.as_slice();
        let (mut pieces, mut decoded, mut same_tokens) = (0f32, 0f32, true);
        let mut logits = vec![];
        for (length, expected) in golden.pieces.iter().zip(&expected.pieces) {
            let (piece, rest) = prompt.split_at(*length);
            logits = sequence.feed(piece, dense)?;
            pieces = pieces.max(difference(&logits, expected));
            prompt = rest;
        }
        for (token, expected) in golden.generated.iter().zip(&expected.decoded) {
            same_tokens &= best(&logits) == *token as usize;
            logits = sequence.feed(&[*token], dense)?;
            decoded = decoded.max(difference(&logits, expected));
        }
        ensure!(prompt.is_empty() && sequence.length() == room, "{}: the golden is not whole", self.name);
        Ok(Differences { whole, pieces, decoded, same_tokens })
    }
}

/// The largest absolute difference; infinite where the lists do not match or hold something else than numbers.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    if left.len() != right.len() {
        return f32::INFINITY;
    }
    let distance = |(left, right): (&f32, &f32)| {
        let distance = (left - right).abs();
        if distance.is_nan() { f32::INFINITY } else { distance }
    };
    left.iter().zip(right).map(distance).fold(0.0, f32::max)
}

/// The first of the largest.
fn best(logits: &[f32]) -> usize {
    let better = |best: usize, at: usize| if logits[at] > logits[best] { at } else { best };
    (0..logits.len()).fold(0, better)
}
