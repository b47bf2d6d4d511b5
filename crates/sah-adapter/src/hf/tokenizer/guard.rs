//! What the `tokenizers` library does to files that are wrong.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what may panic on a broken `tokenizer.json` (version 0.23 does where a text has half a surrogate pair in it) and
/// gives a panic as an error.
pub(super) fn guarded<T>(
    call: impl FnOnce() -> Result<T, tokenizers::Error>,
) -> Result<T, tokenizers::Error> {
    // The library's caches are locks that a panic poisons, and nothing else is changed by a call.
    let result = catch_unwind(AssertUnwindSafe(call));
    result.unwrap_or_else(|panic| Err(format!("the tokenizers library gave up: {}", message(&*panic)).into()))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("for no stated reason")
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_file_that_makes_the_library_panic_is_an_error() {
        let json = r#"{"version": "1.0", "added_tokens": [], "decoder": {"type": "Fuse", "x": "\ud83d"},
            "model": {"type": "BPE", "vocab": {}, "merges": []}}"#;
        let error = guarded(|| tokenizers::Tokenizer::from_bytes(json)).unwrap_err().to_string();
        assert!(error.contains("the tokenizers library gave up: "), "{error}");
        let panic = guarded::<()>(|| panic!("at {}", 7)).unwrap_err().to_string();
        assert_eq!(panic, "the tokenizers library gave up: at 7");
    }
}
