//! The progress of downloads.

/// Receives the progress of downloads. This crate prints nothing.
///
/// Files that are in the cache already are not mentioned.
pub trait Progress {
    /// The download of a file of `size` bytes begins, or begins again. `done` bytes are there already, from an interrupted
    /// download.
    fn begin(&mut self, file: &str, size: u64, done: u64);

    /// So many more bytes have arrived.
    fn advance(&mut self, bytes: u64);

    /// The file is complete and its checksum is right.
    fn finish(&mut self);
}

/// Ignores progress.
impl Progress for () {
    fn begin(&mut self, _: &str, _: u64, _: u64) {}

    fn advance(&mut self, _: u64) {}

    fn finish(&mut self) {}
}
