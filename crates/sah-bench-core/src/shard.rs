//! A part of a run that a process of its own does.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Every `count`-th context of a run, with all rows about it. So parts are about equal, wherever long contexts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: usize,
    count: NonZeroUsize,
}

impl Shard {
    /// All contexts: a run that is not divided.
    pub const UNDIVIDED: Self = Self { index: 0, count: NonZeroUsize::MIN };

    /// The shards that a run is divided into.
    pub fn all(count: NonZeroUsize) -> impl Iterator<Item = Self> {
        (0..count.get()).map(move |index| Self { index, count })
    }

    /// Its place among the others, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> NonZeroUsize {
        self.count
    }

    /// Whether it has the context with this place in the run.
    #[must_use]
    pub fn has(self, group: usize) -> bool {
        group % self.count == self.index
    }

    /// The name of its folder, in that of the attention.
    #[must_use]
    pub fn folder(self) -> String {
        format!("shard-{}-of-{}", self.index + 1, self.count)
    }
}

/// `2/4`, from 1.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, count)| {
            let (number, count): (NonZeroUsize, NonZeroUsize) = (number.parse().ok()?, count.parse().ok()?);
            (number <= count).then(|| Self { index: number.get() - 1, count })
        });
        parts.ok_or_else(|| "write a shard's number and how many there are, such as 2/4".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::Shard;

    #[test]
    fn every_context_is_in_one_shard() {
        let count = NonZeroUsize::new(3).unwrap();
        for group in 0..10 {
            assert_eq!(Shard::all(count).filter(|shard| shard.has(group)).count(), 1);
        }
        assert!((0..10).all(|group| Shard::UNDIVIDED.has(group)));
    }

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        for text in ["1/1", "2/4", "4/4"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        assert_eq!("2/4".parse::<Shard>().unwrap().folder(), "shard-2-of-4");
        for wrong in ["", "2", "0/4", "5/4", "1/0", "-1/2", "a/b", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
