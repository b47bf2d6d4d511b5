//! What all architectures do: embed tokens, run them through the layers, and give the logits of the last one.

use std::ops::Range;

use sah_attention::{AttentionPolicy, Density, KvFormat};
use sah_tensor::torch::{Matrix, rowwise};
use tch::{Device, Kind, Tensor};
use tracing::trace_span;

use super::attend::{Attend, BatchRows, OneSequence};
use super::attention::KeysAndValues;
use super::dims::HeadDims;
use super::feed_forward::FeedForward;
use super::layer_input::{LayerInput, LayerInputs};
use super::linear::Linear;
use super::mixer::{AttentionShape, Mixer};
use super::norm::Norm;
use super::rope::{Rope, Rotation};
use super::tie::Tie;
use super::{CausalLm, ModelSizes, NewTokens, Step, StepDensity};
use crate::Error;
use crate::cache::{Batch, CacheShape, KvCache, LayerShape};
use crate::weights::WeightPath;

/// A decoder-only transformer with its language modelling head.
#[derive(Debug)]
pub(super) struct Transformer {
    pub(super) embedding: Embedding,
    /// Vectors of each layer's own for each token.
    pub(super) layer_inputs: Option<LayerInputs>,
    /// The rotary embeddings that layers choose from.
    pub(super) ropes: Vec<Rope>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Norm,
    pub(super) head: Head,
    /// How many positions the model was made for.
    pub(super) positions: usize,
}

/// From token ids to the residual stream.
#[derive(Debug)]
pub(super) struct Embedding {
    /// `[vocabulary, hidden]`.
    pub(super) tokens: Matrix,
    /// Of the residual stream.
    pub(super) kind: Kind,
    /// Learned positions, `[positions, hidden]`, which are added.
    pub(super) positions: Option<Tensor>,
    /// Factor of the tokens' vectors.
    pub(super) scale: Option<f64>,
}

/// From the residual stream to logits.
#[derive(Debug)]
pub(super) struct Head {
    /// `[vocabulary, hidden]`.
    pub(super) linear: Linear,
    /// Factor of the logits.
    pub(super) scale: Option<f64>,
    /// Bound of the logits: `cap * tanh(l / cap)`.
    pub(super) soft_cap: Option<f64>,
}

/// One layer: what brings positions together, then a feed-forward network over each, both added to the residual stream.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) mixer: Mixer,
    pub(super) feed_forward: FeedForward,
    pub(super) norms: BlockNorms,
    /// Factor of what is added to the residual stream.
    pub(super) residual_scale: Option<f64>,
    /// Which of the model's rotary embeddings it uses; `None` for none.
    pub(super) rope: Option<usize>,
    /// What lets a vector of the layer's own in, after the feed-forward network.
    pub(super) input: Option<LayerInput>,
    /// Factor of the residual stream after all that.
    pub(super) scale: Option<f64>,
}

/// What layers are given beside the residual stream.
#[derive(Debug)]
struct BesideStream {
    rotations: Vec<Rotation>,
    /// Vectors of all layers, `[1, Q, L, P]`.
    vectors: Option<Tensor>,
}

impl BesideStream {
    /// The same on another device.
    fn to_device(&self, device: Device) -> Result<Self, Error> {
        let rotations = self.rotations.iter().map(|rotation| rotation.to_device(device));
        Ok(Self {
            rotations: rotations.collect::<Result<_, _>>()?,
            vectors: self.vectors.as_ref().map(|vectors| vectors.f_to_device(device)).transpose()?,
        })
    }
}

/// What a layer's feed-forward network is given.
#[derive(Debug)]
pub(super) enum FeedForwardInput {
    /// The residual stream after attention was added to it, normalised where there is a norm.
    AfterAttention(Option<Norm>),
    /// What attention is given.
    BesideAttention,
}

/// The norms of a layer: of what its two parts are given, and of what they give before it is added.
#[derive(Debug)]
pub(super) struct BlockNorms {
    pub(super) before_attention: Option<Norm>,
    pub(super) after_attention: Option<Norm>,
    pub(super) before_feed_forward: FeedForwardInput,
    pub(super) after_feed_forward: Option<Norm>,
}

