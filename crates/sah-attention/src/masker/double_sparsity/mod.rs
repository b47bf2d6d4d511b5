//! Double Sparsity: keys ranked by a few channels of their scores.

mod channels;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tch::Tensor;

pub(crate) use self::channels::write as write_channels;
pub use self::channels::{ChannelSelection, SortedChannels};
use crate::error::{Error, Result};
use crate::inputs::{AttentionInputs, Dims};
use crate::mask::Mask;
use crate::masker::toolkit::{Labels, Prefix, Quantiser, Rounding, add_top_k, unfold_scores};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::{LayerState, MaskerState};

const NAME: &str = "double_sparsity_top_k";

fn default_group_factor() -> usize {
    16
}

fn default_label_bits() -> u32 {
    4
}

/// Parameters of the [`DoubleSparsityMasker`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubleSparsityConfig {
    /// Keys to add; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Channel file; see [`SortedChannels`].
    pub sorted_channel_file: PathBuf,
    /// One channel in so many is used: `D / group_factor` of them; at least 1.
    #[serde(default = "default_group_factor")]
    pub group_factor: usize,
    /// Bits of each channel of a label, from 1 to 16; 16 keeps them as they are.
    #[serde(default = "default_label_bits")]
    pub label_bits: u32,
    /// Which ranking of the file.
    #[serde(default)]
    pub channel_selection: ChannelSelection,
}

impl DoubleSparsityConfig {
    /// Checks everything but the file.
    fn quantiser(&self) -> Result<Quantiser> {
        self.heavy_size.validate("heavy_size")?;
        if self.group_factor == 0 {
            return Err(Error::Field {
                field: "group_factor",
                expected: "at least 1",
                found: "0".to_owned(),
            });
        }
        Quantiser::new(self.label_bits, Rounding::Nearest)
    }
}

impl MaskerConfig for DoubleSparsityConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "double_sparsity_top_k",
        about: "the keys with the largest scores over a few channels",
        fields: &[
            FieldInfo::size("heavy_size"),
            FieldInfo::required("sorted_channel_file", "a JSON file of the authors' form"),
            FieldInfo::optional("group_factor", "at least 1, at most D", "16"),
            FieldInfo::optional("label_bits", "from 1 to 16", "4"),
            FieldInfo::optional("channel_selection", "k_proj, q_proj, qk_proj", "qk_proj"),
        ],
        source: "Double Sparsity, arXiv 2408.07092",
        cost: "K D / group_factor multiplications",
        state: "D / group_factor codes of label_bits bits and 8 bytes, for each list of channels",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(DoubleSparsityMasker::new(self)?))
    }

    fn validate(&self) -> Result<()> {
        self.quantiser().map(drop)
    }
}

/// Selects, for every head and query row, the keys with the largest scores over a few important channels.
///
#[expect(clippy::doc_markdown, reason = "the page has fields and ranges as the program lists them")]
#[doc = include_str!("../../../docs/maskers/double_sparsity_top_k.md")]
#[derive(Debug, Clone)]
pub struct DoubleSparsityMasker {
    heavy_size: Size,
    group_factor: usize,
    quantiser: Quantiser,
    channels: SortedChannels,
}

impl DoubleSparsityMasker {
    /// A masker with these parameters, each within its range; reads the channel file.
    pub fn new(config: &DoubleSparsityConfig) -> Result<Self> {
        Ok(Self {
            heavy_size: config.heavy_size,
            group_factor: config.group_factor,
            quantiser: config.quantiser()?,
            channels: SortedChannels::read(&config.sorted_channel_file, config.channel_selection)?,
        })
    }

