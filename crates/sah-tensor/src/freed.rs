//! Memory that was freed and that the allocator holds.

/// Gives memory that was freed back to the system. glibc holds blocks below 32 MiB for later once some of their size were freed, so that
/// a process that drops a large cache is as large as before. Does nothing with other allocators.
#[cfg_attr(all(target_os = "linux", target_env = "gnu"), expect(unsafe_code, reason = "calls glibc"))]
pub fn give_back_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function has no requirements; it locks the allocator while it works.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::give_back_freed;

    /// Resident memory of this process in MiB.
    fn resident() -> i64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<i64>().unwrap() / 1024
    }

    #[test]
    fn freed_blocks_leave_the_process() {
        let block = || std::hint::black_box(vec![1_u8; 8 << 20]);
        // Freed once, blocks of this size are held.
        drop(block());
        let (blocks, end): (Vec<_>, _) = ((0..40).map(|_| block()).collect(), block());
        let before = resident();
        drop(blocks);
        give_back_freed();
        // Other tests of this process take memory meanwhile.
        assert!(resident() < before - 200, "{} of {before} MiB", resident());
        drop(end);
    }
}
