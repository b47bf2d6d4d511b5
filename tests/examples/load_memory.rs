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

use anyhow::bail;
use sah_adapter::{LoadedModel, ModelSource};
use sah_tests::speed::status;
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
    let peak = (status("VmHWM")? - status("RssFile")?) / 1e6;
    println!("{} in {dtype}: {peak:.0} MB at most", model.identity().name);
    Ok(())
}
