//! The entry of the mock benchmark, which needs no data.

use sah_bench_core::MockBenchmark;

use super::SimpleEntry;

/// `bench mock`.
pub(super) fn entry() -> SimpleEntry {
    let about = "Five questions about three short texts, to see in seconds whether a model and an attention work; its scores mean nothing";
    SimpleEntry::new("mock", about, || Box::new(MockBenchmark))
        .with_aliases(&["mock_benchmark", "mock-benchmark"])
}
