//! Every architecture on tiny random checkpoints: against transformers, and on configs that are wrong.
//!
//! A binary of its own: for tensors this small one thread is a hundred times as fast as several that wait for each other,
//! and the number of threads is one for the whole process.

mod against_transformers;
mod borders;
mod changed;
mod generation;
mod hybrid;
mod latent;
mod packed;
mod placement;
mod quantised;
mod refusals;
mod saved;
mod sequences;
mod shared_keys;
mod sizes;
mod together;

use std::path::Path;

use sah_adapter::{Error, Network};
use tch::{Device, Kind};

/// Loads a checkpoint in f32, on one thread.
fn load(folder: &Path) -> Result<Network, Error> {
    tch::set_num_threads(1);
    Network::load(folder, Device::Cpu, Kind::Float)
}
