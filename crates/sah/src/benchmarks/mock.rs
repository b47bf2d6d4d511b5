//! The entry of the mock benchmark, which needs no data.

use sah_bench_core::{Benchmark, MockBenchmark};

use super::BenchmarkEntry;

/// `bench mock`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry;

impl BenchmarkEntry for Entry {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["mock_benchmark", "mock-benchmark"]
    }

    fn about(&self) -> &'static str {
        "Five questions about three short texts, to see in seconds whether a model and an attention work; its scores mean nothing"
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(MockBenchmark)
    }
}
