//! What the machine is, and what it can do at best.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use sah_adapter::{Instructions, MatrixSize};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::memory;

/// Bytes that are read once: far more than any cache holds.
const BYTES: usize = 1 << 29;
/// Rows of a matrix product, as of a chunk of a prefill.
const ROWS: i64 = 2048;
const PASSES: usize = 5;

/// The machine, for result files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// What the processor calls itself; `None` where the system does not tell.
    pub(crate) cpu: Option<String>,
    /// Processors that this process may use.
    pub(crate) cores: usize,
    /// Memory; `None` where the system does not tell.
    pub(crate) memory_bytes: Option<u64>,
    /// The instructions that our kernels were kept to; `None` where they use all that they know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<String>,
}

impl Machine {
    /// The one that this runs on.
    pub(crate) fn this() -> Self {
        let table = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let line = table.lines().find(|line| line.starts_with("model name"));
        Self {
            cpu: line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory::total_bytes(),
            instructions: Instructions::allowed()
                .ok()
                .filter(|level| *level != Instructions::Bf16Tiles)
                .map(|level| level.to_string()),
        }
    }
}

/// Bytes a second that `threads` threads read from memory: the best of five passes, each of which adds up all words. Each
/// thread reads in four streams, which is faster than one by a third.
pub(crate) fn memory_bandwidth(threads: usize) -> f64 {
    let words = vec![1_u64; BYTES / size_of::<u64>()];
    let pass = || {
        let started = Instant::now();
        let part = words.len().div_ceil(threads);
        let sum: u64 = words.par_chunks(part).map(sum).sum();
        black_box(sum);
        BYTES as f64 / started.elapsed().as_secs_f64()
    };
    (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
}

/// The sum of all words, read from four places at once.
fn sum(words: &[u64]) -> u64 {
    let quarter = (words.len() / 4).max(1);
    let mut parts = words.chunks_exact(quarter);
    let [a, b, c, d] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let rest: u64 = words.iter().skip(4 * quarter).sum();
    a.iter().zip(b).zip(c.iter().zip(d)).map(|((a, b), (c, d))| a + b + c + d).sum::<u64>() + rest
}

/// Floating point operations a second of libtorch's products of 2,048 rows with a weight of each of these sizes: the best
/// of five passes over all of them.
pub(crate) fn product_speed(sizes: &[MatrixSize], kind: Kind, device: Device) -> anyhow::Result<f64> {
    let random = |size: [i64; 2]| Tensor::f_randn(size, (Kind::Float, device))?.f_to_kind(kind);
    let mut products = Vec::new();
    for size in sizes {
        let (outputs, inputs) = (size.outputs as i64, size.inputs as i64);
        products.push((random([ROWS, inputs])?, random([outputs, inputs])?));
    }
    let operations: u64 =
        sizes.iter().map(|size| 2 * ROWS as u64 * (size.outputs * size.inputs) as u64).sum();
    let pass = || -> anyhow::Result<f64> {
        let started = Instant::now();
        for (rows, weights) in &products {
            drop(rows.f_linear::<Tensor>(weights, None)?);
        }
        if let Device::Cuda(index) = device {
            tch::Cuda::synchronize(index as i64);
        }
        Ok(operations as f64 / started.elapsed().as_secs_f64())
    };
    // The first one chooses kernels.
    pass()?;
    (0..PASSES).try_fold(0.0, |best, _| Ok(f64::max(best, pass()?)))
}

#[cfg(test)]
mod tests {
    use sah_adapter::MatrixSize;
    use tch::{Device, Kind};

    use super::{Machine, product_speed};

    #[test]
    fn the_machine_has_a_processor_and_multiplies() {
        let machine = Machine::this();
        assert!(machine.cores > 0 && machine.memory_bytes.unwrap() > 1 << 28, "{machine:?}");
        let size = MatrixSize { outputs: 64, inputs: 32, count: 3 };
        let speed = product_speed(&[size], Kind::Float, Device::Cpu).unwrap();
        assert!(speed > 1e7, "{speed} operations a second");
    }
}
