//! How a tensor of a file differs from that of Hugging Face, and the rows that have to change places.

use std::fmt;

/// How a stored tensor differs from that of Hugging Face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) order: Order,
    pub(crate) values: Values,
    pub(crate) shape: Shape,
}

/// Where its values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Same,
    /// A matrix `[out, in]` that Hugging Face stores as `[in, out]`.
    Transposed,
    Rows(RowOrder),
    /// The inputs of value heads by turns, as the rows in [`RowOrder::Values`] are.
    ValueColumns,
}

/// Which rows stand in which places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// Those of query or key heads, in the order of the original Llama code: rotary pairs are neighbours.
    Rotary,
    /// Value heads of the gated delta rule by turns of the key heads that they belong to: first the first of each, then the second.
    Values(ValueRows),
    /// All queries, keys and values of the gated delta rule, of which Hugging Face has those of a key head together, with their gates: these
    /// are another tensor of the file, `attn_gate`.
    ByKeyHead,
}

/// What the rows of value heads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueRows {
    /// As many rows a head as it has dimensions.
    OfHeads,
    /// The same behind the rows of queries and keys, which keep their places.
    BehindKeys,
    /// One row a head.
    OnePerHead,
}

/// What has been done to its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Same,
    /// 1 has been added to the weight of a norm, which Hugging Face's code adds itself.
    OneMore,
    /// Minus `e` to the power of each, which Hugging Face's code takes itself.
    MinusExp,
}

/// What has been done to its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Same,
    /// A matrix with one row, which may be written as a vector.
    Row,
    /// `[C, 1, k]` of a convolution as `[C, k]`.
    Kernels,
}

impl Layout {
    pub(crate) const SAME: Self = Self { order: Order::Same, values: Values::Same, shape: Shape::Same };

    pub(super) const fn ordered(order: Order) -> Self {
        Self { order, ..Self::SAME }
    }

    pub(super) const fn rows(order: RowOrder) -> Self {
        Self::ordered(Order::Rows(order))
    }

    /// The shape of the Hugging Face tensor whose stored shape is `stored`, that of `attn_gate` beside it aside.
    pub(crate) fn shape_of(self, stored: &[i64]) -> Vec<i64> {
        let mut shape = stored.to_vec();
        match (self.order, self.shape) {
            (Order::Transposed, _) => shape.reverse(),
            (_, Shape::Row) if shape.len() == 1 => shape.insert(0, 1),
            (_, Shape::Kernels) if shape.len() == 2 => shape.insert(1, 1),
            _ => {}
        }
        shape
    }
}

/// Sizes of the heads of layers with the gated delta rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeltaHeads {
    pub(crate) key_heads: usize,
    /// A multiple of the key heads.
    pub(crate) value_heads: usize,
    pub(crate) key_dim: usize,
    pub(crate) value_dim: usize,
}

/// Sizes of heads, by which rows change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    /// Rows of one query or key head of attention.
    pub(crate) dim: usize,
    pub(crate) delta: Option<DeltaHeads>,
}

impl RowOrder {
    /// The stored row that is row `row` of Hugging Face. No delta heads: as it is.
    pub(crate) fn stored_row(self, row: usize, heads: &Heads) -> usize {
        match (self, heads.delta) {
            (Self::Rotary, _) => rotary(row, heads.dim),
            (_, None) => row,
            (Self::Values(ValueRows::OfHeads), Some(delta)) => delta.turn(row, delta.value_dim),
            (Self::Values(ValueRows::OnePerHead), Some(delta)) => delta.turn(row, 1),
            (Self::Values(ValueRows::BehindKeys), Some(delta)) => {
                let keys = 2 * delta.key_heads * delta.key_dim;
                if row < keys { row } else { keys + delta.turn(row - keys, delta.value_dim) }
            }
            (Self::ByKeyHead, Some(delta)) => delta.together(row),
        }
    }

    /// How many rows there must be, or what their number must be a multiple of.
    pub(crate) fn rows(self, heads: &Heads) -> Rows {
        match (self, heads.delta) {
            (Self::Rotary, _) => Rows::MultipleOf(heads.dim),
            (_, None) => Rows::MultipleOf(1),
            (Self::Values(ValueRows::OfHeads), Some(delta)) => Rows::Exactly(delta.values()),
            (Self::Values(ValueRows::OnePerHead), Some(delta)) => Rows::Exactly(delta.value_heads),
            (Self::Values(ValueRows::BehindKeys), Some(delta)) => {
                Rows::Exactly(2 * delta.keys() + delta.values())
            }
            (Self::ByKeyHead, Some(delta)) => Rows::Exactly(2 * delta.keys() + 2 * delta.values()),
        }
    }
}

