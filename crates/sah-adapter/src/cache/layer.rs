//! Where the entries of one layer lie.

use std::ops::Range;

use sah_attention::{KvFormat, KvRows, KvSide, Positions};
use tch::Tensor;

use super::LayerShape;
use crate::Error;

/// Keys and values of one layer.
///
/// Heads that keep the same positions lie side by side, all heads in one part. Where a retention keeps others for each head, each
/// is a part with rows of its own, one after another in the same buffer, so that a head takes no more memory than it needs.
///
/// A part holds what was kept of the text that was read first, then the entries that all heads have.
#[derive(Debug)]
pub(super) struct Layer {
    /// `[1, Hkv, rows, D]` of one part, `[1, 1, rows, D]` of several.
    keys: KvRows,
    /// The same of values.
    values: KvRows,
    parts: Vec<Part>,
}

/// Heads with the same positions.
#[derive(Clone, Debug)]
struct Part {
    /// The KV heads.
    heads: Range<usize>,
    /// Where its rows begin.
    start: usize,
    /// Entries before those that all heads have.
    kept: usize,
    /// Where its entries stand in the text.
    positions: Positions,
}

/// Entries of some heads, as attention reads them.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    /// The KV heads.
    pub(crate) heads: Range<usize>,
    /// `[1, heads, K, D]`.
    pub(crate) keys: KvRows,
    /// The same of values.
    pub(crate) values: KvRows,
    /// Where they stand in the text.
    pub(crate) positions: &'a Positions,
}

impl Layer {
    /// Room for `capacity` entries of each head.
    pub(super) fn new(shape: LayerShape, capacity: usize, format: KvFormat) -> Result<Self, Error> {
        let LayerShape { device, kv_heads, key_dim, value_dim } = shape;
        let rows = |dim| KvRows::empty([1, kv_heads, capacity as i64, dim], format, device);
        let part = Part { heads: 0..kv_heads as usize, start: 0, kept: 0, positions: Positions::WHOLE };
        Ok(Self { keys: rows(key_dim)?, values: rows(value_dim)?, parts: vec![part] })
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes()
    }

    /// Whether heads have rows of their own.
    pub(super) fn has_parts(&self) -> bool {
        self.parts.len() > 1
    }

    /// How many entries each head keeps of what was read first.
    pub(super) fn kept(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().flat_map(|part| part.heads.clone().map(|_| part.kept))
    }

    /// The entries of head `head` before those that all heads have.
    pub(super) fn kept_of(&self, head: usize) -> usize {
        self.parts.iter().find(|part| part.heads.contains(&head)).map_or(0, |part| part.kept)
    }

    /// The number of the part that holds head `head`.
    fn part_of(&self, head: usize) -> usize {
        self.parts.iter().position(|part| part.heads.contains(&head)).unwrap_or_default()
    }

    /// Writes `[1, Hkv, n, D]` entries of all heads from their `at`-th common entry on.
    pub(super) fn store_at(&self, at: usize, keys: &Tensor, values: &Tensor) -> Result<(), Error> {
        for part in &self.parts {
            let (first, count) = (part.heads.start as i64, part.heads.len() as i64);
            let row = part.start + part.kept + at;
            self.keys.store_at(row, &keys.f_narrow(1, first, count)?)?;
            self.values.store_at(row, &values.f_narrow(1, first, count)?)?;
        }
        Ok(())
    }

    /// Copies common entries `from..from + count` to `to..to + count`, which are others.
    pub(super) fn copy(&self, from: usize, to: usize, count: usize) -> Result<(), Error> {
        for part in &self.parts {
            let at = |first: usize| part.start + part.kept + first..part.start + part.kept + first + count;
            for rows in [&self.keys, &self.values] {
                rows.narrow(at(to))?.copy_from(&rows.narrow(at(from))?)?;
            }
        }
        Ok(())
    }

    /// Says that the entries of all heads stand at `positions`.
    pub(super) fn stand_at(&mut self, positions: &Positions) {
        self.parts.iter_mut().for_each(|part| part.positions = positions.clone());
    }

