//! A masker: every other block of keys, `{"type": "every_other", "block": 16}` in an attention file.

use sah_attention::{
    AttentionInputs, FieldInfo, LayerState, Mask, Masker, MaskerConfig, MaskerInfo, Result, RowRanges,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EveryOther {
    block: usize,
}

impl MaskerConfig for EveryOther {
    const INFO: MaskerInfo = MaskerInfo {
        name: "every_other",
        about: "every other block of keys",
        fields: &[FieldInfo::required("block", "an integer, at least 1")],
        source: "an example",
        cost: "none",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(Self { block: self.block.max(1) }))
    }
}

impl Masker for EveryOther {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
        let dims = inputs.dims();
        let blocks = (0..dims.keys).step_by(2 * self.block);
        let row: Vec<_> = blocks.map(|start| start..(start + self.block).min(dims.keys)).collect();
        let ranges = RowRanges::from_rows(dims.keys, vec![row; dims.queries])?;
        previous.merge(Mask::from_ranges(dims.mask_shape(), ranges)?)
    }
}
