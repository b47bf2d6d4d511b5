//! Memory that will be read soon.

/// Bytes that the processor fetches at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Has the processor fetch `words` while it works on others: where rows are chosen, or lie apart, it does not foresee which one
/// is next. Does nothing on processors other than x86-64.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the intrinsic takes a pointer"))]
pub fn prefetch<T>(words: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in words.chunks(const { per_line(size_of::<T>()) }) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction is part of every x86-64, and a hint: it reads nothing that the program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = words;
}

/// How many values of `size` bytes begin in one line; one where they are larger.
#[cfg(target_arch = "x86_64")]
const fn per_line(size: usize) -> usize {
    if size == 0 || size > LINE { 1 } else { LINE / size }
}

#[cfg(test)]
mod tests {
    use super::prefetch;

    #[test]
    fn values_of_any_size_can_be_fetched() {
        prefetch::<u32>(&[]);
        prefetch(&[1.0_f32; 1000]);
        prefetch(&[[0_u8; 3]; 50]);
        prefetch(&[[0_u64; 9]; 5]);
        prefetch(&[(); 70]);
    }
}
