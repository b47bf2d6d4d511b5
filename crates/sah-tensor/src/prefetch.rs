//! Memory that will be read soon.

/// Bytes that the processor fetches at once.
const LINE: usize = 64;

/// Has the processor fetch `words` while it works on others. Where rows are chosen, or lie apart, it does not foresee which one
/// is next. Nothing where no such instruction is known.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the intrinsic takes a pointer"))]
pub fn prefetch<T>(words: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in words.chunks(LINE / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction is part of every x86-64, and a hint: it reads nothing that the program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (words, LINE);
}
