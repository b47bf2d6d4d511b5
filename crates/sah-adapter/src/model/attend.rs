//! Whose keys the rows of a forward pass read: one sequence's, or each row its own.

use std::ops::Range;

use sah_attention::{
    AttentionInputs, AttentionPolicy, Density, Kernel, KvRows, LayerHeads, Reads, RowRanges,
};
use tch::Tensor;

use super::dims::HeadDims;
use crate::Error;
use crate::cache::{Batch, Entries, KvCache, LayerMemory};

/// What a layer's attention needs to know of the sequences.
pub(super) trait Attend {
    /// Appends the keys and values where they are the layer's own, and attends from the queries. Gives `[1, H, Q, D]`.
    fn attend(&mut self, layer: usize, scores: &Scores, heads: &Heads) -> Result<Tensor, Error>;

    /// Appends the keys, `[1, Hkv, Q, D]`, and values, `[1, Hkv, Q, Dv]`, of the rows.
    fn append(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(), Error>;

    /// Appends the entries where they are the layer's own, and gives the layer whose entries the rows read.
    fn keep(&mut self, layer: usize, entries: &NewEntries) -> Result<usize, Error> {
        match entries {
            NewEntries::Own { keys, values } => {
                self.append(layer, keys, values)?;
                Ok(layer)
            }
            NewEntries::OfLayer(before) => Ok(*before),
        }
    }

    /// What the `rows` rows read, `[1, rows, ..]`, of a layer that keeps no keys, the `layer`-th of those: `read` gives it for rows of one
    /// sequence from what is remembered of it, and what is remembered then.
    fn remember(&mut self, layer: usize, rows: i64, read: &ReadMemory<'_>) -> Result<Tensor, Error>;
}

/// From what is remembered before the rows of one sequence, the first of them and how many there are.
pub(super) type ReadMemory<'a> =
    dyn Fn(Option<&LayerMemory>, i64, i64) -> Result<(Tensor, LayerMemory), Error> + 'a;

/// What a layer makes of the rows.
#[derive(Debug)]
pub(super) struct Heads {
    /// `[1, H, Q, D]`.
    pub(super) queries: Tensor,
    pub(super) entries: NewEntries,
}

/// Keys and values of the rows.
#[derive(Debug)]
pub(super) enum NewEntries {
    /// The layer's own, `[1, Hkv, Q, D]` each, which are to be appended to those before.
    Own { keys: Tensor, values: Tensor },
    /// Those that this layer has appended.
    OfLayer(usize),
}

/// What a layer does to its scores.
#[derive(Debug)]
pub(super) struct Scores {
    /// Their factor.
    pub(super) scale: f64,
    /// How many keys a row reads, its own included; `None` for all before it.
    pub(super) window: Option<usize>,
    /// Their bound: `cap * tanh(s / cap)`.
    pub(super) soft_cap: Option<f64>,
    /// Those that take part in each head's softmax and belong to no key, `[H, 1]` in f32.
    pub(super) sinks: Option<Tensor>,
}

impl Scores {
    /// Scaled by `1 / sqrt(D)`, within `window`.
    pub(super) fn of_heads(heads: HeadDims, window: Option<usize>) -> Self {
        Self { scale: 1.0 / (heads.dim as f64).sqrt(), window, soft_cap: None, sinks: None }
    }

    /// Of `entries`, which are all heads of the layer or some of its `kv_heads`, with the `sinks` of these.
    fn inputs<'a>(
        &self,
        queries: &'a Tensor,
        entries: &'a Entries<'_>,
        kv_heads: usize,
        sinks: Option<&'a Tensor>,
    ) -> Result<AttentionInputs<'a>, Error> {
        Ok(self
            .inputs_of(queries, (&entries.keys, &entries.values), sinks)?
            .with_positions(entries.positions)?
            .with_heads(LayerHeads { first: entries.heads.start, all: kv_heads })?)
    }

    /// How many tokens a row at the end of so many may read, where none was evicted.
    fn seen_from(&self, length: usize) -> usize {
        self.window.map_or(length, |window| window.min(length))
    }

    fn inputs_of<'a>(
        &self,
        queries: &'a Tensor,
        (keys, values): (&'a KvRows, &'a KvRows),
        sinks: Option<&'a Tensor>,
    ) -> Result<AttentionInputs<'a>, Error> {
        Ok(AttentionInputs::new(queries, keys, values, self.scale)?
            .with_window(self.window)?
            .with_soft_cap(self.soft_cap)?
            .with_sink_scores(sinks)?)
    }
}

