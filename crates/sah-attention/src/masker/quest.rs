//! Quest: pages of keys, ranked by an upper bound of their scores.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::heads::{fold_queries, join_rows};
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, PageList};
use crate::masker::toolkit::{Labels, Prefix, Quantiser, Rounding, Selected, row_blocks, unfold_scores};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::{LayerState, MaskerState};

const NAME: &str = "quest_top_k";

/// Pages that are chosen at least, as the authors do.
const FEWEST_PAGES: usize = 3;

fn exact() -> u32 {
    16
}

/// Parameters of the [`QuestMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestConfig {
    /// Keys to read, in whole pages; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Keys in a page, at least 1.
    pub page_size: usize,
    /// Bits of each element of a page's bounds, from 1 to 16; 16 keeps them as they are.
    #[serde(default = "exact")]
    pub label_bits: u32,
}

impl MaskerConfig for QuestConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "quest_top_k",
        about: "the pages of keys with the largest bounds of their scores",
        fields: &[
            FieldInfo::size("heavy_size"),
            FieldInfo::required("page_size", "at least 1"),
            FieldInfo::optional("label_bits", "from 1 to 16", "16"),
        ],
        source: "Quest, arXiv 2406.10774",
        cost: "2 K D / page_size multiplications",
        state: "2 D / page_size elements, for each key/value head",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(QuestMasker::new(*self)?))
    }
}

/// Selects, for every head and query row, the pages whose keys can have the largest scores.
///
#[doc = include_str!("../../docs/maskers/quest_top_k.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuestMasker {
    config: QuestConfig,
    quantiser: Quantiser,
}

impl QuestMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: QuestConfig) -> Result<Self> {
        config.heavy_size.validate("heavy_size")?;
        if config.page_size == 0 {
            return Err(Error::Field { field: "page_size", expected: "at least 1", found: "0".to_owned() });
        }
        Ok(Self { config, quantiser: Quantiser::new(config.label_bits, Rounding::Up)? })
    }

    /// Bounds of every page for the query rows `rows`, `[B, H, rows, P]`.
    fn scores(&self, inputs: &AttentionInputs<'_>, pages: &[Tensor], rows: Range<usize>) -> Result<Tensor> {
        let queries = signed(&fold_queries(inputs, rows.start, rows.len())?, inputs.scale(), true)?;
        let bounds = pages.iter().map(|pages| queries.f_matmul(pages)).collect::<Result<Vec<_>, _>>()?;
        let scores = unfold_scores(inputs.dims(), &Tensor::f_cat(&bounds, -1)?, rows.len())?;
        if inputs.dims().queries > 1 {
            let own = self.own_pages(inputs, rows.clone())?;
            let own = queries
                .f_reshape([own.size()[0], own.size()[1], -1, own.size()[2], own.size()[3]])?
                .f_mul(&own.f_unsqueeze(2)?)?;
            let own = unfold_scores(
                inputs.dims(),
                &own.f_sum_dim_intlist([-1i64].as_slice(), false, None)?,
                rows.len(),
            )?;
            let past = inputs.dims().past();
            let page: Vec<i64> = rows.map(|row| ((past + row) / self.config.page_size) as i64).collect();
            let page = Tensor::f_from_slice(&page)?.f_view([1, 1, -1, 1])?.f_to_device(inputs.device())?;
            let _ = scores.shallow_clone().f_scatter_(3, &page.f_expand_as(&own)?, &own)?;
        }
        Ok(scores)
    }

    /// Bounds over the keys of a row's own page up to the row, `[B, Hkv, rows, 2 D]`.
    fn own_pages(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>) -> Result<Tensor> {
        let (past, page) = (inputs.dims().past(), self.config.page_size);
        let first = (past + rows.start) / page * page;
        let end = past + rows.end;
        let keys = inputs.keys_in(first..end)?;
        let keys = signed(&keys, 1.0, false)?.f_transpose(-2, -1)?;
        let missing = (first + (end - first).div_ceil(page) * page - end) as i64;
        let keys = keys.f_pad([0, missing], "constant", f64::NEG_INFINITY)?;
        let (bounds, _) = keys
            .f_reshape([keys.size()[0], keys.size()[1], keys.size()[2], -1, page as i64])?
            .f_cummax(-1)?;
        let bounds =
            bounds.f_flatten(-2, -1)?.f_narrow(-1, (past + rows.start - first) as i64, rows.len() as i64)?;
        Ok(self.quantiser.apply(&bounds)?.f_transpose(-2, -1)?)
    }

    /// Which pages have nothing to choose: `[1 or B H, rows, P]` of `Bool`, on the host.
    fn closed(&self, inputs: &AttentionInputs<'_>, previous: &Mask, rows: Range<usize>) -> Result<Tensor> {
        let (dims, visible) = (inputs.dims(), inputs.visible());
        let selected = Selected::of(previous)?;
        let pages = dims.keys.div_ceil(self.config.page_size);
        let heads = if selected.differs_by_head() { dims.batch * dims.heads } else { 1 };
        let mut closed = vec![true; heads * rows.len() * pages];
        let mut places = closed.chunks_exact_mut(pages);
        for head in 0..heads {
            for row in rows.clone() {
                let Some(closed) = places.next() else { break };
                for range in selected.remaining(head, row, visible.row(row)).ranges() {
                    let (first, last) =
                        (range.start / self.config.page_size, (range.end - 1) / self.config.page_size);
                    closed[first..=last].fill(false);
                }
            }
        }
        let size = [if heads == 1 { 1 } else { dims.batch }, heads.div_ceil(dims.batch), rows.len(), pages];
        Ok(Tensor::f_from_slice(&closed)?.f_view(size.map(|size| size as i64))?)
    }
}

