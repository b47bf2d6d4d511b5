//! One pass over the selected keys and values on the CPU.

mod scores;
mod sums;
mod work;

use std::ops::Range;

use rayon::prelude::*;
use sah_tensor::cpu::arch;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::{AttentionInputs, Dims};
use crate::kernel::cpu::check_readable;
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::rows::{WithRows, readable_queries, with_rows};
use crate::kernel::cpu::sinks::Sinks;
use crate::kernel::cpu::source::{Keys, Source};
use crate::kernel::{Kernel, Reads};
use crate::mask::{IndexList, RowRanges, Selection, SparseSelection};
use sah_tensor::element::{F32, Parts};
use sah_tensor::torch::{heads, written};
use work::{BLOCK, Piece, Work};

/// Numbers of keys and values that are worth another thread: below, one has read them in 20 microseconds.
const SHARED: usize = 1 << 16;

/// Tasks for each thread: enough that one which is late does not keep the others waiting.
const TASKS_PER_THREAD: usize = 4;

/// Reads each selected key and value once, where it lies in the cache, with all cores; f32, bf16, f16
/// and [8-bit](crate::KvFormat::Int8) rows and [packed](crate::KvFormat::Kivi) ones on the CPU.
///
/// The keys of a row are cut into blocks. Each gives the maximum of its scores, the sum of their exponentials and the values
/// weighted by them; blocks are joined by rescaling to the common maximum (Milakov and Gimelshein 2018, arXiv 1805.02867).
/// Ranges, which all heads share, are read once for the query heads of a group, and 8-bit and packed rows widened once. Sums are in f32.
///
/// Rows are computed one by one, which is the fastest way for one row and for rows that read different keys. Other formats
/// and devices, and caches whose rows are not contiguous, are [`Error::KernelInputs`](crate::Error::KernelInputs).
#[derive(Debug, Clone, Copy, Default)]
pub struct FusedKernel;

impl Kernel for FusedKernel {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        check_readable(self.name(), inputs)?;
        reads.check(inputs)?;
        match reads {
            Reads::All => with_rows(inputs, Over { inputs, read: Read::Visible }),
            Reads::Mask(mask) => match mask.selection() {
                Selection::Sparse(sparse) => with_rows(inputs, Over { inputs, read: Read::Selected(sparse) }),
                // An empty selection has empty rows, which were refused above.
                Selection::Full | Selection::Empty => with_rows(inputs, Over { inputs, read: Read::Visible }),
            },
            Reads::Ranges(ranges) => with_rows(inputs, Over { inputs, read: Read::Ranges(ranges) }),
        }
    }
}

/// Attention over what is read. The inputs are supported, and every row has something to read.
struct Over<'a> {
    inputs: &'a AttentionInputs<'a>,
    read: Read<'a>,
}

/// The keys that rows read.
#[derive(Clone, Copy)]
enum Read<'a> {
    /// Those that are visible to them.
    Visible,
    /// Those of these that are visible to them.
    Selected(&'a SparseSelection),
    /// These, whatever is visible.
    Ranges(&'a RowRanges),
}

impl WithRows for Over<'_> {
    fn call<K: Source, V: Source>(self, keys: &[K], values: &[V]) -> Result<Tensor> {
        let Self { inputs, read } = self;
        let dims = inputs.dims();
        let queries = arranged_queries::<K::Element>(inputs)?;
        let lists = match read {
            Read::Selected(selected) => Lists::of(inputs, selected)?,
            Read::Visible | Read::Ranges(_) => None,
        };
        let pieces = pieces_of_items(inputs, read, lists.as_ref());

        let threads = tch::get_num_threads().max(1) as usize;
        let tasks = tasks(&pieces, threads);
        let (arch, soft_cap) = (arch(), inputs.soft_cap().map(|cap| cap as f32));
        let run = |&(item, pieces): &Task<'_>| {
            let queries: Vec<f32> =
                rows_of(dims, item).flat_map(|row| queries[row].iter().copied()).collect();
            let head = item / dims.queries;
            let mut part = Part::new(dims.group(), dims.value_dim);
            arch.dispatch(Work {
                queries: &queries,
                head_dim: dims.head_dim,
                value_dim: dims.value_dim,
                keys: &keys[head],
                values: &values[head],
                soft_cap,
                pieces,
                part: &mut part,
            });
            part
        };
        let numbers =
            pieces.iter().flatten().map(Piece::len).sum::<usize>() * (dims.head_dim + dims.value_dim);
        let parts: Vec<Part> = if threads == 1 || tasks.len() == 1 || numbers < SHARED {
            tasks.iter().map(run).collect()
        } else {
            tasks.par_iter().with_min_len(tasks.len().div_ceil(threads * TASKS_PER_THREAD)).map(run).collect()
        };
        joined::<V::Element>(inputs, &tasks, &parts)
    }
}

