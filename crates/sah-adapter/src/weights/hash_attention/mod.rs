//! The published weights of `HashAttention`, as the safetensors file that its masker reads.
//!
//! `HashAttention`, Desai et al. 2024, arXiv 2412.14468; the authors call it USA. Two forms are published: a pickle of
//! [matrices by layer](dictionary), and a [checkpoint](checkpoint) as training leaves it.

mod checkpoint;
mod dictionary;
mod stacked;

use std::collections::BTreeMap;
use std::path::Path;

use sah_attention::{Activation, HashWeights};
use sah_pickle::{Problem, Saved, Value};

use self::stacked::Stacked;
use crate::Error;

/// Tensors by the names that [`HashWeights`] reads.
type Tensors<'a> = BTreeMap<String, Stacked<'a>>;

/// What is wrong, and where in the file.
type Result<T> = std::result::Result<T, Misfit>;

/// A part of the file that is no weight of `HashAttention`.
#[derive(Debug)]
struct Misfit {
    place: String,
    problem: String,
}

impl Misfit {
    #[expect(clippy::needless_pass_by_value, reason = "texts and errors are made where they are passed")]
    fn new(place: impl Into<String>, problem: impl ToString) -> Self {
        Self { place: place.into(), problem: problem.to_string() }
    }

    fn of(self, path: &Path) -> Error {
        Error::BadFile {
            path: path.to_owned(),
            problem: format!("{}: {}", self.place, self.problem),
            remedy: "expected weights of HashAttention; crates/sah-attention/docs/maskers/hash_attention_top_k.md has the forms"
                .into(),
        }
    }
}

/// What a file of `HashAttention` weights turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashConversion {
    /// Layers that have networks.
    pub layers: usize,
    /// Heads that have a network each.
    pub heads: usize,
    /// Elements of a query or key, `D`.
    pub head_dim: usize,
    /// Matrices of a network: `hat_mlp_layers`.
    pub matrices: usize,
    /// Outputs of the matrix before the last: `hat_mlp_hidden_size`. `None` where there is only one.
    pub hidden: Option<usize>,
    /// Bits of a signature: `hat_bits`.
    pub bits: usize,
    /// Entries of the file that belong to no network, and were left out.
    pub ignored: usize,
}

/// Converts published weights to the safetensors file that [`HashWeights`] reads. No code of the input is run: it is read
/// by a machine that knows tensors and plain data alone.
///
/// The input is a pickle of `{layer: {"query_matrix": [..], "query_bias": [..], "key_matrix": [..], "key_bias": [..]}}`, with
/// a tensor `[H, in, out]` or `[H, out]` for each matrix of the networks; or a checkpoint by `torch.save` with
/// `{layer}.learning_to_hash_transformation_{q|k}.{head}.{0, 2, ..}.{weight|bias}`, weights `[out, in]`, where the bias may
/// be missing. Elements stay in their type: f64, f32, f16 or bf16.
///
/// # Errors
///
/// [`Error::ForbiddenGlobal`] where the file asks for anything of Python that weights do not need; [`Error::BadFile`]
/// where it is broken or holds something else. `output` is then not there, or not whole.
pub fn convert_hash_attention(input: &Path, output: &Path) -> std::result::Result<HashConversion, Error> {
    let bytes = std::fs::read(input).map_err(|source| Error::Read { path: input.to_owned(), source })?;
    let saved = sah_pickle::read(&bytes).map_err(|problem| unreadable(problem, input))?;
    let (tensors, ignored) = collect(&saved, bytes.len()).map_err(|misfit| misfit.of(input))?;
    safetensors::serialize_to_file(&tensors, None, output).map_err(|error| Error::BadFile {
        path: output.to_owned(),
        problem: format!("cannot be written: {error}"),
        remedy: "check the folder and the room on the disk".into(),
    })?;
    describe(&tensors, ignored, output).map_err(|misfit| misfit.of(input))
}

/// The error for the file `path`, which is no pickle of tensors.
fn unreadable(problem: Problem, path: &Path) -> Error {
    let path = path.to_owned();
    match problem {
        Problem::Forbidden { module, name, at } => {
            Error::ForbiddenGlobal { path, name: format!("{module}.{name}"), byte: at }
        }
        other => Error::BadFile {
            path,
            problem: other.to_string(),
            remedy: "expected a pickle of tensors, by pickle.dump (protocol 3 or later) or torch.save".into(),
        },
    }
}

fn collect<'a>(saved: &Saved<'a>, length: usize) -> Result<(Tensors<'a>, usize)> {
    let misfit = |problem| Misfit::new("the whole", problem);
    let entries = saved.dict(saved.root()).map_err(misfit)?;
    let (tensors, ignored) = match entries.first() {
        None => return Err(Misfit::new("the whole", "holds nothing")),
        Some((Value::Text(_), _)) => checkpoint::collect(saved, entries)?,
        Some(_) => (dictionary::collect(saved, entries)?, 0),
    };
    // Names may share tensors, as zero biases might, so that the output could be far larger than the file.
    let bytes = tensors.values().try_fold(0_usize, |sum, tensor| sum.checked_add(tensor.bytes()));
    if bytes.is_none_or(|bytes| bytes > length.saturating_mul(4)) {
        return Err(Misfit::new("the whole", "its tensors have more than four times the bytes of the file"));
    }
    Ok((tensors, ignored))
}

/// Reads back what was written, with the checks of the masker.
fn describe(tensors: &Tensors<'_>, ignored: usize, output: &Path) -> Result<HashConversion> {
    let query = |matrix: usize| {
        let ending = format!(".query.{matrix}.weight");
        tensors.iter().filter(move |(name, _)| name.ends_with(&ending)).map(|(_, tensor)| tensor.shape())
    };
    let shapes: Vec<&[usize]> = (0..).map_while(|matrix| query(matrix).next()).collect();
    let (Some(&&[heads, head_dim, _]), Some(&&[_, before, bits])) = (shapes.first(), shapes.last()) else {
        return Err(Misfit::new("query", "has no matrix [H, in, out]"));
    };
    // Which function stands between the matrices is not in the file and does not matter here.
    let read = HashWeights::read(output, bits, Some(Activation::Silu));
    let _read = read.map_err(|error| match error {
        sah_attention::Error::File { place, problem, .. } => Misfit::new(place, problem),
        other => Misfit::new("the whole", other),
    })?;
    Ok(HashConversion {
        layers: query(0).count(),
        heads,
        head_dim,
        matrices: shapes.len(),
        hidden: (shapes.len() > 1).then_some(before),
        bits,
        ignored,
    })
}

/// The name that [`HashWeights`] reads.
fn name(layer: usize, side: &str, matrix: usize, kind: &str) -> String {
    format!("layers.{layer}.{side}.{matrix}.{kind}")
}
