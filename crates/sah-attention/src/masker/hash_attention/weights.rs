//! The networks that compute signatures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::masker::toolkit::RandomStream;

/// What is applied after each matrix of a network but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x Phi(x)`, with the exact normal distribution function.
    Gelu,
    /// Hyperbolic tangent.
    Tanh,
}

/// One network for each of `L` heads: `x -> act(x M_0 + b_0) .. M_t + b_t`.
#[derive(Debug)]
pub(super) struct Networks {
    /// Matrices `[L, in, out]` and biases `[L, 1, out]`, of `Float`.
    layers: Vec<(Tensor, Option<Tensor>)>,
    activation: Activation,
}

impl Networks {
    /// Random hyperplanes through the origin.
    pub(super) fn random(
        seed: u64,
        heads: usize,
        head_dim: usize,
        bits: usize,
        device: Device,
    ) -> Result<Self> {
        let normals = RandomStream::new(seed, 0).normals(heads * head_dim * bits);
        let matrix =
            Tensor::f_from_slice(&normals)?.f_view([heads, head_dim, bits].map(|size| size as i64))?;
        Ok(Self { layers: vec![(matrix.f_to_device(device)?, None)], activation: Activation::Relu })
    }

    pub(super) fn copy(&self) -> Self {
        let copy = |(matrix, bias): &(Tensor, Option<Tensor>)| {
            (matrix.shallow_clone(), bias.as_ref().map(Tensor::shallow_clone))
        };
        Self { layers: self.layers.iter().map(copy).collect(), activation: self.activation }
    }

    fn to_device(&self, device: Device) -> Result<Self> {
        let to = |(matrix, bias): &(Tensor, Option<Tensor>)| -> Result<_> {
            let bias = bias.as_ref().map(|bias| bias.f_to_device(device)).transpose()?;
            Ok((matrix.f_to_device(device)?, bias))
        };
        Ok(Self { layers: self.layers.iter().map(to).collect::<Result<_>>()?, activation: self.activation })
    }

    /// Those of some of the heads.
    fn narrow(&self, heads: &Range<usize>) -> Result<Self> {
        let of_heads = |tensor: &Tensor| tensor.f_narrow(0, heads.start as i64, heads.len() as i64);
        let narrow = |(matrix, bias): &(Tensor, Option<Tensor>)| -> Result<_> {
            Ok((of_heads(matrix)?, bias.as_ref().map(of_heads).transpose()?))
        };
        Ok(Self {
            layers: self.layers.iter().map(narrow).collect::<Result<_>>()?,
            activation: self.activation,
        })
    }

    /// Number of heads, `L`.
    pub(super) fn heads(&self) -> usize {
        self.layers[0].0.size()[0] as usize
    }

    fn inputs(&self) -> usize {
        self.layers[0].0.size()[1] as usize
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let elements = |(matrix, bias): &(Tensor, Option<Tensor>)| {
            matrix.numel() + bias.as_ref().map_or(0, Tensor::numel)
        };
        4 * self.layers.iter().map(elements).sum::<usize>()
    }

    /// Outputs `[B, L, N, bits]` for vectors `[B, L, N, D]`.
    pub(super) fn forward(&self, vectors: &Tensor) -> Result<Tensor> {
        let mut x = vectors.f_to_kind(Kind::Float)?;
        for (at, (matrix, bias)) in self.layers.iter().enumerate() {
            x = x.f_matmul(matrix)?;
            if let Some(bias) = bias {
                x = x.f_add(bias)?;
            }
            if at + 1 < self.layers.len() {
                x = match self.activation {
                    Activation::Relu => x.f_relu()?,
                    Activation::Silu => x.f_silu()?,
                    Activation::Gelu => x.f_gelu("none")?,
                    Activation::Tanh => x.f_tanh()?,
                };
            }
        }
        Ok(x)
    }
}

/// The networks of a layer, for queries and for keys.
#[derive(Debug)]
pub(super) struct LayerNetworks {
    pub(super) query: Networks,
    pub(super) key: Networks,
}

/// Trained networks of every layer, from a safetensors file.
///
/// The file holds, for each layer `L`, each matrix `T` from 0 of its network, and `query` and `key`:
///
/// | tensor | shape | |
/// |---|---|---|
/// | `layers.L.query.T.weight` | `[H, in, out]` | applied as `x M`; `in` of the first is `D`, `out` of the last is `hat_bits` |
/// | `layers.L.query.T.bias` | `[H, out]` | may be missing |
///
/// `H` is the number of query heads, or that of key/value heads, whose query heads then share their network. Any
/// floating-point kind; computed in `Float`.
#[derive(Debug)]
pub struct HashWeights {
    path: PathBuf,
    /// A tensor may not be shared between threads without a lock.
    layers: Mutex<BTreeMap<usize, LayerNetworks>>,
}

