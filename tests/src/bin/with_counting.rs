//! The command line with a benchmark that is not built in, as a project of its own would have it.

use std::process::ExitCode;

#[path = "../../../crates/sah/src/benchmarks/testing.rs"]
mod counting;

fn main() -> ExitCode {
    sah::App::standard().with_benchmark(counting::Counting).main()
}
