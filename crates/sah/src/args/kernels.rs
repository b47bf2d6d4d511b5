//! `cargo xtask bench kernels`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::model::{DeviceArg, DtypeArg};

/// Flags of `bench kernels`.
#[derive(Debug, Args)]
pub(crate) struct KernelsArgs {
    /// Whose heads: number of query and key/value heads, and their dimension
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["smollm2-135m", "llama-3-8b", "qwen2.5-7b"])]
    pub(crate) heads: Vec<HeadsArg>,

    /// Lengths of the cache
    #[arg(long, value_name = "K", value_delimiter = ',', default_values_t = [1024, 4096, 16_384, 32_768, 131_072],
        value_parser = clap::value_parser!(u32).range(512..=1 << 20))]
    pub(crate) keys: Vec<u32>,

    /// Shares of the keys that each head selects, in percent
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values_t = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0],
        value_parser = percent)]
    pub(crate) density: Vec<f64>,

    /// Query rows of a chunk of a prefill; 1 leaves the chunks out
    #[arg(long, value_name = "Q", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub(crate) chunk: u32,

    /// Seconds for each measurement
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) seconds: f64,

    /// Where the tensors lie: `cpu` or `cuda:N`
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: DeviceArg,

    /// Precision of queries, keys and values
    #[arg(long, value_enum, default_value = "f32")]
    pub(crate) dtype: DtypeArg,

    /// CPU threads; all cores by default
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,

    /// Where `kernels.json`, `kernels.svg` and criterion's own files go
    #[arg(long, value_name = "DIR", default_value = "./benchmark_results/kernels")]
    pub(crate) out: PathBuf,
}

/// The heads of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeadsArg {
    /// 9 query and 3 key/value heads of 64
    #[value(name = "smollm2-135m")]
    SmolLm2,
    /// 32 query and 8 key/value heads of 128, also of Mistral 7B and Qwen3 8B
    #[value(name = "llama-3-8b")]
    Llama3,
    /// 28 query and 4 key/value heads of 128
    #[value(name = "qwen2.5-7b")]
    Qwen2,
    /// 32 query and key/value heads of 96
    #[value(name = "phi-3-mini")]
    Phi3,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value <= 100.0 => Ok(value),
        _ => Err("must be a number above 0 and at most 100".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.01..=600.0).contains(&value) => Ok(value),
        _ => Err("must be a number from 0.01 to 600".to_owned()),
    }
}
