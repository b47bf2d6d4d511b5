//! What is said of the caches of a context.

use crate::Error;
use crate::cache::KvCache;

/// What the caches of a context hold.
#[derive(Clone, Debug)]
pub(crate) struct CacheFigures {
    /// Share of the keys that a retention left, over layers and heads, in the mean over the caches; `None` without one.
    pub(crate) kept: Option<f64>,
    /// How many of them in each layer and KV head; empty without a retention, and where each question has a cache of its own.
    pub(crate) kept_keys: Vec<Vec<usize>>,
    /// Bytes of keys and values that questions continue; of the largest cache, where each has its own.
    pub(crate) bytes: usize,
    /// The most bytes that caches took until then.
    pub(crate) peak: usize,
    /// How many caches of questions there are.
    questions: usize,
}

impl CacheFigures {
    /// Of a cache that serves all questions.
    pub(super) fn of(cache: &KvCache, is_compacted: bool) -> Result<Self, Error> {
        Ok(Self {
            kept: is_compacted.then(|| cache.kept_share()),
            kept_keys: if is_compacted { cache.kept_keys() } else { Vec::new() },
            bytes: cache.stored_bytes()?,
            peak: cache.peak_bytes(),
            questions: 0,
        })
    }

    /// With the cache of one question more, of which this share of keys is left.
    pub(super) fn add(&mut self, share: f64, bytes: usize, peak: usize) {
        let (mean, most) =
            if self.questions == 0 { (0.0, 0) } else { (self.kept.unwrap_or(0.0), self.bytes) };
        self.questions += 1;
        self.kept = Some(mean + (share - mean) / self.questions as f64);
        self.bytes = most.max(bytes);
        self.peak = self.peak.max(peak);
    }
}