    /// Of each part what is kept and the first `count` common entries.
    pub(super) fn entries(&self, count: usize) -> Result<Vec<Entries<'_>>, Error> {
        let entries = self.parts.iter().map(|part| {
            let rows = part.start..part.start + part.kept + count;
            let (keys, values) = (self.keys.narrow(rows.clone())?, self.values.narrow(rows)?);
            Ok(Entries { heads: part.heads.clone(), keys, values, positions: &part.positions })
        });
        entries.collect()
    }

    /// The buffers of all parts. Only the entries of [`Layer::rows`] have been written.
    pub(super) fn buffers(&self) -> (&KvRows, &KvRows) {
        (&self.keys, &self.values)
    }

    /// Where in the buffers those of each part lie that the last of some entries may read in a layer with this window: of what is
    /// kept, of the first `prefix` common entries and of the common entries `own` that follow them.
    pub(super) fn rows(
        &self,
        prefix: usize,
        own: Range<usize>,
        window: Option<usize>,
    ) -> impl Iterator<Item = [Range<usize>; 2]> {
        self.parts.iter().map(move |part| {
            let before = part.kept + prefix;
            let length = part.positions.length(before + own.len());
            let first = window.map_or(0, |window| part.positions.first_from(length.saturating_sub(window)));
            let skipped = first.saturating_sub(before).min(own.len());
            let common = part.start + part.kept;
            [
                part.start + first.min(before)..part.start + before,
                common + own.start + skipped..common + own.end,
            ]
        })
    }

    /// A layer of its own with the entries `kept` of each head, ascending numbers of those that it has with `length` common ones, and
    /// room for `room` after them.
    pub(super) fn compacted(&self, kept: &[Vec<usize>], length: usize, room: usize) -> Result<Self, Error> {
        let is_even = self.parts.len() == 1 && kept.windows(2).all(|heads| heads[0] == heads[1]);
        let positions = |head: usize| {
            let part = &self.parts[self.part_of(head)];
            let kept: Vec<usize> = kept[head].iter().map(|&entry| part.positions.of(entry)).collect();
            Positions::listed(kept, part.positions.length(part.kept + length))
        };
        let sizes: Vec<usize> = kept.iter().map(|kept| kept.len() + room).collect();
        let mut parts = Vec::new();
        if is_even {
            parts.push(Part {
                heads: 0..kept.len(),
                start: 0,
                kept: kept[0].len(),
                positions: positions(0)?,
            });
        } else {
            let mut start = 0;
            for (head, kept) in kept.iter().enumerate() {
                parts.push(Part {
                    heads: head..head + 1,
                    start,
                    kept: kept.len(),
                    positions: positions(head)?,
                });
                start += sizes[head];
            }
        }
        let copy = |rows: &KvRows| -> Result<KvRows, Error> {
            let copy = if is_even { rows.like(sizes[0])? } else { rows.like_heads(1, sizes.iter().sum())? };
            for part in &parts {
                let to = copy.narrow(part.start..part.start + part.kept)?;
                let (from, kept) = (&self.parts[self.part_of(part.heads.start)], &kept[part.heads.start]);
                // Heads that have rows of their own are one after another, others side by side.
                let first = part.heads.start - from.heads.start;
                let kept: Vec<usize> = kept.iter().map(|&entry| from.start + entry).collect();
                to.copy_from(&rows.heads(first..first + part.heads.len())?.select(&kept)?)?;
            }
            Ok(copy)
        };
        let (keys, values) = (copy(&self.keys)?, copy(&self.values)?);
        Ok(Self { keys, values, parts })
    }

    /// A layer of its own in which the older entries of each part are packed, of what is kept and `length` common entries.
    pub(super) fn packed(&self, length: usize) -> Result<Self, Error> {
        let format = self.keys.format();
        let of_part = |part: &Part| part.start..part.start + format.packed_of(part.kept + length);
        let ranges: Vec<_> = self.parts.iter().map(of_part).collect();
        let (keys, values) =
            (self.keys.pack(KvSide::Keys, &ranges)?, self.values.pack(KvSide::Values, &ranges)?);
        Ok(Self { keys, values, parts: self.parts.clone() })
    }
}
