//! A kernel: attention in double precision, `--kernel double`.

use sah_attention::{AttentionInputs, Kernel, ReferenceKernel, Reads, Result};
use tch::{Kind, Tensor};

#[derive(Debug)]
pub struct Double;

impl Kernel for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        let (queries, keys) = (double(inputs.queries()), double(&inputs.keys()?));
        let values = double(&inputs.values()?);
        let wide = AttentionInputs::new(&queries, &keys, &values, inputs.scale())?
            .with_window(inputs.window())?
            .with_soft_cap(inputs.soft_cap())?
            .with_positions(inputs.positions())?;
        Ok(ReferenceKernel.attend(&wide, reads)?.to_kind(inputs.kind()))
    }
}
