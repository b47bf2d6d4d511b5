//! Keys that stay in a cache.

/// The keys that attention may still read in rows to come, whatever these are; all others can be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptKeys {
    /// The first so many of the sequence.
    pub sinks: usize,
    /// The last so many before each row, its own included.
    pub window: usize,
}

impl KeptKeys {
    /// The keys of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { sinks: self.sinks.max(other.sinks), window: self.window.max(other.window) }
    }

    /// How many keys that are at most.
    #[must_use]
    pub fn count(self) -> usize {
        self.sinks.saturating_add(self.window)
    }
}
