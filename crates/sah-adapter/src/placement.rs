//! Which device holds which part of a model.

use tch::Device;

/// The devices of a model, which share its layers: each has as many neighbouring ones as the next, give or take one. The
/// embedding is on the first, the final norm and the head are on the last, and the keys and values of a layer are where the
/// layer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    first: Device,
    others: Vec<Device>,
}

impl From<Device> for Placement {
    fn from(device: Device) -> Self {
        Self { first: device, others: vec![] }
    }
}

impl Placement {
    /// Over several devices, in the order of the layers. A device may occur more than once.
    #[must_use]
    pub fn over(first: Device, others: Vec<Device>) -> Self {
        Self { first, others }
    }

    /// All devices, in the order of the layers.
    pub fn devices(&self) -> impl Iterator<Item = Device> + '_ {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Where the embedding is.
    #[must_use]
    pub fn first(&self) -> Device {
        self.first
    }

    /// Where the final norm and the head are.
    #[must_use]
    pub fn last(&self) -> Device {
        self.others.last().copied().unwrap_or(self.first)
    }

    /// Where layer `layer` of `layers` is.
    #[must_use]
    pub fn of_layer(&self, layer: usize, layers: usize) -> Device {
        let devices = self.others.len() + 1;
        let number = layer * devices / layers.max(1);
        if number == 0 { self.first } else { self.others.get(number - 1).copied().unwrap_or(self.last()) }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device::{self, Cpu, Cuda};

    use super::Placement;

    fn plan(devices: &[Device], layers: usize) -> Vec<Device> {
        let placement = Placement::over(devices[0], devices[1..].to_vec());
        (0..layers).map(|layer| placement.of_layer(layer, layers)).collect()
    }

    #[test]
    fn one_device_has_everything() {
        let placement = Placement::from(Cpu);
        assert_eq!((placement.first(), placement.last()), (Cpu, Cpu));
        assert_eq!(plan(&[Cuda(1)], 3), [Cuda(1); 3]);
    }

    #[test]
    fn neighbouring_layers_share_a_device_and_every_device_has_its_share() {
        assert_eq!(plan(&[Cuda(0), Cuda(1)], 5), [Cuda(0), Cuda(0), Cuda(0), Cuda(1), Cuda(1)]);
        for devices in 1..=8 {
            let all: Vec<Device> = (0..devices).map(Cuda).collect();
            for layers in devices..=70 {
                let plan = plan(&all, layers);
                let mut seen = plan.clone();
                seen.dedup();
                assert_eq!(seen, all, "{layers} layers");
                let count = |device: &Device| plan.iter().filter(|found| *found == device).count();
                let counts: Vec<usize> = all.iter().map(count).collect();
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                assert!(most - least <= 1, "{layers} layers: {counts:?}");
            }
        }
    }

    #[test]
    fn more_devices_than_layers_leave_some_without() {
        let placement = Placement::over(Cuda(0), vec![Cuda(1), Cuda(2)]);
        assert_eq!(plan(&[Cuda(0), Cuda(1), Cuda(2)], 2), [Cuda(0), Cuda(1)]);
        assert_eq!(placement.last(), Cuda(2));
    }
}