    fn new_state(&self, inputs: &AttentionInputs<'_>, layer: usize) -> Result<ChannelLabels> {
        let dims = inputs.dims();
        let count = dims.head_dim / self.group_factor;
        if count == 0 {
            return Err(Error::MaskerInputs {
                masker: NAME,
                field: "group_factor",
                expected: format!("at most the {} elements of a key", dims.head_dim),
                found: self.group_factor.to_string(),
            });
        }
        let of_layer = inputs.layer_heads();
        let (heads, kv_heads) = (of_layer.all * dims.group(), of_layer.all);
        let mut lists = self.channels.first(layer, count, (heads, kv_heads, dims.head_dim))?;
        lists = lists[of_layer.part_of(lists.len(), dims.kv_heads)].to_vec();
        let leading = [dims.batch, lists.len()];
        let labels = Labels::new(self.quantiser, &leading, count, inputs.kind(), inputs.device())?;
        let channels =
            Tensor::f_from_slice(&lists.concat())?.f_view([1, lists.len() as i64, 1, count as i64])?;
        Ok(ChannelLabels {
            prefix: Prefix::of(inputs),
            channels: channels.f_to_device(inputs.device())?,
            labels,
        })
    }
}

/// Labels of the keys of one layer.
#[derive(Debug)]
struct ChannelLabels {
    prefix: Prefix,
    /// `[1, L, 1, r]` of `Int64`, with `L` lists of channels: `H` or `Hkv`.
    channels: Tensor,
    /// `[B, L, r, K]`.
    labels: Labels,
}

impl ChannelLabels {
    /// The channels of vectors `[B, heads, N, D]`, whose heads are repeated to those of the lists where there are fewer, as
    /// columns `[B, heads or L, r, N]`.
    fn of(&self, vectors: &Tensor) -> Result<Tensor> {
        let (batch, heads, count, dim) = vectors.size4()?;
        let (_, lists, _, width) = self.channels.size4()?;
        let most = heads.max(lists);
        let spread = |tensor: &Tensor, own: i64, size: [i64; 4], last: i64| {
            let tensor = tensor.f_expand([size[0], own, size[2], last], false)?.f_unsqueeze(2)?;
            let tensor = tensor.f_expand([size[0], own, most / own, size[2], last], false)?;
            tensor.f_reshape([size[0], most, size[2], last])
        };
        let size = [batch, most, count, width];
        let vectors = spread(vectors, heads, size, dim)?;
        let channels = spread(&self.channels, lists, size, width)?;
        Ok(vectors.f_gather(3, &channels, false)?.f_transpose(-2, -1)?)
    }

    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        if !new.is_empty() {
            self.labels.write(new.start, &self.of(&inputs.keys_in(new.clone())?)?)?;
            self.prefix.set_keys(new.end);
        }
        Ok(())
    }

    /// Products of the labels of queries `[B, H, rows, D]` with those of all keys, `values` `[B, L, r, K]`: `[B, H, rows, K]`.
    fn scores(&self, dims: &Dims, queries: &Tensor, values: &Tensor, quantiser: Quantiser) -> Result<Tensor> {
        let (_, _, rows, _) = queries.size4()?;
        let queries = quantiser.apply(&self.of(queries)?)?.f_transpose(-2, -1)?;
        let (_, lists, _, width) = self.channels.size4()?;
        let folded = queries.f_reshape([dims.batch as i64, lists, -1, width])?;
        unfold_scores(dims, &folded.f_matmul(values)?, rows as usize)
    }
}

impl MaskerState for ChannelLabels {
    fn fork(&self) -> Box<dyn MaskerState> {
        let channels = self.channels.shallow_clone();
        Box::new(Self { prefix: self.prefix.clone(), channels, labels: self.labels.fork() })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.labels.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.labels.bytes() + self.channels.numel() * self.channels.kind().elt_size_in_bytes()
    }
}

impl Masker for DoubleSparsityMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let heavy = self.heavy_size.of(dims.keys);
        if previous.is_full() || dims.past() <= heavy {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let layer = state.layer();
        let state = state.get_or_try_insert_with(|| self.new_state(inputs, layer))?;
        state.follow(inputs)?;
        let values = state.labels.values()?;
        add_top_k(inputs, previous, heavy, |rows| {
            let queries = inputs.queries().f_narrow(2, rows.start as i64, rows.len() as i64)?;
            let scores = state.scores(dims, &queries, &values, self.quantiser)?;
            Ok(scores.f_mul_scalar(inputs.scale())?)
        })
    }
}