/// `[x, -x]` in the last dimension, times `scale`; only positive parts where `positive`.
fn signed(vectors: &Tensor, scale: f64, positive: bool) -> Result<Tensor> {
    let vectors = vectors.f_to_kind(Kind::Float)?.f_mul_scalar(scale)?;
    let both = Tensor::f_cat(&[&vectors, &vectors.f_neg()?], -1)?;
    if positive { Ok(both.f_relu()?) } else { Ok(both) }
}

/// Largest key and largest negated key of every page.
#[derive(Debug)]
struct Pages {
    prefix: Prefix,
    page_size: usize,
    quantiser: Quantiser,
    /// Pages that have all their keys, `[B, Hkv, 2 D, pages]`.
    complete: Labels,
    /// The last page while it has room, `[B, Hkv, 2 D, 1]` in the kind of the inputs.
    open: Option<Tensor>,
}

impl Pages {
    fn new(inputs: &AttentionInputs<'_>, masker: &QuestMasker) -> Result<Self> {
        let dims = inputs.dims();
        let leading = [dims.batch, dims.kv_heads];
        let complete =
            Labels::new(masker.quantiser, &leading, 2 * dims.head_dim, inputs.kind(), inputs.device())?;
        let page_size = masker.config.page_size;
        Ok(Self { prefix: Prefix::of(inputs), page_size, quantiser: masker.quantiser, complete, open: None })
    }

    /// Takes in the keys that are new.
    fn follow(&mut self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let new = self.prefix.new_keys(NAME, inputs)?;
        let page = self.page_size;
        let bounds = |keys: Range<usize>, page: usize| -> Result<Tensor> {
            let keys = inputs.keys_in(keys)?;
            let (batch, heads, count, dim) = keys.size4()?;
            let pages = keys.f_reshape([batch, heads, count / page as i64, page as i64, dim])?;
            let (largest, smallest) =
                (pages.f_amax([3i64].as_slice(), false)?, pages.f_amin([3i64].as_slice(), false)?);
            Ok(Tensor::f_cat(&[largest, smallest.f_neg()?], -1)?.f_transpose(-2, -1)?)
        };
        let mut at = new.start;
        while at < new.end {
            let inside = at % page;
            let full = if inside == 0 { (new.end - at) / page } else { 0 };
            if full > 0 {
                self.complete.write(at / page, &bounds(at..at + full * page, page)?)?;
                at += full * page;
            } else {
                let end = new.end.min(at - inside + page);
                let part = bounds(at..end, end - at)?;
                let part = match self.open.take() {
                    Some(open) => open.f_maximum(&part)?,
                    None => part,
                };
                if end % page == 0 {
                    self.complete.write(at / page, &part)?;
                } else {
                    self.open = Some(part);
                }
                at = end;
            }
            self.prefix.set_keys(at);
        }
        Ok(())
    }

    /// Bounds of all pages, `[B, Hkv, 2 D, P]` of `Float`: those of full pages, and of an open one.
    fn all(&self) -> Result<Vec<Tensor>> {
        let mut pages = vec![self.complete.values()?];
        if let Some(open) = &self.open {
            pages.push(self.quantiser.apply(open)?);
        }
        Ok(pages)
    }
}

impl MaskerState for Pages {
    fn fork(&self) -> Box<dyn MaskerState> {
        let open = self.open.as_ref().map(Tensor::shallow_clone);
        Box::new(Self { prefix: self.prefix.clone(), complete: self.complete.fork(), open, ..*self })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            // What is left of a cut page is read again from the cache.
            let full = keys / self.page_size;
            self.complete.truncate(full);
            self.open = None;
            self.prefix.set_keys(full * self.page_size);
        }
    }

    fn bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.numel() * open.kind().elt_size_in_bytes());
        self.complete.bytes() + open
    }
}

impl Masker for QuestMasker {
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
        let budget = self.config.heavy_size.of(dims.keys);
        if previous.is_full() || dims.keys <= budget.max(1) {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let state = state.get_or_try_insert_with(|| Pages::new(inputs, self))?;
        state.follow(inputs)?;
        let bounds = state.all()?;
        let page = self.config.page_size;
        let pages = dims.keys.div_ceil(page);
        let count = (budget / page).max(FEWEST_PAGES).min(pages) as i64;
        let mut lists = Vec::new();
        for rows in row_blocks(dims, pages) {
            let closed = self.closed(inputs, &previous, rows.clone())?.f_to_device(inputs.device())?;
            let scores = self.scores(inputs, &bounds, rows)?.f_masked_fill(&closed, f64::NEG_INFINITY)?;
            let (best, chosen) = scores.f_topk(count, -1, true, false)?;
            lists.push(chosen.f_masked_fill(&best.f_eq(f64::NEG_INFINITY)?, -1)?);
        }
        let list = PageList::assume_valid(join_rows(lists)?, page)?;
        previous.merge(Mask::from_pages(dims.mask_shape(), list)?)
    }
}
