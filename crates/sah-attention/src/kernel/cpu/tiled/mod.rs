//! Many query rows on the CPU: two products and a softmax over tiles that stay in the nearest caches.

mod blocks;
mod gathered;
mod product;
mod readers;
mod task;
mod tile;
mod weights;

pub(crate) use weights::{OverRows, weights_over_rows};

use std::ops::Range;

use rayon::prelude::*;
use sah_tensor::cpu::arch;
use tch::Tensor;

use crate::error::Result;
use crate::inputs::{AttentionInputs, Dims};
use crate::kernel::cpu::check_readable;
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::rows::{WithRows, readable_queries, with_rows};
use crate::kernel::cpu::sinks::Sinks;
use crate::kernel::cpu::source::Source;
use crate::kernel::{Kernel, Reads, refused};
use crate::mask::{RowRanges, Selection, SparseSelection};
use blocks::OverBlocks;
use readers::{Readers, blocks_of};
use sah_tensor::element::F32;
use sah_tensor::torch::{heads, written};
use task::{Block, Task};

/// Rows of all heads of a group that one task holds at most: what they have read stays in the second cache.
const ROWS: usize = 288;

/// Tasks for each thread: enough that one which is late does not keep the others waiting.
const TASKS_PER_THREAD: usize = 4;

/// Blocks that make a task of their own worth it.
const BLOCKS: usize = 4;

/// Attention of many rows over key ranges, of rows or of [blocks of rows](crate::BlockRanges), each block of keys read once for the rows that
/// read any of it; f32, bf16,
/// f16, [8-bit](crate::KvFormat::Int8) and [packed](crate::KvFormat::Kivi) rows on the CPU, with all cores.
///
/// Query rows, with the heads of a group side by side, lie along vectors. A block of keys gives their scores, its values
/// are added by their weights, and blocks are joined by rescaling to the common maximum, as `FlashAttention` does (Dao et
/// al. 2022, arXiv 2205.14135). Blocks that no row of a task reads are never touched: a window of `w` keys costs `O(Q w)`.
/// Products and sums are in f32.
///
/// Where heads and blocks of rows have ranges of their own, the keys of these are gathered, in order, to blocks as full as others, so that
/// single keys cost no more than neighbours; nothing else is read.
///
/// Lists and pages, other formats and devices, and caches whose rows are not contiguous are
/// [`Error::KernelInputs`](crate::Error::KernelInputs).
#[derive(Debug, Clone, Copy, Default)]
pub struct TiledKernel;

impl Kernel for TiledKernel {
    fn name(&self) -> &'static str {
        "tiled"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        check_readable(self.name(), inputs)?;
        if !reads.is_of_ranges() {
            return refused(self.name(), "computes key ranges, not lists of keys or pages");
        }
        reads.check(inputs)?;
        match reads {
            Reads::All => attend_all(inputs),
            Reads::Ranges(ranges) => with_rows(inputs, Over { inputs, ranges }),
            Reads::Mask(mask) => match mask.selection() {
                Selection::Sparse(sparse) => attend_selected(inputs, sparse),
                // An empty selection has empty rows, which were refused above.
                Selection::Full | Selection::Empty => attend_all(inputs),
            },
        }
    }
}

/// Attention `[B, H, Q, Dv]` over everything visible. The inputs are supported.
fn attend_all(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    with_rows(inputs, Over { inputs, ranges: &visible_ranges(inputs)? })
}

/// Attention `[B, H, Q, Dv]` over the ranges of `selected`, none of whose rows is empty. The inputs are supported.
fn attend_selected(inputs: &AttentionInputs<'_>, selected: &SparseSelection) -> Result<Tensor> {
    let visible = inputs.visible();
    let ranges = selected.ranges().restrict(&visible);
    match selected.blocks() {
        None => with_rows(inputs, Over { inputs, ranges: &ranges }),
        // As dense attention: the heads of a group read each key once.
        Some(blocks) if blocks.covers(&visible) => attend_all(inputs),
        Some(blocks) => with_rows(inputs, OverBlocks { inputs, blocks, beside: &ranges }),
    }
}

/// The keys that each row may read.
fn visible_ranges(inputs: &AttentionInputs<'_>) -> Result<RowRanges> {
    let (dims, visible) = (inputs.dims(), inputs.visible());
    RowRanges::from_fn(dims.queries, dims.keys, |row| visible.row(row))
}

/// What `run` gives for each of `items`, one by one in any order where there are several threads.
fn run_all<T: Sync, R: Send>(items: &[T], threads: usize, run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads == 1 || items.len() == 1 {
        items.iter().map(run).collect()
    } else {
        items.par_iter().with_max_len(1).map(&run).collect()
    }
}

/// Rows whose parts are joined by one thread.
const JOINED: usize = 64;

/// Query rows of a key/value head, and the blocks of keys of one task.
struct Item {
    head: usize,
    rows: Range<usize>,
    blocks: Vec<Block>,
}

