//! Blocks of query rows of one head, which read key ranges of their own.

use std::ops::Range;

use rayon::prelude::*;
use sah_tensor::cpu::arch;
use tch::Tensor;

use super::gathered::Gathered;
use super::readers::{Readers, blocks_of};
use super::task::{Block, Task};
use super::{JOINED, TASKS_PER_THREAD, run_all};
use crate::error::Result;
use crate::inputs::{AttentionInputs, Dims};
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::rows::{WithRows, readable_queries};
use crate::kernel::cpu::sinks::Sinks;
use crate::kernel::cpu::source::Source;
use crate::mask::{BlockRanges, RowRanges, outside};
use sah_tensor::element::F32;
use sah_tensor::torch::{heads, written};

/// Rows of a task at least, where blocks are divided to keep all threads at work.
const FEWEST_ROWS: usize = 32;

/// Attention over the ranges of `blocks` and those that rows have `beside` them, which lie within what each row may read. The inputs
/// are supported, and every row has something to read.
pub(super) struct OverBlocks<'a> {
    pub(super) inputs: &'a AttentionInputs<'a>,
    pub(super) blocks: &'a BlockRanges,
    pub(super) beside: &'a RowRanges,
}

/// Query rows of a head, counted over the batch, all of one block.
struct Item {
    head: usize,
    rows: Range<usize>,
}

impl WithRows for OverBlocks<'_> {
    #[expect(unsafe_code, reason = "reads queries in place")]
    fn call<K: Source, V: Source>(self, keys: &[K], values: &[V]) -> Result<Tensor> {
        let Self { inputs, blocks, beside } = self;
        let dims = *inputs.dims();
        let queries = readable_queries(inputs)?;
        // SAFETY: all that is written while the rows are in use is memory of this function.
        let queries = unsafe { heads::<F32>(&queries)? };
        let threads = tch::get_num_threads().max(1) as usize;
        let pieces = pieces(blocks, dims.batch * dims.heads, threads);
        let (arch, scale) = (arch(), inputs.scale() as f32);
        let soft_cap = inputs.soft_cap().map(|cap| cap as f32);
        let visible = inputs.visible();
        // Rows of the end first: they read most keys where attention is causal, and what is begun last should be short.
        let in_order = |rows: &Range<usize>| {
            (0..queries.len()).map(|head| Item { head, rows: rows.clone() }).collect::<Vec<_>>()
        };
        let items: Vec<Item> = pieces.iter().rev().flat_map(in_order).collect();
        let run = |item: &Item| -> Result<Part> {
            let own = blocks.ranges(item.head, blocks.blocks().block_of(item.rows.start));
            let beside = without(beside, own, item.rows.clone())?;
            let seen = visible.row(item.rows.start).start..visible.row(item.rows.end - 1).end;
            let gathered = Gathered::all(own, &seen).into_iter().map(Block::Gathered);
            let spans = blocks_of(&beside, item.rows.clone()).into_iter().map(Block::Span);
            let task_blocks: Vec<Block> = gathered.chain(spans).collect();
            let readers = Readers {
                queries: &queries[item.head..=item.head],
                scale,
                soft_cap,
                rows: item.rows.clone(),
                ranges: &beside,
            };
            let head = item.head / dims.group();
            Ok(arch.dispatch(Task {
                readers,
                keys: &keys[head],
                values: &values[head],
                head_dim: dims.head_dim,
                value_dim: dims.value_dim,
                visible: &visible,
                blocks: &task_blocks,
            }))
        };
        let parts = run_all(&items, threads, run).into_iter().collect::<Result<Vec<Part>>>()?;

        // [B, Q, H, Dv]: as the next product wants it.
        let size = [dims.batch, dims.queries, dims.heads, dims.value_dim].map(|size| size as i64);
        let sinks = Sinks::of(inputs)?;
        let output = written(size, |output| write(&dims, (&pieces, &parts), &sinks, threads, output))?;
        Ok(output.f_transpose(1, 2)?.f_to_kind(inputs.kind())?)
    }
}

/// The rows of each task of a head, in order: blocks, or parts of them where there are fewer blocks than would keep all threads at work.
fn pieces(blocks: &BlockRanges, heads: usize, threads: usize) -> Vec<Range<usize>> {
    let of = blocks.blocks();
    let wanted = (threads * TASKS_PER_THREAD).div_ceil(heads * of.count());
    let parts = |rows: Range<usize>| {
        let height = rows.len().div_ceil(wanted).max(FEWEST_ROWS);
        let end = rows.end;
        rows.step_by(height).map(move |start| start..end.min(start + height))
    };
    (0..of.count()).flat_map(|block| parts(of.rows_of(block))).collect()
}

/// The ranges of the rows `rows` that are not in `taken`; none of the others.
fn without(ranges: &RowRanges, taken: &[Range<usize>], rows: Range<usize>) -> Result<RowRanges> {
    if ranges.is_empty() {
        return Ok(RowRanges::none(ranges.queries(), ranges.keys()));
    }
    let of_row = |row: usize| {
        let own = if rows.contains(&row) { ranges.row(row) } else { &[] };
        own.iter().flat_map(|range| outside(range.clone(), taken))
    };
    RowRanges::from_rows(ranges.keys(), (0..ranges.queries()).map(of_row))
}

/// Writes attention `[B, Q, H, Dv]` from the parts of all heads, of the last of `pieces` first.
fn write(
    dims: &Dims,
    (pieces, parts): (&[Range<usize>], &[Part]),
    sinks: &Sinks,
    threads: usize,
    output: &mut [f32],
) {
    let heads = dims.batch * dims.heads;
    let write_row = |(number, output): (usize, &mut [f32])| {
        let (batch, row) = (number / dims.queries, number % dims.queries);
        let piece = pieces.partition_point(|rows| rows.end <= row);
        let of_piece = &parts[(pieces.len() - 1 - piece) * heads..][batch * dims.heads..][..dims.heads];
        for (head, (part, output)) in of_piece.iter().zip(output.chunks_exact_mut(dims.value_dim)).enumerate()
        {
            let part = std::slice::from_ref(part);
            Part::join(part, row - pieces[piece].start, sinks.of_row(head, row), output);
        }
    };
    let width = dims.heads * dims.value_dim;
    if threads == 1 || dims.batch * dims.queries < 2 * JOINED {
        output.chunks_exact_mut(width).enumerate().for_each(write_row);
    } else {
        output.par_chunks_exact_mut(width).with_min_len(JOINED).enumerate().for_each(write_row);
    }
}