/// All rows continue one sequence, one after another.
#[derive(Debug)]
pub(super) struct OneSequence<'a, 'p> {
    pub(super) cache: &'a mut KvCache,
    pub(super) attention: &'a mut AttentionPolicy<'p>,
    /// Densities of the layers so far.
    pub(super) densities: Vec<Density>,
}

/// Each row continues a sequence of its own.
#[derive(Debug)]
pub(super) struct BatchRows<'a, 'p, 'c> {
    pub(super) batch: &'a mut Batch<'c>,
    /// The sequence of each row.
    pub(super) numbers: &'a [usize],
    /// The attention of each row; where all are dense, a common prefix is read once for all.
    pub(super) attentions: &'a mut [AttentionPolicy<'p>],
    /// Densities of the layers so far, for each row; none where all rows are dense.
    pub(super) densities: Vec<Vec<Density>>,
}

impl Attend for OneSequence<'_, '_> {
    fn attend(&mut self, layer: usize, scores: &Scores, heads: &Heads) -> Result<Tensor, Error> {
        let kept = self.keep(layer, &heads.entries)?;
        let rows = heads.queries.size()[2] as usize;
        if self.cache.has_parts(kept)
            && let Some(kernel) = self.attention.dense_kernel(layer, &heads.queries)?
        {
            let ranges = self.cache.row_ranges(kept, rows, scores.window);
            let start = self.cache.length();
            let read: f64 = (0..rows).map(|row| read_by_row(&ranges, row, rows)).sum();
            let all: usize = (1..=rows).map(|row| scores.seen_from(start + row)).sum();
            self.densities.push(Density::known(read / all as f64));
            return attend_buffers(kernel, self.cache.buffers(kept), ranges, scores, &heads.queries);
        }
        let entries = self.cache.entries(kept, rows)?;
        attend_entries(self.attention, layer, scores, &heads.queries, &entries, &mut self.densities)
    }

    fn append(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(), Error> {
        self.cache.append(layer, keys, values)
    }

    fn remember(&mut self, layer: usize, rows: i64, read: &ReadMemory<'_>) -> Result<Tensor, Error> {
        let (output, memory) = read(self.cache.memory(layer), 0, rows)?;
        self.cache.remember(layer, memory);
        Ok(output)
    }
}

impl Attend for BatchRows<'_, '_, '_> {
    fn attend(&mut self, layer: usize, scores: &Scores, heads: &Heads) -> Result<Tensor, Error> {
        let kept = self.keep(layer, &heads.entries)?;
        if let Batch::Slots(slots) = &*self.batch
            && let Some(AttentionPolicy::Dense { kernel }) = self.attentions.first()
            && self.attentions.iter().all(|attention| matches!(attention, AttentionPolicy::Dense { .. }))
        {
            let ranges = slots.ranges(kept, self.numbers, scores.window);
            if slots.is_compacted() {
                for (row, (&number, densities)) in self.numbers.iter().zip(&mut self.densities).enumerate() {
                    let all = scores.seen_from(self.batch.length(number) + 1);
                    let read = read_by_row(&ranges, row, self.numbers.len());
                    densities.push(Density::known(read / all as f64));
                }
            }
            return attend_buffers(*kernel, slots.buffers(kept), ranges, scores, &heads.queries);
        }
        self.attend_one_by_one((layer, kept), scores, &heads.queries)
    }