impl Embedding {
    /// Tokens alone, from the tensor `weight`.
    pub(super) fn tokens(path: &WeightPath<'_>, vocabulary: i64, hidden: i64) -> Result<Self, Error> {
        let tokens = path.matrix([vocabulary, hidden])?;
        Ok(Self { tokens, kind: path.kind(), positions: None, scale: None })
    }

    /// The same times the root of its width, which is rounded to the kind of the residual stream, as in transformers.
    pub(super) fn times_root(self) -> Result<Self, Error> {
        let scale = rounded((self.tokens.inputs() as f64).sqrt(), self.kind)?;
        Ok(Self { scale: Some(scale), ..self })
    }

    /// `[1, Q, hidden]` of `ids`, which stand at `places`.
    fn forward(&self, ids: &[u32], places: &[usize]) -> Result<Tensor, Error> {
        let mut x = looked_up(&self.tokens, ids, self.kind)?;
        if let Some(scale) = self.scale {
            x = x.f_mul_scalar_(scale)?;
        }
        if let Some(positions) = &self.positions {
            let (room, needed) =
                (positions.size()[0] as usize, places.iter().max().map_or(0, |last| last + 1));
            if needed > room {
                return Err(Error::CacheFull { capacity: room, needed });
            }
            let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
            let places = Tensor::f_from_slice(&places)?.f_to_device(positions.device())?;
            x = x.f_add_(&positions.f_index_select(0, &places)?)?;
        }
        Ok(x)
    }
}

impl Head {
    /// The head of `root`, or the embedding itself where they are tied.
    pub(super) fn load(root: &WeightPath<'_>, embedding: &Embedding, tie: Tie) -> Result<Self, Error> {
        let tokens = &embedding.tokens;
        let last = root.on_last();
        let head = last.pp("lm_head");
        let is_tied = match tie {
            Tie::Tied => {
                root.check_tie()?;
                true
            }
            Tie::Separate => false,
            Tie::AsStored => !head.has("weight"),
        };
        let weight = if is_tied {
            last.keep_copy(tokens.bytes());
            tokens.to_device(last.device())?
        } else {
            head.matrix([tokens.outputs(), tokens.inputs()])?
        };
        Ok(Self { linear: Linear::new(weight), scale: None, soft_cap: None })
    }

    /// Logits `[Q, vocabulary]` in f32 of `[1, Q, hidden]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let mut logits = self.linear.forward(x)?.f_squeeze_dim(0)?.f_to_kind(Kind::Float)?;
        if let Some(scale) = self.scale {
            logits = logits.f_mul_scalar_(scale)?;
        }
        match self.soft_cap {
            None => Ok(logits),
            Some(cap) => Ok(logits.f_div_scalar_(cap)?.f_tanh_()?.f_mul_scalar_(cap)?),
        }
    }
}

impl Block {
    fn device(&self) -> Device {
        self.mixer.device()
    }

    fn forward(
        &self,
        x: &Tensor,
        beside: &BesideStream,
        sequences: &mut dyn Attend,
    ) -> Result<Tensor, Error> {
        let norms = &self.norms;
        let rotation = self.rope.map(|rope| &beside.rotations[rope]);
        let given = trace_span!("norm").in_scope(|| normed(norms.before_attention.as_ref(), x))?;
        let attended = self.mixer.forward(&given, rotation, sequences)?;
        let span = trace_span!("norm").entered();
        let x = self.added(attended, norms.after_attention.as_ref(), x)?;
        let given = match &norms.before_feed_forward {
            FeedForwardInput::BesideAttention => given,
            FeedForwardInput::AfterAttention(norm) => normed(norm.as_ref(), &x)?,
        };
        drop(span);
        let out = self.feed_forward.forward(given)?;
        let span = trace_span!("norm").entered();
        let mut x = self.added(out, norms.after_feed_forward.as_ref(), &x)?;
        drop(span);
        if let (Some(input), Some(vectors)) = (&self.input, &beside.vectors) {
            let given = trace_span!("layer_input").in_scope(|| input.forward(&x, vectors))?;
            x = added(given, &x)?;
        }
        match self.scale {
            None => Ok(x),
            Some(scale) => Ok(x.f_mul_scalar_(scale)?),
        }
    }

    /// The matrices that one position is multiplied with.
    pub(super) fn products(&self) -> impl Iterator<Item = &Linear> {
        let parts = self.mixer.products().into_iter().chain(self.feed_forward.products());
        parts.chain(self.input.iter().flat_map(LayerInput::products))
    }

