//! Loading the model that the command line names.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use sah_adapter::{LoadedModel, ModelSource, Placement};
use tch::Device;

use crate::args::{DeviceArg, ModelArgs};
use crate::download::Bars;
use crate::usage::UsageError;

/// The built-in model, which `cargo xtask setup` fetches.
pub(crate) const DEFAULT_NAME: &str = "smollm2-135m-instruct";

/// Where `--model` and `--revision` point to. Looks at the disk but loads nothing, so that mistakes are found at once.
pub(crate) fn source(model: &str, revision: Option<&str>) -> anyhow::Result<ModelSource> {
    let source = if model == DEFAULT_NAME {
        let path = std::env::var_os("SAH_DEFAULT_MODEL").map(PathBuf::from);
        let path =
            path.with_context(|| format!("{DEFAULT_NAME} is found only when started as cargo xtask"))?;
        ensure!(path.exists(), "{DEFAULT_NAME} is not fetched yet: run cargo xtask setup");
        ModelSource::Gguf(path)
    } else {
        ModelSource::parse(model)?
    };
    let Some(revision) = revision else { return Ok(source) };
    source.at_revision(revision).map_err(|error| UsageError(format!("--revision: {error}")).into())
}

/// Fetches what is missing of a model on a hub and fixes the commit. Nothing to do for paths.
pub(crate) fn fetch(source: &ModelSource) -> anyhow::Result<ModelSource> {
    Ok(source.fetch(&mut Bars::default())?)
}

/// A device that is there and cannot be used now.
#[derive(Debug)]
pub(crate) struct DeviceUnavailable {
    device: String,
    reason: tch::TchError,
}

impl std::fmt::Display for DeviceUnavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { device, reason } = self;
        let reason = sah_attention::without_frames(reason);
        write!(
            f,
            "{device} is there and cannot be used now; does another program hold it? libtorch says: {reason}"
        )
    }
}

impl std::error::Error for DeviceUnavailable {}

/// Puts a number on each device, so that one that is taken is found by what it does and not by what an error says.
fn touch(placement: &Placement) -> Result<(), DeviceUnavailable> {
    for device in placement.devices() {
        let number = tch::Tensor::f_zeros([1], (tch::Kind::Float, device));
        let failed = |reason| DeviceUnavailable { device: device_name(device), reason };
        number.and_then(|number| f64::try_from(&number)).map_err(failed)?;
    }
    Ok(())
}

/// Loads the model to its device.
pub(crate) fn load(args: &ModelArgs, source: &ModelSource) -> anyhow::Result<Rc<LoadedModel>> {
    let placement = placement(&args.place.device)?;
    touch(&placement)?;
    let devices = device_names(&placement);
    let started = Instant::now();
    let model = LoadedModel::load(source, placement, args.precision.precision())?;
    let identity = model.identity();
    tracing::info!(
        "{} ({}, {} on {}), loaded in {:.1} s",
        identity.name,
        identity.architecture,
        args.precision.name(),
        devices,
        started.elapsed().as_secs_f64()
    );
    Ok(model)
}

/// The devices that `--device` means on this machine; fails where one is not there, before anything was loaded.
pub(crate) fn placement(device: &DeviceArg) -> anyhow::Result<Placement> {
    let count = tch::Cuda::device_count();
    let DeviceArg::Named(placement) = device else {
        return Ok(if count > 0 { Device::Cuda(0) } else { Device::Cpu }.into());
    };
    for device in placement.devices() {
        let Device::Cuda(index) = device else { continue };
        if count == 0 {
            bail!(UsageError(
                "--device cuda: this libtorch sees no CUDA device; run cargo xtask setup --cuda on a machine with a GPU, \
                 or use --device cpu"
                    .to_owned()
            ));
        }
        if index as i64 >= count {
            bail!(UsageError(format!(
                "--device cuda:{index}: there are {count} CUDA devices, counted from 0"
            )));
        }
    }
    Ok(placement.clone())
}

/// `cpu`, `cuda:0`, `cuda:0,cuda:1`, ...
pub(crate) fn device_names(placement: &Placement) -> String {
    placement.devices().map(device_name).collect::<Vec<_>>().join(",")
}

fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
