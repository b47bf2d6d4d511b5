//! Tests of the public interface.
#![expect(missing_docs, reason = "a test binary has no readers of documentation")]

mod sample;