    /// The residual stream `x` with what a part of the layer gave, which nobody else knows.
    fn added(&self, mut given: Tensor, norm: Option<&Norm>, x: &Tensor) -> Result<Tensor, Error> {
        if let Some(norm) = norm {
            given = norm.forward(&given)?;
        }
        if let Some(scale) = self.residual_scale {
            given = given.f_mul_scalar_(scale)?;
        }
        added(given, x)
    }
}

/// The rows `ids` of a table of tokens, `[1, Q, inputs]` of `kind`.
pub(super) fn looked_up(table: &Matrix, ids: &[u32], kind: Kind) -> Result<Tensor, Error> {
    let vocabulary = table.outputs();
    let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
    if let Some(&id) = ids.iter().find(|&&id| id >= vocabulary) {
        return Err(Error::TokenId { id: id as u32, vocabulary: vocabulary as usize });
    }
    Ok(table.rows(&ids, kind)?)
}

/// The number of `kind` that is nearest to `number`.
pub(super) fn rounded(number: f64, kind: Kind) -> Result<f64, Error> {
    Ok(Tensor::f_from_slice(&[number])?.f_to_kind(kind)?.f_double_value(&[0])?)
}

/// `x`, normalised where there is a norm.
fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor, Error> {
    norm.map_or_else(|| Ok(x.shallow_clone()), |norm| norm.forward(x))
}

/// `x + y` in the place of `x`, which nobody else knows.
fn added(mut x: Tensor, y: &Tensor) -> Result<Tensor, Error> {
    if rowwise::is_plain(&x) && rowwise::is_plain(y) {
        rowwise::add(&mut x, y)?;
        return Ok(x);
    }
    Ok(x.f_add_(y)?)
}

impl Transformer {
    /// Embeds `ids`, which stand at `places`, and runs them through the layers: `[1, Q, hidden]`.
    fn layers(
        &self,
        ids: &[u32],
        places: &[usize],
        rotations: Vec<Rotation>,
        sequences: &mut dyn Attend,
    ) -> Result<Tensor, Error> {
        let mut x = trace_span!("embed").in_scope(|| self.embedding.forward(ids, places))?;
        let vectors = self.layer_inputs.as_ref().map(|inputs| inputs.forward(ids, &x)).transpose()?;
        let mut beside = BesideStream { rotations, vectors };
        for block in &self.blocks {
            if block.device() != x.device() {
                x = x.f_to_device(block.device())?;
                beside = beside.to_device(block.device())?;
            }
            x = block.forward(&x, &beside, sequences)?;
        }
        Ok(x)
    }
}

impl Transformer {
    /// The layers with attention, which maskers count, and caches those with keys of their own among them.
    pub(super) fn attention_blocks(&self) -> impl Iterator<Item = (&Block, AttentionShape)> {
        self.blocks.iter().filter_map(|block| Some((block, block.mixer.attention()?)))
    }

    /// The `layer`-th of those.
    fn attention_block(&self, layer: usize) -> (&Block, AttentionShape) {
        self.attention_blocks().nth(layer).expect("a layer of the cache")
    }

    /// The rotation of `positions` in a layer, in a sequence of `length`; `None` where it has none.
    fn rotation(
        &self,
        layer: usize,
        positions: Range<usize>,
        length: usize,
    ) -> Result<Option<Rotation>, Error> {
        let (block, _) = self.attention_block(layer);
        let Some(rope) = block.rope else { return Ok(None) };
        let rotation = self.ropes[rope].at(positions.start, positions.len(), length)?;
        Ok(Some(rotation.to_device(block.device())?))
    }
}

impl CausalLm for Transformer {
    fn forward(
        &self,
        tokens: NewTokens<'_>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error> {
        let (start, count) = (cache.length(), tokens.ids.len());
        cache.make_room(count)?;
        let length = tokens.rope_length(start + count);
        let rotations =
            self.ropes.iter().map(|rope| rope.at(start, count, length)).collect::<Result<_, _>>()?;
        let places: Vec<usize> = (start..start + count).collect();
        let densities = Vec::with_capacity(self.blocks.len());
        let mut sequence = OneSequence { cache, attention, densities };
        let x = self.layers(tokens.ids, &places, rotations, &mut sequence)?;
        let density = StepDensity::OfLayers(sequence.densities);
        cache.advance(count);
        Ok(Step { last: x.f_narrow(1, count as i64 - 1, 1)?, density })
    }