    fn append(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(), Error> {
        for (row, &number) in self.numbers.iter().enumerate() {
            let of_row = |tensor: &Tensor| tensor.f_narrow(2, row as i64, 1);
            self.batch.append(layer, number, &of_row(keys)?, &of_row(values)?)?;
        }
        Ok(())
    }

    fn remember(&mut self, layer: usize, rows: i64, read: &ReadMemory<'_>) -> Result<Tensor, Error> {
        let mut outputs = Vec::with_capacity(self.numbers.len());
        for (row, &number) in (0..rows).zip(self.numbers) {
            let (output, memory) = read(self.batch.memory(layer, number), row, 1)?;
            self.batch.remember(layer, number, memory);
            outputs.push(output);
        }
        Ok(Tensor::f_cat(&outputs, 1)?)
    }
}

/// Keys that row `row` of `rows` reads: the mean over the parts of `ranges`.
fn read_by_row(ranges: &[[Range<usize>; 2]], row: usize, rows: usize) -> f64 {
    let of_parts = ranges.iter().skip(row).step_by(rows);
    let read: usize = of_parts.flatten().map(ExactSizeIterator::len).sum();
    read as f64 / (ranges.len() / rows) as f64
}

impl BatchRows<'_, '_, '_> {
    /// Attends from each row to its own sequence, with its own attention: as a layer, to the keys that a layer keeps.
    fn attend_one_by_one(
        &mut self,
        (layer, kept): (usize, usize),
        scores: &Scores,
        queries: &Tensor,
    ) -> Result<Tensor, Error> {
        let mut outputs = Vec::with_capacity(self.numbers.len());
        let rows = self.attentions.iter_mut().zip(&mut self.densities);
        for (row, (&number, (attention, densities))) in self.numbers.iter().zip(rows).enumerate() {
            let entries = self.batch.entries(kept, number)?;
            let query = queries.f_narrow(2, row as i64, 1)?;
            outputs.push(attend_entries(attention, layer, scores, &query, &entries, densities)?);
        }
        Ok(Tensor::f_cat(&outputs, 2)?)
    }
}

/// Attention of `queries`, `[1, H, Q, D]`, over the entries of all heads, part by part, of the same shape. Adds its density.
fn attend_entries(
    attention: &mut AttentionPolicy<'_>,
    layer: usize,
    scores: &Scores,
    queries: &Tensor,
    entries: &[Entries<'_>],
    densities: &mut Vec<Density>,
) -> Result<Tensor, Error> {
    if let [all] = entries {
        let inputs = scores.inputs(queries, all, all.heads.len(), scores.sinks.as_ref())?;
        let attended = attention.attend(layer, &inputs)?;
        densities.push(attended.density);
        return Ok(attended.output);
    }
    let kv_heads = entries.iter().map(|part| part.heads.len()).sum();
    let (mut outputs, mut of_parts) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    let group = queries.size()[1] / kv_heads as i64;
    for part in entries {
        let (first, count) = (part.heads.start as i64 * group, part.heads.len() as i64 * group);
        let of_part = queries.f_narrow(1, first, count)?;
        let sinks = scores.sinks.as_ref().map(|sinks| sinks.f_narrow(0, first, count)).transpose()?;
        let attended = attention.attend(layer, &scores.inputs(&of_part, part, kv_heads, sinks.as_ref())?)?;
        of_parts.push(attended.density);
        outputs.push(attended.output);
    }
    densities.push(Density::mean(of_parts));
    Ok(Tensor::f_cat(&outputs, 1)?)
}

/// Dense attention of `queries`, `[1, H, Q, D]`, in a single call over the buffers of a layer, which reads a prefix that rows share once.
/// `ranges` has what each row reads, for all heads alike, or for each KV head that has rows of its own, one head after another.
fn attend_buffers(
    kernel: &dyn Kernel,
    buffers: (&KvRows, &KvRows),
    ranges: Vec<[Range<usize>; 2]>,
    scores: &Scores,
    queries: &Tensor,
) -> Result<Tensor, Error> {
    let (_, heads, rows, dim) = queries.size4()?;
    let parts = ranges.len() as i64 / rows;
    let ranges = RowRanges::from_rows(buffers.0.keys(), ranges)?;
    if parts == 1 {
        let inputs = scores.inputs_of(queries, buffers, scores.sinks.as_ref())?;
        return Ok(kernel.attend(&inputs, Reads::Ranges(&ranges))?);
    }
    // The buffers are those of one KV head, and the rows of each head are rows of its group.
    let group = heads / parts;
    let turned = queries.f_reshape([parts, group, rows, dim])?.f_transpose(0, 1)?;
    let turned = turned.f_reshape([1, group, parts * rows, dim])?;
    let turned_sinks = |sinks: &Tensor| {
        let of_head = sinks.f_reshape([parts, group])?.f_transpose(0, 1)?;
        of_head.f_repeat_interleave_self_int(rows, 1, None)
    };
    let sinks = scores.sinks.as_ref().map(turned_sinks).transpose()?;
    let inputs = scores.inputs_of(&turned, buffers, sinks.as_ref())?;
    let attended = kernel.attend(&inputs, Reads::Ranges(&ranges))?;
    let attended = attended.f_reshape([group, parts, rows, -1])?.f_transpose(0, 1)?;
    Ok(attended.f_reshape([1, heads, rows, -1])?)
}

#[cfg(test)]
mod tests;
