//! Peak memory of this process, and what there is for it.

use std::fs;

/// Where the figure comes from, for result files.
pub(crate) const SOURCE: &str = "VmHWM of the process (host memory), reset before the run";

/// Starts a new peak: what [`peak_bytes`] gives is since the last call. Linux only; elsewhere the peak is the process's.
pub(crate) fn reset_peak() {
    if let Err(error) = fs::write("/proc/self/clear_refs", "5") {
        tracing::warn!("peak memory covers the whole process, since it cannot be reset: {error}");
    }
}

/// The largest resident set since the last [`reset_peak`], in bytes. `None` where the system does not tell.
pub(crate) fn peak_bytes() -> Option<u64> {
    figure("/proc/self/status", "VmHWM:")
}

/// What can be allocated without swapping, in bytes. `None` where the system does not tell.
pub(crate) fn available_bytes() -> Option<u64> {
    figure("/proc/meminfo", "MemAvailable:")
}

/// The machine's memory, in bytes. `None` where the system does not tell.
pub(crate) fn total_bytes() -> Option<u64> {
    figure("/proc/meminfo", "MemTotal:")
}

/// The figure of `name` in a table of the kernel, in bytes.
fn figure(table: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(table).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::{available_bytes, peak_bytes, reset_peak};

    #[test]
    fn the_system_tells_how_much_is_left() {
        assert!(available_bytes().unwrap() > 1 << 20);
    }

    #[test]
    fn a_peak_is_seen_and_forgotten() {
        const SIZE: usize = 256 << 20;
        let is_seen_and_forgotten = || {
            reset_peak();
            let before = peak_bytes().unwrap();
            // Without `black_box` the compiler may see that nobody needs the block.
            let block = std::hint::black_box(vec![1_u8; SIZE]);
            let is_seen = peak_bytes().unwrap() >= before + (SIZE as u64) * 9 / 10;
            drop(block);
            reset_peak();
            is_seen && peak_bytes().unwrap() < before + (SIZE as u64) / 2
        };
        // Other tests of this process take and give memory meanwhile.
        assert!((0..20).any(|_| is_seen_and_forgotten()));
    }
}