impl HashWeights {
    /// Reads and checks a file. `activation` is needed where a network has more than one matrix.
    pub fn read(path: &Path, bits: usize, activation: Option<Activation>) -> Result<Self> {
        let fail = |place: &str, problem: String| Error::File {
            path: path.to_owned(),
            place: place.to_owned(),
            problem,
        };
        let tensors = Tensor::read_safetensors(path).map_err(|error| fail("file", error.to_string()))?;
        let mut tensors: BTreeMap<String, Tensor> = tensors.into_iter().collect();
        let mut layers = BTreeMap::new();
        while let Some(name) = tensors.keys().next().cloned() {
            let layer =
                name.strip_prefix("layers.").and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
            let layer = layer.ok_or_else(|| {
                fail(&name, "is not named `layers.{number}.{query|key}.{number}.{weight|bias}`".to_owned())
            })?;
            let mut side = |side: &str| -> Result<Networks> {
                let prefix = format!("layers.{layer}.{side}");
                take(&mut tensors, &prefix, bits, activation)
                    .map_err(|(place, problem)| fail(&place, problem))
            };
            let (query, key) = (side("query")?, side("key")?);
            if (query.heads(), query.inputs()) != (key.heads(), key.inputs()) {
                let problem = "queries and keys must have the same heads and inputs".to_owned();
                return Err(fail(&format!("layers.{layer}"), problem));
            }
            if layers.insert(layer, LayerNetworks { query, key }).is_some() {
                return Err(fail(
                    &name,
                    "belongs to no network: numbers must count from 0 without a gap".to_owned(),
                ));
            }
        }
        if layers.is_empty() {
            return Err(fail("file", "holds no tensor".to_owned()));
        }
        Ok(Self { path: path.to_owned(), layers: Mutex::new(layers) })
    }

    /// Whether every network has `mlp_layers` matrices with `hidden` outputs before the last, as far as these are given.
    pub(super) fn check_networks(&self, mlp_layers: Option<usize>, hidden: Option<usize>) -> Result<()> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        for (layer, networks) in layers.iter() {
            for network in [&networks.query, &networks.key] {
                let fail = |problem| Error::File {
                    path: self.path.clone(),
                    place: format!("layers.{layer}"),
                    problem,
                };
                let count = network.layers.len();
                if let Some(expected) = mlp_layers.filter(|&expected| expected != count) {
                    return Err(fail(format!(
                        "hat_mlp_layers is {expected}, the network has {count} matrices"
                    )));
                }
                for (matrix, _) in &network.layers[..count - 1] {
                    let found = matrix.size()[2] as usize;
                    if let Some(expected) = hidden.filter(|&expected| expected != found) {
                        return Err(fail(format!(
                            "hat_mlp_hidden_size is {expected}, a matrix has {found} outputs"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// The networks of `layer` on the device of `inputs`, for their heads.
    pub(super) fn layer(&self, layer: usize, inputs: &AttentionInputs<'_>) -> Result<LayerNetworks> {
        let (dims, of_layer, device) = (inputs.dims(), inputs.layer_heads(), inputs.device());
        let (heads, kv_heads, head_dim) = (of_layer.all * dims.group(), of_layer.all, dims.head_dim);
        let fail =
            |problem| Error::File { path: self.path.clone(), place: format!("layers.{layer}"), problem };
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let networks = layers.get(&layer).ok_or_else(|| fail("is not there".to_owned()))?;
        let (found, inputs) = (networks.key.heads(), networks.key.inputs());
        if found != heads && found != kv_heads {
            let problem = format!("must have {heads} or {kv_heads} heads as the model has, has {found}");
            return Err(fail(problem));
        }
        if inputs != head_dim {
            return Err(fail(format!("must take the model's {head_dim} elements of a key, takes {inputs}")));
        }
        let part = of_layer.part_of(found, dims.kv_heads);
        let of_part = |networks: &Networks| networks.narrow(&part)?.to_device(device);
        Ok(LayerNetworks { query: of_part(&networks.query)?, key: of_part(&networks.key)? })
    }
}

/// Takes the tensors `{prefix}.{0..}.{weight|bias}` out of `tensors` as networks with `bits` outputs. Fails with place and
/// problem.
fn take(
    tensors: &mut BTreeMap<String, Tensor>,
    prefix: &str,
    bits: usize,
    activation: Option<Activation>,
) -> Result<Networks, (String, String)> {
    let mut layers: Vec<(Tensor, Option<Tensor>)> = Vec::new();
    let mut shape: Option<(i64, i64)> = None;
    while let Some(matrix) = tensors.remove(&format!("{prefix}.{}.weight", layers.len())) {
        let at = layers.len();
        let place = format!("{prefix}.{at}.weight");
        let &[heads, inputs, outputs] = &matrix.size()[..] else {
            return Err((place, format!("must have shape [H, in, out], got {:?}", matrix.size())));
        };
        if shape.is_some_and(|shape| shape != (heads, inputs)) || heads * inputs * outputs == 0 {
            let problem = format!(
                "must have the heads and take the outputs of the one before, got {:?}",
                matrix.size()
            );
            return Err((place, problem));
        }
        let float = |tensor: &Tensor, place: &str| {
            let given = tensor.kind();
            if !matches!(given, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) {
                return Err((place.to_owned(), format!("must be of a floating-point kind, got {given:?}")));
            }
            tensor.f_to_kind(Kind::Float).map_err(|error| (place.to_owned(), error.to_string()))
        };
        let matrix = float(&matrix, &place)?;
        let place = format!("{prefix}.{at}.bias");
        let added = match tensors.remove(&place) {
            None => None,
            Some(added) if added.size() == [heads, outputs] => Some(float(&added, &place)?.unsqueeze(1)),
            Some(added) => {
                return Err((place, format!("must have shape [{heads}, {outputs}], got {:?}", added.size())));
            }
        };
        layers.push((matrix, added));
        shape = Some((heads, outputs));
    }
    let Some((_, outputs)) = shape else {
        return Err((format!("{prefix}.0.weight"), "is not there".to_owned()));
    };
    if outputs as usize != bits {
        let place = format!("{prefix}.{}.weight", layers.len() - 1);
        return Err((place, format!("must have hat_bits = {bits} outputs, has {outputs}")));
    }
    let activation = match activation {
        Some(activation) => activation,
        None if layers.len() == 1 => Activation::Relu,
        None => {
            let problem = "has more than one matrix: hat_mlp_activation must be given".to_owned();
            return Err((prefix.to_owned(), problem));
        }
    };
    Ok(Networks { layers, activation })
}
