//! Exit codes.

/// Everything was done.
pub(crate) const DONE: u8 = 0;
/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The command line asks for something that does not exist.
pub(crate) const USAGE: u8 = 2;
/// The run ended, and some of its rows have no answer.
pub(crate) const ROWS_FAILED: u8 = 3;
/// The run ended, and some of its cells, or of its benchmarks, could not be finished.
pub(crate) const CELLS_FAILED: u8 = 4;
/// Failed for a reason that may pass, so that another try is worth it: `EX_TEMPFAIL` of sysexits.h.
pub(crate) const MAY_PASS: u8 = 75;
/// Stopped by a signal: what a shell says of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;