/// A part of the pieces of an item: a query row of a key/value head, in the order `[B, Hkv, Q]`.
type Task<'a> = (usize, &'a [Piece<'a>]);

/// The query rows of the heads of an item's group, in the order `[B, H, Q]`.
fn rows_of(dims: &Dims, item: usize) -> impl Iterator<Item = usize> + use<> {
    let (queries, group) = (dims.queries, dims.group());
    let (head, row) = (item / queries, item % queries);
    (0..group).map(move |member| (head * group + member) * queries + row)
}

/// The query rows `[B, H, Q]`, scaled and in the order of numbers in which `E` is multiplied.
#[expect(unsafe_code, reason = "reads queries in place")]
fn arranged_queries<E: Parts>(inputs: &AttentionInputs<'_>) -> Result<Vec<Vec<f32>>> {
    let queries = readable_queries(inputs)?;
    // SAFETY: all that is written while the rows are in use is memory of this function.
    let query_heads = unsafe { heads::<F32>(&queries)? };
    let scale = inputs.scale() as f32;
    let rows = query_heads.iter().flat_map(|head| (0..inputs.dims().queries).map(|row| head.row(row)));
    let arranged = rows.map(|query| {
        let scaled: Vec<f32> = query.iter().map(|element| scale * element).collect();
        E::arrange(&scaled).into_owned()
    });
    Ok(arranged.collect())
}

/// What each item reads, in blocks.
fn pieces_of_items<'a>(
    inputs: &AttentionInputs<'_>,
    read: Read<'_>,
    lists: Option<&'a Lists>,
) -> Vec<Vec<Piece<'a>>> {
    let dims = inputs.dims();
    let visible = inputs.visible();
    let pieces = |item| {
        let row = item % dims.queries;
        let mut pieces = match read {
            Read::Visible => spans(&visible.row(row), None, row),
            Read::Selected(selected) => spans(&visible.row(row), Some(selected.ranges()), row),
            Read::Ranges(ranges) => spans(&(0..dims.keys), Some(ranges), row),
        };
        if let Some(lists) = lists {
            let spans = pieces.len();
            let rows = rows_of(dims, item).enumerate();
            pieces.extend(rows.flat_map(|(member, row)| lists.pieces(member, row)));
            // Heads whose blocks lie near each other read many of the same keys, which are then still in the cache.
            pieces[spans..].sort_by_key(Piece::first);
        }
        pieces
    };
    (0..dims.batch * dims.kv_heads * dims.queries).map(pieces).collect()
}

/// The pieces of all items, divided so that each of `threads` has several tasks.
fn tasks<'a>(pieces: &'a [Vec<Piece<'a>>], threads: usize) -> Vec<Task<'a>> {
    let total: usize = pieces.iter().map(Vec::len).sum();
    let per_task = total.div_ceil(threads * TASKS_PER_THREAD).max(1);
    pieces
        .iter()
        .enumerate()
        .flat_map(|(item, pieces)| pieces.chunks(per_task).map(move |pieces| (item, pieces)))
        .collect()
}

/// The output `[B, H, Q, Dv]` of the `parts` that the tasks gave.
fn joined<E: Parts>(inputs: &AttentionInputs<'_>, tasks: &[Task<'_>], parts: &[Part]) -> Result<Tensor> {
    let dims = inputs.dims();
    let size = [dims.batch, dims.heads, dims.queries, dims.value_dim].map(|size| size as i64);
    let sinks = Sinks::of(inputs)?;
    let output = written(size, |output| {
        let (mut done, mut joined) = (0, vec![0.0_f32; dims.value_dim]);
        for item in 0..dims.batch * dims.kv_heads * dims.queries {
            let count = tasks[done..].iter().take_while(|task| task.0 == item).count();
            let parts = &parts[done..done + count];
            done += count;
            for (member, row) in rows_of(dims, item).enumerate() {
                let sink = sinks.of_row(row / dims.queries % dims.heads, row % dims.queries);
                Part::join(parts, member, sink, &mut joined);
                let at = row * dims.value_dim;
                output[at..at + dims.value_dim].copy_from_slice(&E::restore(&joined));
            }
        }
    })?;
    Ok(if inputs.kind() == Kind::Float { output } else { output.f_to_kind(inputs.kind())? })
}