    fn forward_batch(
        &self,
        tokens: NewTokens<'_>,
        numbers: &[usize],
        batch: &mut Batch<'_>,
        attentions: &mut [AttentionPolicy<'_>],
    ) -> Result<Vec<Step>, Error> {
        batch.make_room(numbers)?;
        let places: Vec<usize> = numbers.iter().map(|&number| batch.length(number)).collect();
        let rotation = |rope: &Rope| {
            let at = |&place: &usize| rope.at(place, 1, tokens.rope_length(place + 1));
            let each: Vec<Rotation> = places.iter().map(at).collect::<Result<_, _>>()?;
            Rotation::joined(&each)
        };
        let rotations = self.ropes.iter().map(rotation).collect::<Result<_, Error>>()?;
        let mut rows = BatchRows { batch, numbers, attentions, densities: Vec::new() };
        rows.densities.resize_with(numbers.len(), Vec::new);
        let x = self.layers(tokens.ids, &places, rotations, &mut rows)?;
        let densities = rows.densities;
        batch.advance(numbers);
        let step = |(row, densities): (usize, Vec<Density>)| {
            Ok(Step { last: x.f_narrow(1, row as i64, 1)?, density: StepDensity::OfLayers(densities) })
        };
        densities.into_iter().enumerate().map(step).collect()
    }

    fn logits(&self, steps: &[&Step]) -> Result<Tensor, Error> {
        let last: Vec<&Tensor> = steps.iter().map(|step| &step.last).collect();
        let _span = trace_span!("head").entered();
        let last = Tensor::f_cat(&last, 1)?.f_to_device(self.head.linear.device())?;
        self.head.forward(&self.norm.forward(&last)?)
    }

    fn unrotated(
        &self,
        layer: usize,
        vectors: &Tensor,
        start: usize,
        length: usize,
    ) -> Result<Tensor, Error> {
        let positions = start..start + vectors.size()[2] as usize;
        match self.rotation(layer, positions, length)? {
            None => Ok(vectors.f_to_kind(Kind::Float)?),
            Some(rotation) => {
                let turned = rotation.of_queries()?.inverse()?.apply(&vectors.f_transpose(1, 2)?)?;
                Ok(turned.f_transpose(1, 2)?)
            }
        }
    }

    fn mean_rotation(&self, layer: usize, positions: Range<usize>, length: usize) -> Result<Tensor, Error> {
        let (block, attention) = self.attention_block(layer);
        let dim = attention.heads.dim;
        let unit = Tensor::f_eye(dim, (Kind::Float, block.device()))?;
        match self.rotation(layer, positions, length)? {
            None => Ok(unit),
            // Row `i` is what becomes of unit vector `i`, which is column `i` of the matrix.
            Some(rotation) => {
                let rows = rotation.of_queries()?.mean()?.apply(&unit.f_view([1, 1, dim, dim])?)?;
                Ok(rows.f_view([dim, dim])?.f_transpose(0, 1)?)
            }
        }
    }

    fn output_projection(&self, layer: usize) -> Result<Tensor, Error> {
        let weights = self.attention_block(layer).0.mixer.output_weights()?;
        Ok(weights.expect("a layer with attention"))
    }

    fn cache_shape(&self) -> CacheShape {
        let (mut layers, mut read) = (Vec::new(), Vec::new());
        for (number, (block, attention)) in self.attention_blocks().enumerate() {
            if let KeysAndValues::OfLayer(before) = attention.keys {
                read.push(before);
                continue;
            }
            let HeadDims { kv, dim, .. } = attention.heads;
            read.push(number);
            let (device, value_dim) = (block.device(), attention.value_dim);
            layers.push(LayerShape { device, kv_heads: kv, key_dim: dim, value_dim });
        }
        CacheShape { recurrent: self.blocks.len() - read.len(), layers, read }
    }

    fn positions(&self) -> usize {
        self.positions
    }

    fn sizes(&self, format: KvFormat) -> ModelSizes {
        ModelSizes::of(self, format)
    }
}
