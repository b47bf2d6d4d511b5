//! Rotary embeddings of a config that has nothing else.

use std::path::Path;

use sah_tensor::rowwise::Pairs;
use serde_json::Value;

use super::{DefaultRope, Particular, RopeConfig};
use crate::Error;
use crate::model::ConfigFile;

pub(super) const DEFAULT: DefaultRope = DefaultRope {
    positions: 1000,
    theta: 10_000.0,
    trained: None,
    particular: Particular::Nothing,
    partial: 1.0,
    pairs: Pairs::Halves,
};

/// Those of heads of `head_dim`.
pub(super) fn read(config: &Value, head_dim: i64) -> Result<RopeConfig, Error> {
    let file = ConfigFile::new(config.as_object().expect("an object"), Path::new("config.json"));
    let rope = RopeConfig::read(&file, head_dim, &DEFAULT);
    file.finish().map(|_| rope)
}