/// The ranges of row `row` as far as they are `visible` to it, in blocks.
fn spans<'a>(visible: &Range<usize>, ranges: Option<&RowRanges>, row: usize) -> Vec<Piece<'a>> {
    let cut = |range: &Range<usize>| range.start.max(visible.start)..range.end.min(visible.end);
    let blocks = |range: Range<usize>| {
        range.clone().step_by(BLOCK).map(move |start| Piece::span(start..(start + BLOCK).min(range.end)))
    };
    match ranges {
        None => blocks(visible.clone()).collect(),
        Some(ranges) => ranges.row(row).iter().map(cut).flat_map(blocks).collect(),
    }
}

/// A list on the host: the keys that each row may read.
struct Lists {
    keys: Vec<usize>,
    biases: Vec<f32>,
    /// Where the keys of each row end, rows in the order `[B, H, Q]`.
    ends: Vec<usize>,
}

impl Lists {
    /// The single keys, pages or blocks of a selection; `None` where it has ranges alone.
    fn of(inputs: &AttentionInputs<'_>, selected: &SparseSelection) -> Result<Option<Self>> {
        Ok(match selected.list() {
            Some(list) => Some(Self::of_keys(inputs, list)?),
            None => selected.spans(&inputs.visible())?.as_ref().map(Self::of_spans),
        })
    }

    /// The keys of `spans`, of rows in the order `[B, H, Q]`.
    fn of_spans(spans: &RowRanges) -> Self {
        let mut lists = Self { keys: vec![], biases: vec![], ends: vec![] };
        for spans in spans.rows() {
            lists.keys.extend(spans.iter().cloned().flatten());
            lists.ends.push(lists.keys.len());
        }
        lists
    }

    fn of_keys(inputs: &AttentionInputs<'_>, list: &IndexList) -> Result<Self> {
        let indices = Vec::<i64>::try_from(list.indices().f_reshape([-1])?)?;
        let biases = match list.probabilities() {
            None => None,
            Some(probabilities) => {
                Some(Vec::<f32>::try_from(probabilities.f_log()?.f_neg()?.f_reshape([-1])?)?)
            }
        };
        let (queries, width) = (inputs.dims().queries, list.width());
        let mut lists = Self { keys: vec![], biases: vec![], ends: vec![] };
        let visible_to = inputs.visible();
        for (row, indices) in indices.chunks_exact(width.max(1)).enumerate() {
            let visible = visible_to.row(row % queries);
            for (at, &index) in indices.iter().enumerate() {
                if index >= 0 && visible.contains(&(index as usize)) {
                    lists.keys.push(index as usize);
                    lists.biases.extend(biases.as_ref().map(|biases| biases[row * width + at]));
                }
            }
            lists.ends.push(lists.keys.len());
        }
        Ok(lists)
    }

    /// The keys of row `row` for the group's head `head`, in blocks.
    fn pieces(&self, head: usize, row: usize) -> impl Iterator<Item = Piece<'_>> {
        let end = self.ends.get(row).copied().unwrap_or_default();
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or_default() };
        (start..end).step_by(BLOCK).map(move |from| {
            let block = from..(from + BLOCK).min(end);
            let biases = self.biases.get(block.clone()).unwrap_or_default();
            Piece { head: Some(head), keys: Keys::List(&self.keys[block]), biases }
        })
    }
}
