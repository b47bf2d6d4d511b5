//! Names of devices, and whether they can be used.

use sah_adapter::Placement;
use tch::Device;

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
pub(crate) fn touch(placement: &Placement) -> Result<(), DeviceUnavailable> {
    for device in placement.devices() {
        let number = tch::Tensor::f_zeros([1], (tch::Kind::Float, device));
        let failed = |reason| DeviceUnavailable { device: name(device), reason };
        number.and_then(|number| f64::try_from(&number)).map_err(failed)?;
    }
    Ok(())
}

/// `cpu`, `cuda:0`, `cuda:0,cuda:1`, ...
pub(crate) fn names(placement: &Placement) -> String {
    placement.devices().map(name).collect::<Vec<_>>().join(",")
}

fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
