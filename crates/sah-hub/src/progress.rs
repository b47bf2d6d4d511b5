//! Telling how a download goes on.

/// Is told how downloads go on. Nothing here prints: that is for whoever implements it.
///
/// Files that are in the cache already are not mentioned.
pub trait Progress {
    /// The transfer of a file of `size` bytes begins. `done` bytes are there already, from a transfer that was cut
    /// off. Called again where the transfer must begin anew.
    fn begin(&mut self, file: &str, size: u64, done: u64);

    /// So many bytes more have come.
    fn advance(&mut self, bytes: u64);

    /// The file is whole and its checksum right.
    fn finish(&mut self);
}

/// Tells nobody.
impl Progress for () {
    fn begin(&mut self, _: &str, _: u64, _: u64) {}

    fn advance(&mut self, _: u64) {}

    fn finish(&mut self) {}
}