/// Numbers of rows that can be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    Exactly(usize),
    MultipleOf(usize),
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(expected) => write!(f, "{expected}"),
            Self::MultipleOf(size) => write!(f, "a multiple of the {size} of a head"),
        }
    }
}

impl Rows {
    pub(crate) fn allow(self, rows: usize) -> bool {
        match self {
            Self::Exactly(expected) => rows == expected,
            Self::MultipleOf(size) => rows.is_multiple_of(size),
        }
    }
}

impl DeltaHeads {
    fn keys(self) -> usize {
        self.key_heads * self.key_dim
    }

    pub(crate) fn values(self) -> usize {
        self.value_heads * self.value_dim
    }

    /// Value heads of a key head.
    fn group(self) -> usize {
        self.value_heads / self.key_heads
    }

    /// Where row `row` of value heads with `size` rows each stands, when the key heads take turns.
    pub(crate) fn turn(self, row: usize, size: usize) -> usize {
        let (head, within) = (row / size, row % size);
        let (key_head, number) = (head / self.group(), head % self.group());
        (number * self.key_heads + key_head) * size + within
    }

    /// Where a row stands of those that Hugging Face has by key heads: its queries, keys, values and gates.
    fn together(self, row: usize) -> usize {
        let values = self.group() * self.value_dim;
        let size = 2 * self.key_dim + 2 * values;
        let (head, mut within) = (row / size, row % size);
        let mut before = 0;
        for (own, all) in [
            (self.key_dim, self.keys()),
            (self.key_dim, self.keys()),
            (values, self.values()),
            (values, self.values()),
        ] {
            if within < own {
                return before + head * own + within;
            }
            within -= own;
            before += all;
        }
        row
    }
}

/// The row of the stored projection that holds row `row` of the Hugging Face one, for heads of `head_dim` rows.
///
/// Hugging Face rotates `(j, j + D/2)` of a head together, the stored form `(2j, 2j + 1)`: row `i D/2 + j` of a head,
/// with `i` 0 or 1, is stored as row `2j + i`.
fn rotary(row: usize, head_dim: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let (i, j) = (within / (head_dim / 2), within % (head_dim / 2));
    head * head_dim + 2 * j + i
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: Heads =
        Heads { dim: 8, delta: Some(DeltaHeads { key_heads: 2, value_heads: 6, key_dim: 2, value_dim: 3 }) };

    /// What becomes of the rows `stored`.
    fn restored(order: RowOrder, stored: &[usize]) -> Vec<usize> {
        assert!(order.rows(&HEADS).allow(stored.len()));
        (0..stored.len()).map(|row| stored[order.stored_row(row, &HEADS)]).collect()
    }

    #[test]
    fn rotary_rows_are_the_inverse_of_the_converters() {
        // llama.cpp's converter: rows [heads, 2, D/2] -> swap the last two -> [heads, D/2, 2].
        let mut stored = vec![];
        for head in 0..3 {
            for j in 0..4 {
                for i in 0..2 {
                    stored.push(head * 8 + i * 4 + j);
                }
            }
        }
        assert_eq!(restored(RowOrder::Rotary, &stored), (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn value_heads_come_back_to_their_key_heads() {
        // Hugging Face has heads 0 1 2 of the first key head, then 3 4 5; the file 0 3 1 4 2 5.
        let turns = [0, 3, 1, 4, 2, 5];
        assert_eq!(restored(RowOrder::Values(ValueRows::OnePerHead), &turns), (0..6).collect::<Vec<_>>());
        let rows: Vec<usize> =
            turns.iter().flat_map(|head| (0..3).map(move |within| 3 * head + within)).collect();
        assert_eq!(restored(RowOrder::Values(ValueRows::OfHeads), &rows), (0..18).collect::<Vec<_>>());
        let behind: Vec<usize> = (0..8).chain(rows.iter().map(|row| row + 8)).collect();
        assert_eq!(restored(RowOrder::Values(ValueRows::BehindKeys), &behind), (0..26).collect::<Vec<_>>());
    }

    #[test]
    fn what_belongs_to_a_key_head_comes_together() {
        // Of each key head: 2 rows of queries, 2 of keys, 9 of values, 9 of gates.
        let part = |from: usize, count: usize| [from..from + count, 22 + from..22 + from + count];
        let all = [part(0, 2), part(2, 2), part(4, 9), part(13, 9)];
        let stored: Vec<usize> = all.into_iter().flatten().flatten().collect();
        assert_eq!(restored(RowOrder::ByKeyHead, &stored), (0..44).collect::<Vec<_>>());
    }
}
