//! Oracle top-k: the keys with the largest exact scores.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{add_top_k, exact_scores};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::LayerState;

/// Parameters of the [`OracleTopKMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleTopKConfig {
    /// Keys to add.
    pub heavy_size: Size,
}

impl MaskerConfig for OracleTopKConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "oracle_top_k",
        about: "the keys with the largest exact scores",
        fields: &[FieldInfo::size("heavy_size")],
        source: "what top-k methods approximate",
        cost: "K D multiplications: an oracle, which saves nothing",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(OracleTopKMasker::new(self.heavy_size)?))
    }
}

/// Selects, for every head and query row, the keys with the largest exact scores among those that are not selected yet.
///
#[doc = include_str!("../../docs/maskers/oracle_top_k.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleTopKMasker {
    heavy_size: Size,
}

impl OracleTopKMasker {
    /// A masker of the best `heavy_size` keys; it must be greater than 0, a fraction at most 1.
    pub fn new(heavy_size: Size) -> Result<Self> {
        Ok(Self { heavy_size: heavy_size.validate("heavy_size")? })
    }
}

impl Masker for OracleTopKMasker {
    fn name(&self) -> &'static str {
        "oracle_top_k"
    }

    fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
        let dims = inputs.dims();
        let heavy = self.heavy_size.of(dims.keys);
        if previous.is_full() || dims.keys <= heavy {
            return Ok(Mask::full(dims.mask_shape()));
        }
        add_top_k(inputs, previous, heavy, |rows| exact_scores(inputs, rows, 0..dims.keys))
    }
}
