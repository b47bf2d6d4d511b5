//! Which device holds which part of a model.

use tch::Device;

/// The devices of a model, which share its layers: each has neighbouring ones, and as many bytes of weights as the next, as far as whole
/// layers allow. The embedding is on the first, the final norm and the head are on the last, and the keys and values of a layer are where
/// the layer is.
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

    /// Where each layer of a model of `weights` is: neighbours together, at least one on each device while there are enough, so that the sum of
    /// the squares of the devices' bytes is the least.
    #[must_use]
    pub fn of_layers(&self, weights: &WeightBytes) -> Vec<Device> {
        let layers = &weights.layers;
        let all: Vec<Device> = self.devices().take(layers.len()).collect();
        // Bytes of the first `n` layers; in f64, for the squares.
        let mut up_to = vec![0.0];
        for bytes in layers {
            up_to.push(up_to[up_to.len() - 1] + *bytes as f64);
        }
        // The least cost of the first `n` layers on the devices so far, and where the last of these begins.
        let mut costs: Vec<f64> = up_to.iter().map(|bytes| (bytes + weights.first as f64).powi(2)).collect();
        let mut begins: Vec<Vec<usize>> = vec![];
        for number in 1..all.len() {
            let own = if number == self.others.len() { weights.last as f64 } else { 0.0 };
            let best = |end: usize| {
                let cost = |begin: usize| costs[begin] + (up_to[end] - up_to[begin] + own).powi(2);
                // Of equal ones the last: earlier devices have more layers.
                (number..end)
                    .map(|begin| (cost(begin), begin))
                    .min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            };
            let found: Vec<(f64, usize)> =
                (0..up_to.len()).map(|end| best(end).unwrap_or((f64::INFINITY, 0))).collect();
            begins.push(found.iter().map(|(_, begin)| *begin).collect());
            costs = found.into_iter().map(|(cost, _)| cost).collect();
        }
        let (mut places, mut end) = (vec![self.first; layers.len()], layers.len());
        for (device, begins) in all.iter().skip(1).zip(&begins).rev() {
            places[begins[end]..end].fill(*device);
            end = begins[end];
        }
        places
    }
}

/// Bytes of a model's weights in memory, by what they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightBytes {
    /// Of the embedding, and of what else comes before the layers.
    pub first: u64,
    /// Of each layer.
    pub layers: Vec<u64>,
    /// Of the final norm and the head, which may be the embedding.
    pub last: u64,
}

#[cfg(test)]
mod tests {
    use tch::Device::{self, Cpu, Cuda};

    use super::{Placement, WeightBytes};

    /// Layers of 10 bytes.
    fn plan(devices: &[Device], layers: usize) -> Vec<Device> {
        let weights = WeightBytes { layers: vec![10; layers], ..WeightBytes::default() };
        Placement::over(devices[0], devices[1..].to_vec()).of_layers(&weights)
    }

    /// How many layers each of `devices` has.
    fn counts(devices: usize, first: u64, layers: &[u64], last: u64) -> Vec<usize> {
        let all: Vec<Device> = (0..devices).map(Cuda).collect();
        let weights = WeightBytes { first, layers: layers.to_vec(), last };
        let plan = Placement::over(all[0], all[1..].to_vec()).of_layers(&weights);
        assert!(plan.is_sorted_by_key(|device| all.iter().position(|other| device == other)), "{plan:?}");
        all.iter().map(|device| plan.iter().filter(|found| *found == device).count()).collect()
    }

    #[test]
    fn layers_are_spread_by_their_bytes() {
        // Three dense layers before seven of experts.
        let layers = [&[10; 3][..], &[100; 7]].concat();
        assert_eq!(counts(2, 0, &layers, 0), [6, 4], "330 and 400 bytes, not 230 and 500");
        assert_eq!(counts(3, 0, &layers, 0), [5, 3, 2], "230, 300 and 200");
        assert_eq!(counts(2, 0, &[1, 1, 1, 100], 0), [3, 1]);
        assert_eq!(counts(2, 0, &[100, 1, 1, 1], 0), [1, 3]);
        // The embedding and the head take their share.
        assert_eq!(counts(2, 300, &layers, 0), [5, 5], "530 and 500");
        assert_eq!(counts(2, 0, &layers, 300), [8, 2]);
        assert_eq!(counts(2, 10_000, &layers, 0), [1, 9], "at least one");
        assert_eq!(counts(3, 0, &layers, 10_000), [6, 3, 1]);
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
