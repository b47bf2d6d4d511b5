//! Loads a model and prints the most memory that it took:
//!
//! ```sh
//! cargo xtask example load_memory FOLDER|FILE.gguf f32|bf16|f16
//! ```
//!
//! Linux only: the figures are those of `/proc/self/status`. Pages of libraries, which the system can drop at any time, are
//! left out. With `MALLOC_MMAP_THRESHOLD_=262144` glibc gives large blocks back as soon as they are free: the figure is then
//! what the model takes in the end.

#![expect(clippy::print_stdout, reason = "prints its result")]

use anyhow::{Context as _, bail};
use sah_adapter::{LoadedModel, ModelSource};
use tch::{Device, Kind};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, dtype] = arguments.as_slice() else { bail!("give a model and a dtype") };
    let kind = match dtype.as_str() {
        "f32" => Kind::Float,
        "bf16" => Kind::BFloat16,
        "f16" => Kind::Half,
        other => bail!("{other} is none of f32, bf16, f16"),
    };
    let model = LoadedModel::load(&ModelSource::parse(model)?, Device::Cpu, kind)?;
    let peak = status("VmHWM:")? - status("RssFile:")?;
    println!("{} in {dtype}: {peak:.0} MB at most", model.identity().name);
    Ok(())
}

/// A figure of `/proc/self/status`, in MB.
fn status(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
    let kibibytes: f64 = line.trim().strip_suffix("kB").context("no kB")?.trim().parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}
