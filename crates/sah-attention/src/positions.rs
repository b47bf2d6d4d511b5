//! Where the keys of a call stand in the text.

use std::sync::Arc;

use tch::{Device, Tensor};

use crate::error::{Error, Result};

/// Where each key of a call stands in the text: its position, from 0.
///
/// A cache from which nothing was evicted has key `j` at position `j`. One that evicts keeps some keys of what was read first,
/// at any positions, and all keys that came later. So the first `m` keys stand where a list says, in order, and key `j >= m` at
/// position `next + j - m`. What follows from positions (what a row may read, a layer's window, densities) asks this type.
///
/// ```
/// use sah_attention::Positions;
///
/// // Of ten tokens the keys 0, 3 and 8 are left; two tokens follow.
/// let positions = Positions::listed(vec![0, 3, 8], 10)?;
/// assert_eq!([0, 1, 2, 3, 4].map(|key| positions.of(key)), [0, 3, 8, 10, 11]);
/// assert_eq!((positions.length(5), positions.evicted()), (12, 7));
/// # Ok::<(), sah_attention::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    first: First,
    /// Position of the key after those.
    next: usize,
}

/// The positions of the first keys.
#[derive(Clone, Debug, PartialEq, Eq)]
enum First {
    /// 0, 1, 2, .. and so many.
    Counted(usize),
    /// These, in ascending order.
    Listed(Arc<[usize]>),
}

impl Positions {
    /// Key `j` stands at position `j`.
    pub const WHOLE: Self = Self { first: First::Counted(0), next: 0 };

    /// The first `sinks` keys are those of the text, and `evicted` tokens are missing after them.
    #[must_use]
    pub fn with_gap(sinks: usize, evicted: usize) -> Self {
        if evicted == 0 {
            return Self::WHOLE;
        }
        Self { first: First::Counted(sinks), next: sinks + evicted }
    }

    /// The first keys stand at `kept`, which are left of `read` tokens, and all that came later are there.
    ///
    /// # Errors
    ///
    /// [`Error::Field`]: `kept` do not ascend, or are not below `read`.
    pub fn listed(kept: impl Into<Arc<[usize]>>, read: usize) -> Result<Self> {
        let kept = kept.into();
        let ascends = kept.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascends || kept.last().is_some_and(|&last| last >= read) {
            return Err(Error::Field {
                field: "positions of kept keys",
                expected: "in ascending order and below the number of tokens read",
                found: format!("{} of {read} tokens, {:?} the last", kept.len(), kept.last()),
            });
        }
        Ok(Self { first: First::Listed(kept), next: read })
    }

    /// The position of key `key`.
    #[must_use]
    pub fn of(&self, key: usize) -> usize {
        match &self.first {
            First::Counted(count) if key < *count => key,
            First::Listed(kept) if key < kept.len() => kept[key],
            _ => self.next + key - self.first(),
        }
    }

    /// The first key at `position` or after it: their number, where there are none that few.
    #[must_use]
    pub fn first_from(&self, position: usize) -> usize {
        if position > self.next {
            return self.first() + position - self.next;
        }
        match &self.first {
            First::Counted(count) => position.min(*count),
            First::Listed(kept) => kept.partition_point(|&kept| kept < position),
        }
    }

    /// How many keys stand where a list says, or at the beginning; those after them stand one after another.
    #[must_use]
    pub fn first(&self) -> usize {
        match &self.first {
            First::Counted(count) => *count,
            First::Listed(kept) => kept.len(),
        }
    }

    /// Whether the first `count` keys of the text are all there.
    #[must_use]
    pub fn begins_with(&self, count: usize) -> bool {
        self.evicted() == 0 || (count <= self.first() && self.first_from(count) == count)
    }

    /// How many keys were evicted.
    #[must_use]
    pub fn evicted(&self) -> usize {
        self.next - self.first()
    }

    /// How many keys were evicted because no row would read them: to read all keys is an error then. Those that a list leaves out
    /// were left out for good, and all keys are those that are left.
    #[must_use]
    pub fn missed(&self) -> usize {
        match self.first {
            First::Counted(_) => self.evicted(),
            First::Listed(_) => 0,
        }
    }

    /// Tokens of the text up to the last of `keys` keys, those whose keys were evicted included.
    #[must_use]
    pub fn length(&self, keys: usize) -> usize {
        keys + self.evicted()
    }

    /// The positions of the first `keys` keys, `[K]` of `Int64`.
    pub fn to_tensor(&self, keys: usize, device: Device) -> Result<Tensor> {
        let positions: Vec<i64> = (0..keys).map(|key| self.of(key) as i64).collect();
        Ok(Tensor::f_from_slice(&positions)?.f_to_device(device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(positions: &Positions, keys: usize) -> Vec<usize> {
        (0..keys).map(|key| positions.of(key)).collect()
    }

    #[test]
    fn keys_stand_where_they_were_read() {
        assert_eq!(of(&Positions::WHOLE, 4), [0, 1, 2, 3]);
        assert_eq!(of(&Positions::with_gap(2, 4), 5), [0, 1, 6, 7, 8]);
        assert_eq!(of(&Positions::with_gap(0, 3), 2), [3, 4]);
        let listed = Positions::listed(vec![1, 2, 7], 9).unwrap();
        assert_eq!(of(&listed, 5), [1, 2, 7, 9, 10]);
        assert_eq!((listed.evicted(), listed.length(5)), (6, 11));
        assert_eq!(of(&Positions::listed(vec![], 3).unwrap(), 2), [3, 4]);
        assert_eq!(Positions::WHOLE.evicted(), 0);
        let begins =
            |positions: &Positions| (0..6).take_while(|&count| positions.begins_with(count)).count() - 1;
        assert_eq!([begins(&Positions::with_gap(2, 4)), begins(&Positions::with_gap(0, 4))], [2, 0]);
        assert_eq!([begins(&Positions::WHOLE), begins(&listed)], [5, 0]);
        assert_eq!(begins(&Positions::listed(vec![0, 1, 2, 7], 9).unwrap()), 3);
    }

    #[test]
    fn the_first_key_from_a_position_on_is_the_first_that_is_left() {
        for positions in [
            Positions::WHOLE,
            Positions::with_gap(2, 4),
            Positions::with_gap(0, 5),
            Positions::listed(vec![1, 2, 7], 9).unwrap(),
            Positions::listed(vec![0, 8], 9).unwrap(),
            Positions::listed(vec![], 3).unwrap(),
        ] {
            let all = of(&positions, 20);
            for position in 0..12 {
                let expected = all.iter().position(|&of_key| of_key >= position).unwrap();
                assert_eq!(positions.first_from(position), expected, "{positions:?} from {position}");
            }
        }
    }

    #[test]
    fn lists_ascend_and_end_before_what_comes_later() {
        for kept in [vec![2, 1], vec![1, 1], vec![0, 5]] {
            assert!(Positions::listed(kept, 5).is_err());
        }
    }
}