/// Attention of rows that read `ranges` as they are, none of them nothing. The inputs are supported.
struct Over<'a> {
    inputs: &'a AttentionInputs<'a>,
    ranges: &'a RowRanges,
}

impl WithRows for Over<'_> {
    #[expect(unsafe_code, reason = "reads queries in place")]
    fn call<K: Source, V: Source>(self, keys: &[K], values: &[V]) -> Result<Tensor> {
        let Self { inputs, ranges } = self;
        let dims = *inputs.dims();
        let group = dims.group();
        let queries = readable_queries(inputs)?;
        // SAFETY: all that is written while the rows are in use is memory of this function.
        let queries = unsafe { heads::<F32>(&queries)? };
        let threads = tch::get_num_threads().max(1) as usize;
        let items = items(dims.batch * dims.kv_heads, group, ranges, threads);
        let (arch, scale) = (arch(), inputs.scale() as f32);
        let soft_cap = inputs.soft_cap().map(|cap| cap as f32);
        let visible = inputs.visible();
        let run = |item: &Item| {
            let queries = &queries[item.head * group..(item.head + 1) * group];
            arch.dispatch(Task {
                readers: Readers { queries, scale, soft_cap, rows: item.rows.clone(), ranges },
                keys: &keys[item.head],
                values: &values[item.head],
                head_dim: dims.head_dim,
                value_dim: dims.value_dim,
                visible: &visible,
                blocks: &item.blocks,
            })
        };
        let parts = run_all(&items, threads, run);

        // [B, Q, H, Dv]: as the next product wants it.
        let size = [dims.batch, dims.queries, dims.heads, dims.value_dim].map(|size| size as i64);
        let sinks = Sinks::of(inputs)?;
        let output = written(size, |output| join(&dims, (&items, &parts), &sinks, threads, output))?;
        Ok(output.f_transpose(1, 2)?.f_to_kind(inputs.kind())?)
    }
}

/// Joins the parts of `items` to attention `[B, Q, H, Dv]`.
fn join(dims: &Dims, (items, parts): (&[Item], &[Part]), sinks: &Sinks, threads: usize, output: &mut [f32]) {
    let group = dims.group();
    // Rows that were computed together, first ones first, and the parts of all their heads.
    let mut by_rows: Vec<(&Range<usize>, &[Part])> = Vec::new();
    let mut rest = parts;
    for same in items.chunk_by(|one, other| one.rows == other.rows) {
        let of_rows;
        (of_rows, rest) = rest.split_at(same.len());
        by_rows.push((&same[0].rows, of_rows));
    }
    by_rows.reverse();
    let height = by_rows[0].0.len();
    let join_row = |(number, output): (usize, &mut [f32])| {
        let (batch, row) = (number / dims.queries, number % dims.queries);
        let (rows, parts) = by_rows[row / height];
        let per_head = parts.len() / (dims.batch * dims.kv_heads);
        let of_batch = parts.chunks_exact(per_head).skip(batch * dims.kv_heads);
        for (kv_head, (parts, heads)) in
            of_batch.zip(output.chunks_exact_mut(group * dims.value_dim)).enumerate()
        {
            for (member, output) in heads.chunks_exact_mut(dims.value_dim).enumerate() {
                let sink = sinks.of_row(kv_head * group + member, row);
                Part::join(parts, (row - rows.start) * group + member, sink, output);
            }
        }
    };
    let width = dims.heads * dims.value_dim;
    if threads == 1 || dims.batch * dims.queries < 2 * JOINED {
        output.chunks_exact_mut(width).enumerate().for_each(join_row);
    } else {
        output.par_chunks_exact_mut(width).with_min_len(JOINED).enumerate().for_each(join_row);
    }
}

/// The tasks of `heads` key/value heads, those of the last rows first: they read most keys where attention is causal, and
/// what is begun last should be short.
fn items(heads: usize, group: usize, ranges: &RowRanges, threads: usize) -> Vec<Item> {
    let queries = ranges.queries();
    let wanted = threads * TASKS_PER_THREAD;
    let height = (queries * heads).div_ceil(wanted).clamp((ROWS / 6).div_ceil(group), ROWS.div_ceil(group));
    let tasks = heads * queries.div_ceil(height);
    let mut items = Vec::new();
    for start in (0..queries).step_by(height).rev() {
        let rows = start..queries.min(start + height);
        let blocks = blocks_of(ranges, rows.clone());
        // Few rows are divided along their keys.
        let parts = wanted.div_ceil(tasks).min(blocks.len() / BLOCKS).max(1);
        for head in 0..heads {
            let pieces = blocks.chunks(blocks.len().div_ceil(parts));
            items.extend(pieces.map(|blocks| {
                let blocks = blocks.iter().cloned().map(Block::Span).collect();
                Item { head, rows: rows.clone(), blocks }
            }));
        }
    }
    items
}
